//! The messages, in the service's own shape.

use serde_json::{Value, json};

/// Words of a stretch of audio; milliseconds of the connection's audio.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    /// Where speech lies in it.
    pub(super) speech_ms: (u64, u64),
    pub(super) text: String,
    pub(super) is_final: bool,
    pub(super) speech_final: bool,
    pub(super) from_finalize: bool,
}

#[expect(clippy::cast_precision_loss, reason = "a call has a few million milliseconds")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

impl Words {
    pub(super) fn to_text(&self) -> String {
        json!({
            "type": "Results",
            "channel_index": [0, 1],
            "start": seconds(self.from_ms),
            "duration": seconds(self.to_ms.saturating_sub(self.from_ms)),
            "is_final": self.is_final,
            "speech_final": self.speech_final,
            "from_finalize": self.from_finalize,
            "channel": {"alternatives": [{
                "transcript": self.text,
                "confidence": if self.text.is_empty() { 0.0 } else { 0.98 },
                "words": self.words(),
            }]},
            "metadata": {
                "request_id": "simulated",
                "model_info": {"name": "simulated", "version": "1", "arch": "simulated"},
                "model_uuid": "simulated",
            },
        })
        .to_string()
    }

    /// The words, spread evenly over the speech.
    fn words(&self) -> Value {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        let (from, to) = self.speech_ms;
        let count = u64::try_from(words.len()).unwrap_or(1).max(1);
        let at = |n: u64| seconds(from + to.saturating_sub(from) * n / count);
        let word = |(n, word): (u64, &&str)| {
            let bare: String = word.chars().filter(|c| c.is_alphanumeric() || *c == '\'').collect();
            json!({
                "word": bare.to_lowercase(),
                "punctuated_word": word,
                "start": at(n),
                "end": at(n + 1),
                "confidence": 0.98,
            })
        };
        (0..).zip(&words).map(word).collect()
    }
}

pub(super) fn speech_started(at_ms: u64) -> String {
    json!({"type": "SpeechStarted", "channel": [0, 1], "timestamp": seconds(at_ms)}).to_string()
}

pub(super) fn utterance_end(last_word_end_ms: u64) -> String {
    let end = seconds(last_word_end_ms);
    json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": end}).to_string()
}

pub(super) fn metadata(duration_ms: u64) -> String {
    json!({
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": "simulated",
        "sha256": "0",
        "created": "2026-01-01T00:00:00.000Z",
        "duration": seconds(duration_ms),
        "channels": 1,
    })
    .to_string()
}

pub(super) fn error(code: &str) -> String {
    json!({"type": "Error", "code": code, "description": "Simulated error.", "message": ""})
        .to_string()
}
