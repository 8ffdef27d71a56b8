//! Recognisers of every dialect behind one set of events, so that a call can
//! change from one to another. [`Dialogue`] is the conversation with one
//! connection: it says what to send, and reads what comes.

mod dialogue;
mod stretches;
mod utterances;

use serde::{Deserialize, Serialize};

pub use dialogue::{Dialogue, Outgoing};

use super::deepgram::Listen;
use super::realtime::{Dialect, headers as bearer};
use super::refusal::Advice;
use super::transcription::Transcribe;
use super::url::UrlError;
use crate::pii::Personal;

/// What is to be recognised, and in which dialect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "dialect", rename_all = "snake_case")]
pub enum Hearing {
    /// Deepgram, or a compatible server.
    Deepgram(Listen),
    /// A realtime transcription session.
    Transcription(Transcribe),
}

impl Hearing {
    /// The URL to dial.
    ///
    /// # Errors
    /// When the text is no URL that can be dialled; see [`UrlError`].
    pub fn request_target(&self, base_url: &str) -> Result<String, UrlError> {
        match self {
            Self::Deepgram(listen) => listen.request_target(base_url),
            Self::Transcription(transcribe) => transcribe.request_target(base_url),
        }
    }

    /// The headers of the handshake. They hold the key, so they may not be logged.
    #[must_use]
    pub fn headers(&self, api_key: &str) -> Vec<(&'static str, String)> {
        match self {
            Self::Deepgram(_) => super::deepgram::headers(api_key),
            Self::Transcription(_) => bearer(Dialect::Ga, api_key),
        }
    }
}

/// What a recogniser says. Times are milliseconds of the audio sent on this
/// connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecogniserEvent {
    /// Audio may be sent.
    Ready,
    /// Somebody began to speak.
    SpeechStarted {
        /// Where in the audio.
        at_ms: u64,
    },
    /// Words that may still change. They replace the interim words before them.
    Interim {
        /// Where the stretch of audio begins.
        from_ms: u64,
        /// Where it ends.
        to_ms: u64,
        /// The words.
        text: Personal,
    },
    /// Words that will not change: no audio before `to_ms` is needed again.
    Final {
        /// Where the stretch of audio begins.
        from_ms: u64,
        /// Where it ends.
        to_ms: u64,
        /// The words; often none.
        text: Personal,
        /// How sure the service is, in thousandths; 0 where it does not say.
        confidence_permille: u16,
        /// Whether the utterance ends here.
        utterance_ends: bool,
        /// Whether this answers [`Dialogue::finalize`].
        flushed: bool,
    },
    /// Nobody has spoken for a while. Ends an utterance that no final did.
    UtteranceEnd {
        /// End of the last word, where it is known.
        last_word_end_ms: Option<u64>,
    },
    /// The words of a stretch of audio could not be made out.
    Unclear {
        /// Where the stretch ends.
        to_ms: u64,
    },
    /// The service has said all it will; what was recognised is paid for.
    Over {
        /// Audio that was recognised, in milliseconds.
        duration_ms: u64,
    },
    /// The service reports an error.
    Failed {
        /// What it asks of us.
        advice: Advice,
        /// Words for an operator.
        message: String,
    },
}
