//! Which services a tenant's pipeline is made of.

use serde::{Deserialize, Serialize};

/// The services of a pipeline, each kind in the order in which they are asked.
/// Holds no key: it may be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineChoice {
    /// Who hears.
    pub recognisers: Vec<RecogniserChoice>,
    /// Who thinks.
    pub agents: Vec<AgentChoice>,
    /// Who speaks.
    pub voices: Vec<VoiceChoice>,
    /// What a language model is told at most, in tokens.
    pub history_tokens: u32,
    /// Whether it takes over, within a call, when the speech model of a tenant whose
    /// mode is another cannot be kept.
    pub takes_over: bool,
    /// Whether an answer is begun when the caller has likely said all, and thrown
    /// away when there is more.
    pub speculate: bool,
}

impl Default for PipelineChoice {
    fn default() -> Self {
        Self {
            recognisers: vec![RecogniserChoice::default()],
            agents: vec![AgentChoice::default()],
            voices: vec![VoiceChoice::default()],
            history_tokens: 8_000,
            takes_over: false,
            speculate: false,
        }
    }
}

/// A recogniser. What is unset is the service's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecogniserChoice {
    /// Whose it is.
    pub service: RecogniserService,
    /// The service's name of the model.
    pub model: Option<String>,
    /// Language, as the service writes it.
    pub language: Option<String>,
    /// Where it is; the service's public address when unset.
    pub url: Option<String>,
    /// Name of the environment variable that holds the key. Never the key itself.
    pub api_key_env: Option<String>,
}

/// Whose a recogniser is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecogniserService {
    /// Deepgram, or who speaks its protocol.
    #[default]
    Deepgram,
    /// A realtime transcription session of OpenAI's.
    Openai,
}

impl RecogniserService {
    /// Where the service is.
    #[must_use]
    pub const fn public_url(self) -> &'static str {
        match self {
            Self::Deepgram => "wss://api.deepgram.com",
            Self::Openai => "wss://api.openai.com",
        }
    }

    /// The variable that holds the key, where a file names none.
    #[must_use]
    pub const fn key_name(self) -> &'static str {
        match self {
            Self::Deepgram => "DEEPGRAM_API_KEY",
            Self::Openai => "OPENAI_API_KEY",
        }
    }
}

/// A language model, of any service that speaks chat completions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentChoice {
    /// The service's name of the model.
    pub model: String,
    /// Who is paid for it, as the price table says it.
    pub provider: String,
    /// The service's name of the cheaper model for when money runs short.
    pub budget_model: Option<String>,
    /// Where it is.
    pub url: String,
    /// Name of the environment variable that holds the key. Never the key itself.
    pub api_key_env: String,
    /// Sampling temperature; the model's own when unset.
    pub temperature: Option<f32>,
}

impl Default for AgentChoice {
    fn default() -> Self {
        Self {
            model: "gpt-4.1-mini".to_owned(),
            provider: "openai".to_owned(),
            budget_model: None,
            url: "https://api.openai.com/v1".to_owned(),
            api_key_env: "OPENAI_API_KEY".to_owned(),
            temperature: None,
        }
    }
}

/// A voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceChoice {
    /// Whose it is.
    pub service: VoiceService,
    /// The service's name of the voice.
    pub voice: String,
    /// The service's name of the model, where it has several.
    pub model: Option<String>,
    /// Region of an Azure resource.
    pub region: String,
    /// Where it is; the service's public address when unset.
    pub url: Option<String>,
    /// Name of the environment variable that holds the key. Never the key itself.
    pub api_key_env: Option<String>,
}

impl Default for VoiceChoice {
    fn default() -> Self {
        Self {
            service: VoiceService::Azure,
            voice: "en-US-AvaNeural".to_owned(),
            model: None,
            region: "eastus".to_owned(),
            url: None,
            api_key_env: None,
        }
    }
}

/// Who has voices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoiceService {
    /// Azure's neural voices.
    #[default]
    Azure,
    /// ElevenLabs' voices.
    Elevenlabs,
}

impl VoiceService {
    /// The variable that holds the key, where a file names none.
    #[must_use]
    pub const fn key_name(self) -> &'static str {
        match self {
            Self::Azure => "AZURE_SPEECH_KEY",
            Self::Elevenlabs => "ELEVENLABS_API_KEY",
        }
    }
}
