//! What the recogniser sends, borrowed from its message.

use std::borrow::Cow;

use crate::wire::realtime::Spoken;

/// One event. Times are milliseconds from the start of this connection.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerEvent<'a> {
    /// Words, for a stretch of audio.
    Results(Results<'a>),
    /// Somebody began to speak.
    SpeechStarted {
        /// Where in the audio.
        at_ms: u64,
    },
    /// Nobody has spoken for the length that was asked for.
    UtteranceEnd {
        /// End of the last word; `None` where the service knows of none.
        last_word_end_ms: Option<u64>,
    },
    /// The stream is over.
    Metadata {
        /// The service's name of the request.
        request_id: Option<Cow<'a, str>>,
        /// Audio that was recognised, and is paid for.
        duration_ms: u64,
    },
    /// Something went wrong.
    Error(ServiceError),
    /// An event that we have no use for.
    Other {
        /// Its `type`.
        kind: Cow<'a, str>,
    },
}

/// Words of a stretch of audio.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results<'a> {
    /// Where the stretch begins.
    pub start_ms: u64,
    /// How long it is.
    pub duration_ms: u64,
    /// Whether these words will not change any more.
    pub is_final: bool,
    /// Whether the utterance ends here.
    pub speech_final: bool,
    /// Whether they are the answer to [`super::Control::Finalize`].
    pub from_finalize: bool,
    /// The words as a text; often empty.
    pub transcript: Spoken<'a>,
    /// How sure the service is, 0 to 1.
    pub confidence: f32,
    /// The words one by one.
    pub words: Vec<Word<'a>>,
    /// The service's name of the request.
    pub request_id: Option<Cow<'a, str>>,
}

impl Results<'_> {
    /// Where the stretch ends.
    #[must_use]
    pub const fn end_ms(&self) -> u64 {
        self.start_ms.saturating_add(self.duration_ms)
    }
}

/// One word and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Word<'a> {
    /// As it would be written, with its punctuation where that was asked for.
    pub text: Spoken<'a>,
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// How sure the service is, 0 to 1.
    pub confidence: f32,
}

/// An error that the service reports within a stream. A close frame follows as a
/// rule, and says whether dialling again helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_deref().unwrap_or("error"))]
pub struct ServiceError {
    /// Its code or variant, where it has one.
    pub code: Option<String>,
    /// Words for a person; may be empty.
    pub message: String,
}
