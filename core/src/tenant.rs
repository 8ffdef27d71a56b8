//! A tenant: one business, its numbers, its voice and its rules. Plain data,
//! validated where it is read; the call core takes what it needs from here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::block_list::BlockList;
use crate::cost::Budget;
use crate::flight::Keep;
use crate::ids::TenantId;
use crate::pii::PhoneNumber;
use crate::turn::barge_in::BargeInSettings;
use crate::turn::endpoint::Endpointing;
use crate::turn::silence::SilenceSettings;
use crate::wire::realtime::Dialect;

/// One business, as its file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// The file's name without its ending.
    pub id: TenantId,
    /// What callers know the business as.
    pub company: String,
    /// The numbers callers dial, E.164.
    pub numbers: Vec<PhoneNumber>,
    /// How calls are answered.
    pub mode: Mode,
    /// Who speaks, and what they are told.
    pub persona: Persona,
    /// Where a caller is sent who needs a human.
    pub human_number: Option<PhoneNumber>,
    /// Shown to the human as the caller's number; the called number when unset.
    pub caller_id: Option<PhoneNumber>,
    /// Spoken by the carrier before the stream opens, such as "This call may be recorded".
    pub consent: Option<String>,
    /// Whether a bridged call is recorded from its answer.
    pub record: bool,
    /// Whether the carrier records calls from the moment the agent speaks.
    #[serde(default)]
    pub recording: Recording,
    /// Whether a media stream is opened at all; `false` is the classic menu.
    pub stream_enabled: bool,
    /// Which calls' flight recordings are kept; the server's choice when unset.
    #[serde(default)]
    pub flight_recorder: Option<Keep>,
    /// How long what is known of callers is kept.
    #[serde(default)]
    pub privacy: Privacy,
    /// Caps and clocks.
    pub limits: Limits,
    /// What may be spent.
    #[serde(default)]
    pub budget: Budget,
    /// Who owns the turns.
    pub turns: Turns,
    /// How the agent takes being interrupted.
    pub barge_in: BargeInSettings,
    /// How much silence ends a caller's turn.
    pub endpointing: Endpointing,
    /// What a caller's silence leads to.
    pub silence: SilenceSettings,
    /// What an answering machine is told after its beep; where there is nothing,
    /// the call is hung up.
    pub voicemail: Option<String>,
    /// The speech model to use.
    pub model: ModelSettings,
    /// The services that hear, think and speak in place of a speech model.
    #[serde(default)]
    pub pipeline: PipelineChoice,
    /// Names of the tools that the model may call.
    pub tools: Vec<String>,
    /// Answers that the `look_up` tool gives, by topic.
    pub facts: BTreeMap<String, String>,
    /// Where the account's secrets are found.
    pub credentials: Credentials,
}

/// Whether and how the carrier records calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// Whether it does.
    pub enabled: bool,
    /// How.
    pub channels: Channels,
}

/// How both sides of a call are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// The caller and the agent each in a channel of its own.
    #[default]
    Dual,
    /// Both in one.
    Mono,
}

impl Channels {
    /// The carrier's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dual => "dual",
            Self::Mono => "mono",
        }
    }
}

/// For how many days what is known of callers is kept; 0 is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// What was said, captured and done in calls, and their flight recordings.
    pub transcript_days: u32,
    /// Phone numbers, and the customers of appointments that are over.
    pub number_days: u32,
}

impl Default for Privacy {
    /// 90 days, of both.
    fn default() -> Self {
        Self { transcript_days: 90, number_days: 90 }
    }
}

impl Tenant {
    /// Whether the carrier's recordings of its calls are fetched and kept.
    #[must_use]
    pub const fn keeps_recordings(&self) -> bool {
        self.record || self.recording.enabled
    }

    /// Who speaks, as a name that the kept renderings of its sentences go by.
    #[must_use]
    pub fn voice(&self) -> &str {
        match (self.mode, self.pipeline.voices.first()) {
            (Mode::Pipeline, Some(voice)) => &voice.voice,
            (Mode::Realtime | Mode::Bridge | Mode::Pipeline, _) => &self.persona.voice,
        }
    }

    /// Whether answers are begun before a turn is over, as a pipeline can.
    #[must_use]
    pub fn speculates(&self) -> bool {
        let has_pipeline = self.mode == Mode::Pipeline || self.pipeline.takes_over;
        has_pipeline && self.pipeline.speculate
    }
}

/// How a tenant's calls are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A realtime speech model hears and speaks.
    Realtime,
    /// A recogniser hears, a language model thinks, and a voice speaks.
    Pipeline,
    /// Every call goes straight to the human number.
    Bridge,
}

impl Mode {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Realtime => "realtime",
            Self::Pipeline => "pipeline",
            Self::Bridge => "bridge",
        }
    }
}

/// Who speaks for the business. Texts have their variables filled in already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Persona {
    /// The persona file's name without its ending.
    pub name: String,
    /// What the persona calls itself, such as `Sarah`: `persona` in the templates.
    pub speaks_as: String,
    /// What the model is told to be and do: a template, rendered for each call
    /// with the call's seed (see [`crate::persona`]).
    pub instructions: String,
    /// The first sentence a caller hears.
    pub greeting: String,
    /// The last sentence a caller hears.
    pub farewell: String,
    /// Said when the call has run as long as it may.
    pub wrap_up: String,
    /// Said while a slow tool runs.
    pub fillers: Vec<String>,
    /// Asked when the caller has been silent for a while.
    pub nudge: String,
    /// Said while a lost model is dialled again, where its audio was kept.
    pub bridging: String,
    /// Stories to wander off into, for personas that do.
    pub tangents: Vec<String>,
    /// The provider's name of the voice.
    pub voice: String,
}

/// Caps and clocks of a tenant's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Calls at once; 0 is no cap.
    pub concurrent_calls: u32,
    /// Calls of one number within an hour; 0 is no limit.
    #[serde(default)]
    pub calls_per_number_per_hour: u32,
    /// Calls within an hour; 0 is no limit.
    #[serde(default)]
    pub calls_per_hour: u32,
    /// Callers who are turned away, everybody's list included. They are no part of a
    /// call that was taken, so no recording of one names them.
    #[serde(default, skip_serializing)]
    pub blocked_numbers: BlockList,
    /// What the call over the cap gets.
    pub over_cap: OverCap,
    /// Longest call, in milliseconds; 0 is no limit.
    pub max_call_duration_ms: u64,
    /// Most caller turns in one call; 0 is no limit.
    pub max_turns: u32,
    /// From the stream's start until the model must have shown life, in milliseconds.
    pub watchdog_ms: u64,
    /// Longest a hang-up waits for the last words to be played, in milliseconds.
    pub farewell_timeout_ms: u64,
    /// How long a tool may run before a filler is spoken, in milliseconds.
    pub slow_tool_ms: u64,
    /// How long a tool may run at all, in milliseconds.
    pub tool_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent_calls: 5,
            calls_per_number_per_hour: 10,
            calls_per_hour: 100,
            blocked_numbers: BlockList::default(),
            over_cap: OverCap::Busy,
            max_call_duration_ms: 600_000,
            max_turns: 20,
            watchdog_ms: 3_000,
            farewell_timeout_ms: 8_000,
            slow_tool_ms: 1_200,
            tool_timeout_ms: 15_000,
        }
    }
}

/// What the call over the cap gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverCap {
    /// "All lines are busy", then the carrier hangs up.
    Busy,
    /// The human number.
    Human,
}

/// Who decides when a turn ends and a response begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// The call core: the model only reports speech.
    Ours,
    /// The model's own voice detection creates and interrupts responses.
    Model,
}

/// Which speech model a tenant uses and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelSettings {
    /// The provider's name of the model; the server's default when unset.
    pub name: Option<String>,
    /// Who is paid for it, as the price table says it; `openai` when unset.
    #[serde(default)]
    pub provider: Option<String>,
    /// The provider's name of the cheaper model for when money runs short.
    #[serde(default)]
    pub budget_model: Option<String>,
    /// Wire form of the audio towards the model.
    pub audio: ModelAudio,
    /// Sampling temperature, for models that take one.
    pub temperature: Option<f32>,
    /// Model that transcribes the caller; none when unset.
    pub transcription: Option<String>,
    /// Voice activity threshold of the provider, 0 to 1.
    pub vad_threshold: f32,
    /// Audio kept from before speech was noticed, in milliseconds.
    pub prefix_padding_ms: u32,
    /// Silence that ends an utterance, in milliseconds.
    pub silence_duration_ms: u32,
    /// Longest session that the provider allows, in milliseconds, where it does
    /// not say; 0 is no limit.
    pub session_limit_ms: u64,
    /// Where else to go when this model cannot be kept, in this order.
    pub fallbacks: Vec<ModelFallback>,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            name: None,
            provider: None,
            budget_model: None,
            audio: ModelAudio::Pcmu,
            temperature: Some(0.8),
            transcription: Some("gpt-realtime-whisper".to_owned()),
            vad_threshold: 0.5,
            prefix_padding_ms: 300,
            silence_duration_ms: 500,
            session_limit_ms: 3_600_000,
            fallbacks: Vec::new(),
        }
    }
}

/// Another way to a speech model, for when the first one fails. What is unset is
/// as for the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct ModelFallback {
    /// The provider's name of the model.
    pub name: Option<String>,
    /// Where it is, as the server's own setting says it for the first. Holds no
    /// key: it may be shown.
    pub url: Option<String>,
    /// Name of the environment variable that holds the key. Never the key itself.
    pub api_key_env: Option<String>,
    /// The dialect that is spoken there.
    pub dialect: Option<Dialect>,
    /// Who is paid for it, as the price table says it.
    #[serde(default)]
    pub provider: Option<String>,
    /// The provider's name of the cheaper model for when money runs short.
    #[serde(default)]
    pub budget_model: Option<String>,
}

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

/// Wire form of the audio between us and the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelAudio {
    /// G.711 μ-law, 8 kHz: what the telephone speaks, passed through untouched.
    Pcmu,
    /// 16-bit linear, 24 kHz, little endian: resampled on the way.
    Pcm24k,
}

/// Names of the environment variables that hold a tenant's own secrets; the
/// server's own are used where a name is unset. Never the secrets themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Twilio account that owns the tenant's numbers.
    pub twilio_account_sid_env: Option<String>,
    /// That account's auth token.
    pub twilio_auth_token_env: Option<String>,
    /// Key for the realtime model.
    pub openai_api_key_env: Option<String>,
}
