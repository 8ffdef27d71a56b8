//! Media Streams at our end: one JSON object per WebSocket text frame.
//!
//! Media frames outnumber everything else a thousand to one, so reading one
//! allocates nothing: its audio stays base64, borrowed from the message.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{Counter, Text, object, push_string};
use crate::audio::chunk::is_plausible_base64;
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow)]
    protocol: Option<Text<'a>>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
    sequence_number: Option<Counter>,
    // Kept as text, so that what an unknown event puts there is no error.
    #[serde(borrow)]
    start: Option<&'a RawValue>,
    #[serde(borrow)]
    media: Option<&'a RawValue>,
    #[serde(borrow)]
    dtmf: Option<&'a RawValue>,
    #[serde(borrow)]
    mark: Option<&'a RawValue>,
    #[serde(borrow)]
    stop: Option<&'a RawValue>,
}

/// Reads one message. The fields may be in any order, counters may be numbers or
/// strings, and what is not known is skipped.
///
/// # Errors
/// When the message is too long, is no JSON object, or lacks what its event must
/// have. No error's text holds anything from the message.
pub fn parse(text: &str) -> Result<StreamMessage<'_>, StreamError> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(StreamError::TooLong { bytes: text.len() });
    }
    let envelope: Envelope<'_> = object(text)
        .map_err(|e| StreamError::Malformed { part: "message", column: e.column })?;
    match envelope.event.0.as_ref() {
        "media" => media(&envelope).map(StreamMessage::Media),
        "mark" => {
            let body: MarkBody<'_> = part(envelope.mark, "mark")?;
            let name = body.name.ok_or(StreamError::Missing("mark.name"))?.0;
            Ok(StreamMessage::Mark { name })
        }
        "dtmf" => dtmf(&envelope),
        "connected" => {
            let text = |text: Option<Text<'_>>| text.map(|t| t.0);
            let protocol = text(envelope.protocol).unwrap_or_default();
            Ok(StreamMessage::Connected {
                protocol,
                version: text(envelope.version).unwrap_or_default(),
            })
        }
        "start" => start(&envelope).map(StreamMessage::Start),
        "stop" => stop(&envelope),
        _ => Ok(StreamMessage::Unknown { event: envelope.event.0 }),
    }
}

fn part<'a, T: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
    part: &'static str,
) -> Result<T, StreamError> {
    let raw = raw.ok_or(StreamError::Missing(part))?;
    object(raw.get()).map_err(|e| StreamError::Malformed { part, column: e.column })
}

#[derive(Deserialize)]
struct MediaBody<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    chunk: Option<Counter>,
    timestamp: Option<Counter>,
    #[serde(borrow)]
    payload: Option<Text<'a>>,
}

fn media<'a>(envelope: &Envelope<'a>) -> Result<Media<'a>, StreamError> {
    let body: MediaBody<'a> = part(envelope.media, "media")?;
    let count = |counter: Option<Counter>, name| match counter {
        Some(Counter(count)) => Ok(count),
        None => Err(StreamError::Missing(name)),
    };
    let track = match body.track.ok_or(StreamError::Missing("media.track"))?.0.as_ref() {
        "inbound" | "inbound_track" => Track::Inbound,
        "outbound" | "outbound_track" => Track::Outbound,
        _ => return Err(StreamError::Track),
    };
    let payload = body.payload.ok_or(StreamError::Missing("media.payload"))?.0;
    if !is_plausible_base64(&payload) {
        return Err(StreamError::Payload);
    }
    Ok(Media {
        track,
        chunk: count(body.chunk, "media.chunk")?,
        timestamp_ms: count(body.timestamp, "media.timestamp")?,
        sequence: count(envelope.sequence_number, "sequenceNumber")?,
        payload,
    })
}

#[derive(Deserialize)]
struct MarkBody<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct DtmfBody<'a> {
    #[serde(borrow)]
    digit: Option<Text<'a>>,
}

fn dtmf<'a>(envelope: &Envelope<'a>) -> Result<StreamMessage<'a>, StreamError> {
    let body: DtmfBody<'a> = part(envelope.dtmf, "dtmf")?;
    let text = body.digit.ok_or(StreamError::Missing("dtmf.digit"))?.0;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(digit), None) if is_telephone_key(digit) => Ok(StreamMessage::Dtmf { digit }),
        _ => Err(StreamError::Digit),
    }
}

/// Whether a character is on a telephone's keypad, the military one included.
pub(super) fn is_telephone_key(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBody<'a> {
    #[serde(borrow)]
    stream_sid: Option<Text<'a>>,
    #[serde(borrow)]
    account_sid: Option<Text<'a>>,
    #[serde(borrow)]
    call_sid: Option<Text<'a>>,
    #[serde(default)]
    tracks: Vec<String>,
    #[serde(default)]
    custom_parameters: BTreeMap<String, String>,
    #[serde(borrow)]
    media_format: Option<FormatBody<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatBody<'a> {
    #[serde(borrow)]
    encoding: Text<'a>,
    sample_rate: Counter,
    channels: Counter,
}

fn start(envelope: &Envelope<'_>) -> Result<StreamStart, StreamError> {
    let body: StartBody<'_> = part(envelope.start, "start")?;
    let format = body.media_format.ok_or(StreamError::Missing("start.mediaFormat"))?;
    let stream_sid = body.stream_sid.ok_or(StreamError::Missing("start.streamSid"))?;
    let account_sid = body.account_sid.ok_or(StreamError::Missing("start.accountSid"))?;
    let call_sid = body.call_sid.ok_or(StreamError::Missing("start.callSid"))?;
    Ok(StreamStart {
        stream_sid: StreamSid::parse(&stream_sid.0)?,
        account_sid: AccountSid::parse(&account_sid.0)?,
        call_sid: CallSid::parse(&call_sid.0)?,
        tracks: body.tracks,
        custom_parameters: body.custom_parameters,
        media_format: MediaFormat {
            encoding: format.encoding.0.into_owned(),
            sample_rate_hz: format.sample_rate.0,
            channels: format.channels.0,
        },
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopBody {
    call_sid: Option<String>,
}

fn stop<'a>(envelope: &Envelope<'a>) -> Result<StreamMessage<'a>, StreamError> {
    let body = match envelope.stop {
        Some(_) => part(envelope.stop, "stop")?,
        // The end of a stream is the end of it, however little it says.
        None => StopBody { call_sid: None },
    };
    Ok(StreamMessage::Stop { call_sid: body.call_sid })
}

/// Appends a message that plays audio: base64 of μ-law at 8 kHz with no file
/// header, of any length. Appends exactly the documented fields.
pub fn write_media(out: &mut String, stream_sid: &StreamSid, payload_base64: &str) {
    out.reserve(payload_base64.len() + 96);
    out.push_str(r#"{"event":"media","streamSid":"#);
    push_string(out, stream_sid.as_str());
    out.push_str(r#","media":{"payload":"#);
    push_string(out, payload_base64);
    out.push_str("}}");
}

/// Appends a message that asks for a [`StreamMessage::Mark`] of this name when
/// all that was sent before it has been played or cleared.
pub fn write_mark(out: &mut String, stream_sid: &StreamSid, name: &str) {
    out.push_str(r#"{"event":"mark","streamSid":"#);
    push_string(out, stream_sid.as_str());
    out.push_str(r#","mark":{"name":"#);
    push_string(out, name);
    out.push_str("}}");
}

/// Appends a message that drops all audio not yet played; every outstanding mark
/// comes back at once.
pub fn write_clear(out: &mut String, stream_sid: &StreamSid) {
    out.push_str(r#"{"event":"clear","streamSid":"#);
    push_string(out, stream_sid.as_str());
    out.push('}');
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
