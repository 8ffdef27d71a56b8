//! A session's configuration: what a client may set, merged into what is in
//! force, and read as the machine needs it.

use serde_json::{Value, json};

use super::dialect::Dialect;
use super::error::ApiError;
use super::fields::set;
use super::merge::{check_modalities, known, merge_beta, merge_ga, vad_defaults};
use super::vad::VadSettings;
use crate::speech::level::AudioFormat;

/// The configuration in force, in the dialect's own shape.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    dialect: Dialect,
    body: Value,
}

const GA_KEYS: &[&str] = &[
    "type",
    "model",
    "instructions",
    "output_modalities",
    "audio",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "truncation",
    "tracing",
    "include",
    "prompt",
    "reasoning",
    "parallel_tool_calls",
];
const BETA_KEYS: &[&str] = &[
    "model",
    "modalities",
    "instructions",
    "voice",
    "input_audio_format",
    "output_audio_format",
    "input_audio_transcription",
    "input_audio_noise_reduction",
    "turn_detection",
    "tools",
    "tool_choice",
    "temperature",
    "max_response_output_tokens",
    "speed",
    "tracing",
    "include",
];

impl Config {
    pub(crate) fn new(dialect: Dialect, model: &str) -> Self {
        let body = match dialect {
            Dialect::Ga => json!({
                "type": "realtime",
                "model": model,
                "instructions": "You are a helpful assistant.",
                "output_modalities": ["audio"],
                "audio": {
                    "input": {
                        "format": {"type": "audio/pcm", "rate": 24000},
                        "noise_reduction": null,
                        "transcription": null,
                        "turn_detection": vad_defaults("server_vad"),
                    },
                    "output": {
                        "format": {"type": "audio/pcm", "rate": 24000},
                        "voice": "marin",
                        "speed": 1.0,
                    },
                },
                "tools": [],
                "tool_choice": "auto",
                "max_output_tokens": "inf",
                "truncation": "auto",
                "tracing": null,
                "prompt": null,
                "include": null,
            }),
            Dialect::Beta => json!({
                "model": model,
                "modalities": ["audio", "text"],
                "instructions": "You are a helpful assistant.",
                "voice": "alloy",
                "input_audio_format": "pcm16",
                "output_audio_format": "pcm16",
                "input_audio_transcription": null,
                "input_audio_noise_reduction": null,
                "turn_detection": vad_defaults("server_vad"),
                "tools": [],
                "tool_choice": "auto",
                "temperature": 0.8,
                "max_response_output_tokens": "inf",
                "speed": 1.0,
                "tracing": null,
            }),
        };
        Self { dialect, body }
    }

    pub(crate) const fn body(&self) -> &Value {
        &self.body
    }

    /// Merges what a client sent; only what is present changes.
    pub(crate) fn update(&mut self, patch: &Value, voice_used: bool) -> Result<(), ApiError> {
        let Some(patch) = patch.as_object() else {
            return Err(ApiError::missing("session"));
        };
        let mut body = self.body.clone();
        match self.dialect {
            Dialect::Ga => {
                match patch.get("type").and_then(Value::as_str) {
                    // A recogniser only: its audio and nothing else.
                    Some(kind @ ("realtime" | "transcription")) => {
                        set(&mut body, "type", kind);
                    }
                    Some(other) => {
                        let value = Value::from(other);
                        return Err(ApiError::invalid_value("session.type", &value, "'realtime'"));
                    }
                    None => return Err(ApiError::missing("session.type")),
                }
                known(patch, GA_KEYS, "session")?;
                merge_ga(&mut body, patch)?;
            }
            Dialect::Beta => {
                known(patch, BETA_KEYS, "session")?;
                merge_beta(&mut body, patch)?;
            }
        }
        let changed = Self { dialect: self.dialect, body };
        changed.check()?;
        if changed.voice() != self.voice() && voice_used {
            let message = "Cannot update a conversation's voice if assistant audio is present.";
            return Err(ApiError::new("cannot_update_voice", message));
        }
        if changed.body.get("model") != self.body.get("model") {
            return Err(ApiError::new("invalid_value", "The model of a session cannot change.")
                .param("session.model"));
        }
        *self = changed;
        Ok(())
    }

    fn check(&self) -> Result<(), ApiError> {
        self.format_at(self.input_format_value()).ok_or_else(|| self.bad_format("input"))?;
        self.format_at(self.output_format_value()).ok_or_else(|| self.bad_format("output"))?;
        let path = format!("session.{}", self.dialect.modalities());
        check_modalities(self.dialect, self.body.get(self.dialect.modalities()), &path)
    }

    fn bad_format(&self, side: &str) -> ApiError {
        match self.dialect {
            Dialect::Ga => ApiError::new("invalid_value", "Unsupported audio format.")
                .param(format!("session.audio.{side}.format")),
            Dialect::Beta => ApiError::new(
                "invalid_value",
                "Supported values are: 'pcm16', 'g711_ulaw', and 'g711_alaw'.",
            )
            .param(format!("session.{side}_audio_format")),
        }
    }

    fn at(&self, ga: &str, beta: &str) -> Option<&Value> {
        self.body.pointer(match self.dialect {
            Dialect::Ga => ga,
            Dialect::Beta => beta,
        })
    }

    fn input_format_value(&self) -> Option<&Value> {
        self.at("/audio/input/format", "/input_audio_format")
    }

    pub(crate) fn output_format_value(&self) -> Option<&Value> {
        self.at("/audio/output/format", "/output_audio_format")
    }

    fn format_at(&self, value: Option<&Value>) -> Option<AudioFormat> {
        let name = match self.dialect {
            Dialect::Ga => value?.get("type")?.as_str()?,
            Dialect::Beta => value?.as_str()?,
        };
        match name {
            "audio/pcm" | "pcm16" => Some(AudioFormat::Pcm24k),
            "audio/pcmu" | "g711_ulaw" => Some(AudioFormat::Mulaw),
            "audio/pcma" | "g711_alaw" => Some(AudioFormat::Alaw),
            _ => None,
        }
    }

    pub(crate) fn input_format(&self) -> AudioFormat {
        self.format_at(self.input_format_value()).unwrap_or(AudioFormat::Pcm24k)
    }

    pub(crate) fn output_format(&self) -> AudioFormat {
        self.format_at(self.output_format_value()).unwrap_or(AudioFormat::Pcm24k)
    }

    pub(crate) fn voice(&self) -> Option<&Value> {
        self.at("/audio/output/voice", "/voice")
    }

    pub(crate) fn modalities(&self) -> Value {
        self.body.get(self.dialect.modalities()).cloned().unwrap_or(Value::Null)
    }

    /// Whether the caller's words are written down.
    pub(crate) fn transcribes(&self) -> bool {
        self.at("/audio/input/transcription", "/input_audio_transcription")
            .is_some_and(|t| !t.is_null())
    }

    pub(crate) fn instructions(&self) -> &str {
        self.body.get("instructions").and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn tools(&self) -> &Value {
        self.body.get("tools").unwrap_or(&Value::Null)
    }

    pub(crate) fn tool_choice(&self) -> &Value {
        self.body.get("tool_choice").unwrap_or(&Value::Null)
    }

    /// `None` where the client decides when a turn ends.
    pub(crate) fn vad(&self) -> Option<VadSettings> {
        let vad = self.at("/audio/input/turn_detection", "/turn_detection")?.as_object()?;
        let number =
            |name: &str, default: u64| vad.get(name).and_then(Value::as_u64).unwrap_or(default);
        let flag = |name: &str| vad.get(name).and_then(Value::as_bool).unwrap_or(true);
        let answers = self.body.get("type").is_none_or(|kind| kind != "transcription");
        let silence_ms = match vad.get("eagerness").and_then(Value::as_str) {
            Some("low") => 1_500,
            Some("high") => 300,
            Some(_) => 600,
            None => number("silence_duration_ms", 500),
        };
        #[expect(clippy::cast_possible_truncation, reason = "0 to 1")]
        let threshold = vad.get("threshold").and_then(Value::as_f64).unwrap_or(0.5) as f32;
        Some(VadSettings {
            threshold,
            prefix_ms: number("prefix_padding_ms", 300),
            silence_ms,
            create_response: answers && flag("create_response"),
            interrupt_response: answers && flag("interrupt_response"),
        })
    }
}
