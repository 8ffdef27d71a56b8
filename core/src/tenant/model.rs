//! Which speech model speaks for a tenant, and how it is spoken to.

use serde::{Deserialize, Serialize};

use crate::wire::realtime::Dialect;

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// Wire form of the audio between us and the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelAudio {
    /// G.711 μ-law, 8 kHz: what the telephone speaks, passed through untouched.
    Pcmu,
    /// 16-bit linear, 24 kHz, little endian: resampled on the way.
    Pcm24k,
}
