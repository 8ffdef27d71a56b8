//! Media Streams at our end: one JSON object per WebSocket text frame.
//!
//! Media frames outnumber everything else a thousand to one, so reading one
//! allocates nothing: its audio stays base64, borrowed from the message.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

mod read;
mod write;

pub use read::parse;
pub use write::{write_clear, write_mark, write_media};

use crate::ids::{AccountSid, CallSid, IdError, StreamSid};

/// Longest message that is read, in bytes. Twilio's media messages have about
/// 350, and its `start` with every custom parameter a few thousand.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// One message from the carrier. Prints without audio, digits or the values of
/// custom parameters.
#[derive(Clone, PartialEq, Eq)]
pub enum StreamMessage<'a> {
    /// The first message; it belongs to no stream yet.
    Connected {
        /// `Call`.
        protocol: Cow<'a, str>,
        /// `1.0.0`.
        version: Cow<'a, str>,
    },
    /// The stream's beginning, right after `connected`.
    Start(StreamStart),
    /// A piece of audio.
    Media(Media<'a>),
    /// A key was pressed.
    Dtmf {
        /// One of `0`–`9`, `*`, `#`, `A`–`D`.
        digit: char,
    },
    /// A mark of ours came back: what was queued before it has been played, or
    /// was cleared.
    Mark {
        /// The name that we gave it.
        name: Cow<'a, str>,
    },
    /// The stream or the call has ended.
    Stop {
        /// The call that it was part of, when the message says so.
        call_sid: Option<String>,
    },
    /// An event that this version does not know.
    Unknown {
        /// Its name.
        event: Cow<'a, str>,
    },
}

/// What the stream is part of and how it sounds.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamStart {
    /// The stream's name, which everything sent on it must carry.
    pub stream_sid: StreamSid,
    /// The account that the call belongs to.
    pub account_sid: AccountSid,
    /// The call.
    pub call_sid: CallSid,
    /// `inbound`, `outbound` or both.
    pub tracks: Vec<String>,
    /// What the `<Parameter>` elements of the TwiML said.
    pub custom_parameters: BTreeMap<String, String>,
    /// Encoding of the audio in both directions.
    pub media_format: MediaFormat,
}

/// Encoding of a stream's audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaFormat {
    /// `audio/x-mulaw`.
    pub encoding: String,
    /// Samples per second: 8000.
    pub sample_rate_hz: u64,
    /// 1.
    pub channels: u64,
}

impl MediaFormat {
    /// The only format that Media Streams is documented to have.
    #[must_use]
    pub fn mulaw() -> Self {
        Self { encoding: "audio/x-mulaw".to_owned(), sample_rate_hz: 8_000, channels: 1 }
    }

    /// Whether this is μ-law, 8 kHz, mono: what everything here works with.
    #[must_use]
    pub fn is_mulaw(&self) -> bool {
        *self == Self::mulaw()
    }
}

/// Whose voice a piece of audio holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track {
    /// The caller's.
    Inbound,
    /// What the caller hears; unidirectional streams only.
    Outbound,
}

/// A piece of audio, 20 ms as a rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Media<'a> {
    /// Whose voice it is.
    pub track: Track,
    /// Which piece of the track it is, from 1.
    pub chunk: u64,
    /// Milliseconds since the stream began.
    pub timestamp_ms: u64,
    /// Which message of the stream it is, from 1, counting those of every kind.
    pub sequence: u64,
    /// Base64 of μ-law: not decoded, but of base64's alphabet, length and padding.
    pub payload: Cow<'a, str>,
}

/// Why a message is not one of Media Streams.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Longer than [`MAX_MESSAGE_BYTES`].
    #[error("a stream message of {bytes} bytes is longer than {MAX_MESSAGE_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not a JSON object, or a field of another type.
    #[error("a stream message is malformed: {part}, column {column}")]
    Malformed {
        /// The message, or the object inside it.
        part: &'static str,
        /// Where in that part, from 1.
        column: usize,
    },
    /// A field that the event must have is not there.
    #[error("a stream message has no {0}")]
    Missing(&'static str),
    /// A name that is none.
    #[error("a stream message has a bad identifier: {0}")]
    Id(#[from] IdError),
    /// Audio that is not base64.
    #[error("a media message has no base64 in its payload")]
    Payload,
    /// A track other than inbound and outbound.
    #[error("a media message has an unknown track")]
    Track,
    /// A key that no telephone has.
    #[error("a dtmf message has no telephone key")]
    Digit,
}

impl fmt::Debug for StreamMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { protocol, version } => {
                write!(f, "Connected({protocol:?}, {version:?})")
            }
            Self::Start(start) => start.fmt(f),
            Self::Media(media) => media.fmt(f),
            // Keys may be a card number or a birthday.
            Self::Dtmf { .. } => f.write_str("Dtmf"),
            Self::Mark { name } => write!(f, "Mark({name:?})"),
            Self::Stop { call_sid } => write!(f, "Stop({call_sid:?})"),
            Self::Unknown { event } => write!(f, "Unknown({event:?})"),
        }
    }
}

impl fmt::Debug for StreamStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters: Vec<&String> = self.custom_parameters.keys().collect();
        f.debug_struct("StreamStart")
            .field("stream_sid", &self.stream_sid)
            .field("account_sid", &self.account_sid)
            .field("call_sid", &self.call_sid)
            .field("tracks", &self.tracks)
            .field("custom_parameters", &parameters)
            .field("media_format", &self.media_format)
            .finish()
    }
}

impl fmt::Debug for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.payload.len();
        let (chunk, at) = (self.chunk, self.timestamp_ms);
        write!(f, "Media({:?} {chunk} at {at} ms, {bytes} bytes of base64)", self.track)
    }
}
