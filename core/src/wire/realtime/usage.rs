//! What a response consumed, by kind of token.

use serde::{Deserialize, Serialize};

/// Tokens of one response by kind. Cached tokens are part of the input tokens,
/// not beside them. One audio token is 100 ms of the caller or 50 ms of the
/// model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Text read by the model, cached text included.
    pub text_in: u64,
    /// Text read from the cache.
    pub cached_text: u64,
    /// Audio heard by the model, cached audio included.
    pub audio_in: u64,
    /// Audio read from the cache.
    pub cached_audio: u64,
    /// Text written by the model.
    pub text_out: u64,
    /// Audio spoken by the model.
    pub audio_out: u64,
}

/// What putting an utterance into words consumed, in the way in which its model is
/// paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptionUsage {
    /// Audio, in milliseconds.
    AudioMs(u64),
    /// Tokens.
    Tokens(Usage),
}

#[derive(Deserialize)]
pub(super) struct RawTranscription {
    /// Some servers send parts of one.
    seconds: Option<f64>,
    #[serde(flatten)]
    tokens: RawUsage,
}

impl From<RawTranscription> for TranscriptionUsage {
    fn from(raw: RawTranscription) -> Self {
        if let Some(seconds) = raw.seconds {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float stays within bounds when it becomes whole"
            )]
            return Self::AudioMs((seconds * 1_000.0).round() as u64);
        }
        let written = raw.tokens.output_tokens.unwrap_or(0);
        // What is written is words, whatever the server says of their kind.
        let usage = Usage::from(raw.tokens);
        Self::Tokens(Usage { text_out: written, audio_out: 0, ..usage })
    }
}

#[derive(Deserialize)]
pub(super) struct RawUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_token_details: Option<RawInput>,
    output_token_details: Option<RawKinds>,
}

#[derive(Deserialize)]
struct RawInput {
    text_tokens: Option<u64>,
    audio_tokens: Option<u64>,
    cached_tokens: Option<u64>,
    cached_tokens_details: Option<RawKinds>,
}

#[derive(Deserialize)]
struct RawKinds {
    text_tokens: Option<u64>,
    audio_tokens: Option<u64>,
}

impl From<RawUsage> for Usage {
    /// Where a server does not split by kind, the split is the dearest one
    /// (audio rather than text, cached text rather than cached audio), so that
    /// a budget errs on the safe side.
    fn from(raw: RawUsage) -> Self {
        let (text_out, audio_out) = match raw.output_token_details {
            Some(kinds) => kinds.split(),
            None => (0, raw.output_tokens.unwrap_or(0)),
        };
        let Some(input) = raw.input_token_details else {
            let audio_in = raw.input_tokens.unwrap_or(0);
            return Self { audio_in, text_out, audio_out, ..Self::default() };
        };
        let text_in = input.text_tokens.unwrap_or(0);
        let audio_in = input.audio_tokens.unwrap_or(0);
        let (cached_text, cached_audio) = match input.cached_tokens_details {
            Some(kinds) => kinds.split(),
            None => {
                let cached = input.cached_tokens.unwrap_or(0);
                (cached.min(text_in), cached.saturating_sub(text_in))
            }
        };
        Self {
            text_in,
            cached_text: cached_text.min(text_in),
            audio_in,
            cached_audio: cached_audio.min(audio_in),
            text_out,
            audio_out,
        }
    }
}

impl RawKinds {
    fn split(&self) -> (u64, u64) {
        (self.text_tokens.unwrap_or(0), self.audio_tokens.unwrap_or(0))
    }
}
