//! What the model sends, as typed data that borrows from its message.

use std::borrow::Cow;

use super::{ApiError, ItemKind, ResponseStatus, Spoken, TranscriptionUsage, Usage};
use crate::ids::{ItemId, ResponseId, ToolCallId};

/// A piece of the model's audio, borrowed from its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioDelta<'a> {
    /// The response it belongs to; a valid [`ResponseId`].
    pub response_id: Cow<'a, str>,
    /// The item it belongs to; a valid [`ItemId`].
    pub item_id: Cow<'a, str>,
    /// The item's content part; 0 as a rule.
    pub content_index: u32,
    /// Audio in the session's output format, base64 as the provider wrote it:
    /// not yet checked.
    pub delta: Cow<'a, str>,
}

/// One event from the model. Positions count the milliseconds of audio
/// appended since the session's start, not wall time. A field that is not
/// optional here was there: an event without it is a [`super::WireError`].
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the ids name what an event is about; the rest is told per event")]
pub enum ServerEvent<'a> {
    /// The session is open. `expires_at` is its end in Unix seconds.
    SessionCreated {
        session_id: Option<Cow<'a, str>>,
        expires_at: Option<u64>,
        model: Option<Cow<'a, str>>,
    },
    /// The session is what we asked for; audio may be appended now.
    SessionUpdated {
        session_id: Option<Cow<'a, str>>,
        expires_at: Option<u64>,
        model: Option<Cow<'a, str>>,
    },
    /// The caller began to speak at `audio_start_ms`; the utterance will be `item_id`.
    SpeechStarted { audio_start_ms: u64, item_id: ItemId },
    /// The caller has been silent since `audio_end_ms`.
    SpeechStopped { audio_end_ms: u64, item_id: ItemId },
    /// The caller's audio has become an item, which follows on another.
    Committed { item_id: ItemId, previous_item_id: Option<ItemId> },
    /// A piece of the caller's words. May come after the response to them.
    InputTranscriptDelta { item_id: ItemId, delta: Spoken<'a> },
    /// All of the caller's words. May come after the response to them. No `usage`
    /// means unknown.
    InputTranscript { item_id: ItemId, transcript: Spoken<'a>, usage: Option<TranscriptionUsage> },
    /// The caller's words could not be made out; `message` may be empty.
    InputTranscriptFailed { item_id: ItemId, message: Cow<'a, str> },
    /// A response has begun.
    ResponseCreated { response_id: ResponseId },
    /// A response has begun something: words or a function call.
    OutputItemAdded { response_id: ResponseId, item_id: Option<ItemId>, kind: ItemKind },
    /// A piece of audio.
    AudioDelta(AudioDelta<'a>),
    /// All audio of an item has been sent.
    AudioDone { response_id: ResponseId, item_id: ItemId },
    /// A piece of the model's words, ahead of their audio.
    TranscriptDelta { response_id: ResponseId, item_id: ItemId, delta: Spoken<'a> },
    /// All of an item's words.
    TranscriptDone { response_id: ResponseId, item_id: ItemId, transcript: Spoken<'a> },
    /// The model calls a function, told once, when the call is complete.
    /// `arguments` is a text that should be JSON and may not be.
    FunctionCall {
        response_id: ResponseId,
        call_id: ToolCallId,
        name: Cow<'a, str>,
        arguments: Spoken<'a>,
    },
    /// A response has ended, always the last of its events. `reason` is the
    /// provider's word for it, or the words of its error; `error_code` goes
    /// with [`super::ErrorClass::of_code`]. No `usage` means unknown.
    ResponseDone {
        response_id: ResponseId,
        status: ResponseStatus,
        reason: Option<Cow<'a, str>>,
        error_code: Option<Cow<'a, str>>,
        usage: Option<Usage>,
    },
    /// An item has been cut to its first `audio_end_ms` milliseconds.
    ItemTruncated { item_id: ItemId, audio_end_ms: u64 },
    /// Something went wrong; [`ApiError::class`] says what it asks of us.
    Error(ApiError),
    /// What is left of the account's rate limits; not read.
    RateLimits,
    /// An event that we have no use for.
    Other { kind: Cow<'a, str> },
}
