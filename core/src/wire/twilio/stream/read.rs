//! Reading what the carrier sends on a stream.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    MAX_MESSAGE_BYTES, Media, MediaFormat, StreamError, StreamMessage, StreamStart, Track,
};
use crate::audio::chunk::is_plausible_base64;
use crate::ids::{AccountSid, CallSid, StreamSid};
use crate::wire::scan::{Odd, Scan, Step, Value, once};
use crate::wire::twilio::json::{Counter, Text, object};

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
    if let Ok(media) = quick_media(text) {
        return Ok(StreamMessage::Media(media));
    }
    read(text)
}

/// A media message as it nearly always comes; see [`crate::wire::scan`].
fn quick_media(text: &str) -> Result<Media<'_>, Odd> {
    let mut scan = Scan::new(text)?;
    let (mut event, mut sequence, mut body) = (None, None, None);
    loop {
        match scan.step()? {
            Step::Field("event", Value::Text("media")) => once(&mut event, ())?,
            Step::Field("sequenceNumber", count) => once(&mut sequence, counter(count)?)?,
            Step::Field("streamSid", Value::Text(_)) => {}
            Step::Field("media", Value::Object) => once(&mut body, quick_body(&mut scan)?)?,
            Step::Field(..) => return Err(Odd),
            Step::End => break,
        }
    }
    scan.finish()?;
    let media: Media<'_> = body.ok_or(Odd)?;
    event.ok_or(Odd)?;
    Ok(Media { sequence: sequence.ok_or(Odd)?, ..media })
}

fn quick_body<'a>(scan: &mut Scan<'a>) -> Result<Media<'a>, Odd> {
    let (mut track, mut chunk, mut timestamp_ms, mut payload) = (None, None, None, None);
    loop {
        match scan.step()? {
            Step::Field("track", Value::Text("inbound")) => once(&mut track, Track::Inbound)?,
            Step::Field("chunk", count) => once(&mut chunk, counter(count)?)?,
            Step::Field("timestamp", count) => once(&mut timestamp_ms, counter(count)?)?,
            Step::Field("payload", Value::Text(text)) => once(&mut payload, text)?,
            Step::Field(..) => return Err(Odd),
            Step::End => break,
        }
    }
    Ok(Media {
        track: track.ok_or(Odd)?,
        chunk: chunk.ok_or(Odd)?,
        timestamp_ms: timestamp_ms.ok_or(Odd)?,
        sequence: 0,
        payload: payload.filter(|text| is_plausible_base64(text)).map(Cow::Borrowed).ok_or(Odd)?,
    })
}

fn counter(value: Value<'_>) -> Result<u64, Odd> {
    match value {
        Value::Text(text) => text.parse().map_err(|_| Odd),
        Value::Number(number) => Ok(u64::from(number)),
        Value::Object => Err(Odd),
    }
}

fn read(text: &str) -> Result<StreamMessage<'_>, StreamError> {
    let envelope: Envelope<'_> =
        object(text).map_err(|e| StreamError::Malformed { part: "message", column: e.column })?;
    match envelope.event.0.as_ref() {
        "media" => media(&envelope).map(StreamMessage::Media),
        "mark" => {
            let body: MarkBody<'_> = part(envelope.mark, "mark")?;
            let name = body.name.ok_or(StreamError::Missing("mark.name"))?.0;
            Ok(StreamMessage::Mark { name })
        }
        "dtmf" => dtmf(&envelope),
        "connected" => {
            let protocol = envelope.protocol.map(|text| text.0).unwrap_or_default();
            let version = envelope.version.map(|text| text.0).unwrap_or_default();
            Ok(StreamMessage::Connected { protocol, version })
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
fn is_telephone_key(c: char) -> bool {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    const MEDIA: &str = r#"{"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"2","timestamp":"5","payload":"/38A/w=="},"streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}"#;

    #[test]
    fn the_usual_message_is_read_at_once() {
        assert_eq!(quick_media(MEDIA).map(StreamMessage::Media).ok(), read(MEDIA).ok());
        assert!(quick_media(MEDIA).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn what_is_read_at_once_is_what_the_parser_reads(
            at in 0..MEDIA.len(),
            cut in 0..12_usize,
            put in prop_oneof!["[ -~]{0,3}", Just(r#","chunk":"9""#.to_owned()), Just(r#""media":{"#.to_owned())],
        ) {
            let end = (at + cut).min(MEDIA.len());
            let text = format!("{}{put}{}", &MEDIA[..at], &MEDIA[end..]);
            if let Ok(media) = quick_media(&text) {
                prop_assert_eq!(Ok(StreamMessage::Media(media)), read(&text), "{}", text);
            }
        }
    }
}
