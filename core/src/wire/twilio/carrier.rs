//! Media Streams at the carrier's end, for a simulated carrier: it writes what
//! Twilio writes and is as strict about what it reads.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::json::{JsonError, Text, object, push_string};
use super::stream::{MediaFormat, StreamStart, Track};
use crate::audio::chunk::is_plausible_base64;
use crate::ids::{AccountSid, CallSid, StreamSid};

/// Twilio's number for a message that it cannot use.
pub const INVALID_MESSAGE: u32 = 31_951;

/// What an application tells the carrier to do with its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Queue audio behind what is queued.
    Media {
        /// The stream that it is for.
        stream_sid: Cow<'a, str>,
        /// Base64 of μ-law; checked as [`is_plausible_base64`] does.
        payload: Cow<'a, str>,
    },
    /// Send the mark back when what is queued before it has been played.
    Mark {
        /// The stream that it is for.
        stream_sid: Cow<'a, str>,
        /// The mark's name.
        name: Cow<'a, str>,
    },
    /// Drop what is queued and send every mark back.
    Clear {
        /// The stream that it is for.
        stream_sid: Cow<'a, str>,
    },
}

/// Why the carrier ignores a message, with error [`INVALID_MESSAGE`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Not a JSON object, a field of the wrong type, or one that does not exist.
    #[error("{INVALID_MESSAGE}: the message is malformed at column {column}")]
    Malformed {
        /// Where in the message, or in the object inside it, from 1.
        column: usize,
    },
    /// An event other than media, mark and clear.
    #[error("{INVALID_MESSAGE}: the event is not media, mark or clear")]
    UnknownEvent,
    /// A field that another event has, or the lack of one that this event needs.
    #[error("{INVALID_MESSAGE}: the fields are not those of the event")]
    Fields,
    /// Audio that is not base64.
    #[error("{INVALID_MESSAGE}: the payload is not base64")]
    Payload,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandBody<'a> {
    #[serde(borrow)]
    event: Text<'a>,
    #[serde(borrow, rename = "streamSid")]
    stream_sid: Text<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    media: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    mark: Option<&'a RawValue>,
}

/// A field that is `null` is there nevertheless.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(field).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MediaPart<'a> {
    #[serde(borrow)]
    payload: Text<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkPart<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

/// Reads what an application sends, with Twilio's strictness: exactly the
/// documented fields. That the stream is the right one is for the caller to see.
///
/// # Errors
/// When Twilio would warn with 31951 and ignore the message.
pub fn parse_command(text: &str) -> Result<Command<'_>, CommandError> {
    let body: CommandBody<'_> = object(text)?;
    let stream_sid = body.stream_sid.0;
    match (body.event.0.as_ref(), body.media, body.mark) {
        ("media", Some(media), None) => {
            let payload = object::<MediaPart<'_>>(media.get())?.payload.0;
            if !is_plausible_base64(&payload) {
                return Err(CommandError::Payload);
            }
            Ok(Command::Media { stream_sid, payload })
        }
        ("mark", None, Some(mark)) => {
            Ok(Command::Mark { stream_sid, name: object::<MarkPart<'_>>(mark.get())?.name.0 })
        }
        ("clear", None, None) => Ok(Command::Clear { stream_sid }),
        ("media" | "mark" | "clear", _, _) => Err(CommandError::Fields),
        _ => Err(CommandError::UnknownEvent),
    }
}

impl From<JsonError> for CommandError {
    fn from(error: JsonError) -> Self {
        Self::Malformed { column: error.column }
    }
}

/// Appends the first message of a connection.
pub fn write_connected(out: &mut String) {
    out.push_str(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#);
}

/// Appends the beginning of a stream; `sequence` is 1.
pub fn write_start(out: &mut String, sequence: u64, start: &StreamStart) {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Start<'a> {
        account_sid: &'a str,
        stream_sid: &'a str,
        call_sid: &'a str,
        tracks: &'a [String],
        media_format: Format<'a>,
        custom_parameters: &'a BTreeMap<String, String>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Format<'a> {
        encoding: &'a str,
        sample_rate: u64,
        channels: u64,
    }
    let MediaFormat { encoding, sample_rate_hz, channels } = &start.media_format;
    let body = Start {
        account_sid: start.account_sid.as_str(),
        stream_sid: start.stream_sid.as_str(),
        call_sid: start.call_sid.as_str(),
        tracks: &start.tracks,
        media_format: Format { encoding, sample_rate: *sample_rate_hz, channels: *channels },
        custom_parameters: &start.custom_parameters,
    };
    begin(out, "start", sequence, &start.stream_sid);
    out.push_str(r#","start":"#);
    // Texts and numbers only: nothing here can fail to become JSON.
    out.push_str(&serde_json::to_string(&body).unwrap_or_default());
    out.push('}');
}

/// Appends a piece of audio. `chunk` counts the track's pieces from 1,
/// `timestamp_ms` is since the stream's beginning.
pub fn write_media(
    out: &mut String,
    sequence: u64,
    stream_sid: &StreamSid,
    track: Track,
    (chunk, timestamp_ms): (u64, u64),
    payload_base64: &str,
) {
    let track = match track {
        Track::Inbound => "inbound",
        Track::Outbound => "outbound",
    };
    out.reserve(payload_base64.len() + 192);
    begin(out, "media", sequence, stream_sid);
    out.push_str(r#","media":{"track":"#);
    push_string(out, track);
    out.push_str(r#","chunk":"#);
    push_number(out, chunk);
    out.push_str(r#","timestamp":"#);
    push_number(out, timestamp_ms);
    out.push_str(r#","payload":"#);
    push_string(out, payload_base64);
    out.push_str("}}");
}

/// Appends a key press.
pub fn write_dtmf(out: &mut String, sequence: u64, stream_sid: &StreamSid, digit: char) {
    begin(out, "dtmf", sequence, stream_sid);
    out.push_str(r#","dtmf":{"track":"inbound_track","digit":"#);
    push_string(out, digit.encode_utf8(&mut [0; 4]));
    out.push_str("}}");
}

/// Appends the echo of a mark.
pub fn write_mark(out: &mut String, sequence: u64, stream_sid: &StreamSid, name: &str) {
    begin(out, "mark", sequence, stream_sid);
    out.push_str(r#","mark":{"name":"#);
    push_string(out, name);
    out.push_str("}}");
}

/// Appends the end of a stream.
pub fn write_stop(
    out: &mut String,
    sequence: u64,
    stream_sid: &StreamSid,
    account_sid: &AccountSid,
    call_sid: &CallSid,
) {
    begin(out, "stop", sequence, stream_sid);
    out.push_str(r#","stop":{"accountSid":"#);
    push_string(out, account_sid.as_str());
    out.push_str(r#","callSid":"#);
    push_string(out, call_sid.as_str());
    out.push_str("}}");
}

fn begin(out: &mut String, event: &str, sequence: u64, stream_sid: &StreamSid) {
    out.push_str(r#"{"event":"#);
    push_string(out, event);
    out.push_str(r#","sequenceNumber":"#);
    push_number(out, sequence);
    out.push_str(r#","streamSid":"#);
    push_string(out, stream_sid.as_str());
}

/// Twilio's counters are JSON strings.
fn push_number(out: &mut String, number: u64) {
    push_string(out, &number.to_string());
}
