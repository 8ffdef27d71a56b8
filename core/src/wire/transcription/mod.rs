//! The realtime service as a recogniser only: a session of type `transcription`,
//! with the events that [`realtime`](crate::wire::realtime) reads. The second
//! recogniser, for when the first fails.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::url::{Target, UrlError};

/// What a session is to recognise, in a caller's μ-law audio at 8 kHz.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Transcribe {
    /// The service's name of the model. It has to be one that finds the ends of turns
    /// by itself, see [`finds_turns`].
    pub model: String,
    /// Language as a two-letter code; told from the audio where unset.
    pub language: Option<String>,
    /// Words to expect, as a text.
    pub prompt: Option<String>,
    /// Silence after which an utterance counts as ended, in milliseconds.
    pub silence_ms: u32,
}

impl Default for Transcribe {
    fn default() -> Self {
        Self { model: "gpt-transcribe".to_owned(), language: None, prompt: None, silence_ms: 300 }
    }
}

/// Models that refuse any `turn_detection`: their turns are ended by who asks, which a
/// pipeline does not do.
const WITHOUT_TURNS: [&str; 2] = ["gpt-live-transcribe", "gpt-realtime-whisper"];

/// Whether a model finds the ends of turns by itself, as far as it is known. One that
/// does not refuses the session.
#[must_use]
pub fn finds_turns(model: &str) -> bool {
    !WITHOUT_TURNS.contains(&model)
}

impl Transcribe {
    /// The URL to dial, with scheme `ws` or `wss`: `?intent=transcription`
    /// instead of a model.
    ///
    /// # Errors
    /// When the text is no URL that can be dialled; see [`UrlError`].
    pub fn request_target(&self, base_url: &str) -> Result<String, UrlError> {
        let mut target = Target::read(base_url)?.or_path("/v1/realtime");
        target.add_default("intent", "transcription");
        Ok(target.socket())
    }

    /// The `session.update` that is sent first.
    #[must_use]
    pub fn session_update(&self) -> String {
        let mut transcription = json!({"model": self.model});
        if let Some(fields) = transcription.as_object_mut() {
            let optional = [("language", &self.language), ("prompt", &self.prompt)];
            for (name, value) in optional {
                if let Some(value) = value {
                    fields.insert(name.to_owned(), Value::from(value.as_str()));
                }
            }
        }
        json!({
            "type": "session.update",
            "session": {
                "type": "transcription",
                "audio": {"input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": transcription,
                    "turn_detection": {
                        "type": "server_vad",
                        "silence_duration_ms": self.silence_ms,
                    },
                }},
            },
        })
        .to_string()
    }
}
