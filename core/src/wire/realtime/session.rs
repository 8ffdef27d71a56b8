//! What a session is told to be, and its JSON in both dialects.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Dialect;

/// Wire form of the audio, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum AudioFormat {
    /// G.711 μ-law, 8 kHz, one byte a sample.
    Pcmu,
    /// 16-bit linear, 24 kHz, little endian.
    Pcm24k,
}

/// How the provider's own voice detection behaves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TurnDetection {
    /// Loudness at which audio counts as speech, 0 to 1.
    pub threshold: f32,
    /// Audio kept from before speech was noticed, in milliseconds.
    pub prefix_padding_ms: u32,
    /// Silence that ends an utterance, in milliseconds.
    pub silence_duration_ms: u32,
    /// Whether the end of an utterance creates a response by itself.
    pub create_response: bool,
    /// Whether the start of speech cancels the response by itself.
    pub interrupt_response: bool,
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// What the model calls it: letters, digits, `-`, `_`; 64 at most.
    pub name: String,
    /// When to use it, in words for the model.
    pub description: String,
    /// JSON schema of its arguments, an object schema.
    pub parameters: Value,
}

/// Everything a session is told at its start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionConfig {
    /// Who the model is and what it is to do.
    pub instructions: String,
    /// The provider's name of the voice. It cannot change once audio exists.
    pub voice: String,
    /// Wire form of the audio, both ways.
    pub audio: AudioFormat,
    /// Voice detection by the provider; `None` leaves commits to us.
    pub turn_detection: Option<TurnDetection>,
    /// Model that transcribes the caller; none when unset.
    pub transcription: Option<String>,
    /// Functions the model may call.
    pub tools: Vec<ToolSpec>,
    /// Sampling temperature, 0.6 to 1.2. GA has no such field: not sent there.
    pub temperature: Option<f32>,
}

impl SessionConfig {
    /// The `session` object of a `session.update`.
    pub(super) fn to_json(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::Ga => self.to_ga(),
            Dialect::Beta => self.to_beta(),
        }
    }

    fn to_ga(&self) -> Value {
        let format = match self.audio {
            // A `rate` beside pcmu is refused.
            AudioFormat::Pcmu => json!({"type": "audio/pcmu"}),
            AudioFormat::Pcm24k => json!({"type": "audio/pcm", "rate": 24_000}),
        };
        json!({
            "type": "realtime",
            "instructions": self.instructions,
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": format,
                    "transcription": self.transcription_json(),
                    "turn_detection": self.turn_detection_json(),
                },
                "output": {"format": format, "voice": self.voice},
            },
            "tools": self.tools_json(),
            "tool_choice": "auto",
        })
    }

    fn to_beta(&self) -> Value {
        let format = match self.audio {
            AudioFormat::Pcmu => "g711_ulaw",
            AudioFormat::Pcm24k => "pcm16",
        };
        let mut session = Map::new();
        let mut set = |key: &str, value: Value| session.insert(key.to_owned(), value);
        set("modalities", json!(["audio", "text"]));
        set("instructions", json!(self.instructions));
        set("voice", json!(self.voice));
        set("input_audio_format", json!(format));
        set("output_audio_format", json!(format));
        set("input_audio_transcription", self.transcription_json());
        set("turn_detection", self.turn_detection_json());
        set("tools", self.tools_json());
        set("tool_choice", json!("auto"));
        if let Some(temperature) = self.temperature {
            set("temperature", decimal(temperature));
        }
        Value::Object(session)
    }

    /// `null` rather than nothing where it is unset: a field that is absent
    /// keeps the server's default.
    fn transcription_json(&self) -> Value {
        self.transcription.as_ref().map_or(Value::Null, |model| json!({"model": model}))
    }

    fn turn_detection_json(&self) -> Value {
        self.turn_detection.as_ref().map_or(Value::Null, |vad| {
            json!({
                "type": "server_vad",
                "threshold": decimal(vad.threshold),
                "prefix_padding_ms": vad.prefix_padding_ms,
                "silence_duration_ms": vad.silence_duration_ms,
                "create_response": vad.create_response,
                "interrupt_response": vad.interrupt_response,
            })
        })
    }

    fn tools_json(&self) -> Value {
        let tool = |tool: &ToolSpec| {
            json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            })
        };
        Value::Array(self.tools.iter().map(tool).collect())
    }
}

/// The number as a person wrote it: 0.8, where widening would give
/// 0.800000011920929.
fn decimal(number: f32) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
