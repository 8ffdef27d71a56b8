//! Reading what the model sends, of which 95 in 100 messages are audio.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::raw::{Envelope, KindOnly, RawError, Text, Whole, checked_id, is_usual_id, required};
use super::{ApiError, AudioDelta, ServerEvent, Spoken, WireError, response};
use crate::ids::{ItemId, ResponseId};
use crate::wire::scan::{Odd, Scan, Step, Value, once};

/// Longest message that is read, in bytes. The provider states no maximum; a
/// `response.done` carries the whole output, and 16 MiB is far beyond any seen.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Reads one text message, of either dialect.
///
/// # Errors
/// When it is too long, no JSON, lacks what its event must have, or has an
/// identifier that is none. An event of an unknown type is no error.
pub fn parse(text: &str) -> Result<ServerEvent<'_>, WireError> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(WireError::TooLong { bytes: text.len() });
    }
    if let Ok(delta) = quick_delta(text) {
        return Ok(ServerEvent::AudioDelta(delta));
    }
    read_any(text)
}

/// A piece of audio as it nearly always comes; see [`crate::wire::scan`].
fn quick_delta(text: &str) -> Result<AudioDelta<'_>, Odd> {
    if !text.starts_with(r#"{"type":"response."#) {
        return Err(Odd);
    }
    let mut scan = Scan::new(text)?;
    let (mut kind, mut response_id, mut item_id, mut delta) = (None, None, None, None);
    let mut content_index = None;
    loop {
        match scan.step()? {
            Step::Field(
                "type",
                Value::Text("response.output_audio.delta" | "response.audio.delta"),
            ) => once(&mut kind, ())?,
            Step::Field("response_id", Value::Text(id)) => once(&mut response_id, id)?,
            Step::Field("item_id", Value::Text(id)) => once(&mut item_id, id)?,
            Step::Field("delta", Value::Text(text)) => once(&mut delta, text)?,
            Step::Field("content_index", Value::Number(index)) => once(&mut content_index, index)?,
            Step::Field("event_id", Value::Text(_))
            | Step::Field("output_index", Value::Number(_)) => {}
            Step::Field(..) => return Err(Odd),
            Step::End => break,
        }
    }
    scan.finish()?;
    kind.ok_or(Odd)?;
    Ok(AudioDelta {
        response_id: Cow::Borrowed(usual_id(response_id)?),
        item_id: Cow::Borrowed(usual_id(item_id)?),
        content_index: content_index.unwrap_or(0),
        delta: Cow::Borrowed(delta.ok_or(Odd)?),
    })
}

fn usual_id(id: Option<&str>) -> Result<&str, Odd> {
    id.filter(|id| is_usual_id(id)).ok_or(Odd)
}

fn read_any(text: &str) -> Result<ServerEvent<'_>, WireError> {
    // Serde would take an array for the fields in their order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(WireError::Unreadable { line: 1, column: 1 });
    }
    match serde_json::from_str::<Envelope<'_>>(text) {
        Ok(event) => read(event),
        Err(error) => read_stranger(text).ok_or_else(|| error.into()),
    }
}

/// An unknown event may use a familiar field for something else, and is no
/// error: it is told by being readable from its type alone.
fn read_stranger(text: &str) -> Option<ServerEvent<'_>> {
    let kind = serde_json::from_str::<KindOnly<'_>>(text).ok()?.kind;
    read(Envelope::bare(kind)).ok()
}

fn read(event: Envelope<'_>) -> Result<ServerEvent<'_>, WireError> {
    match event.kind.0.as_ref() {
        "response.output_audio.delta" | "response.audio.delta" => audio_delta(event),
        "response.output_audio.done" | "response.audio.done" => Ok(ServerEvent::AudioDone {
            response_id: event.response_id()?,
            item_id: event.item_id()?,
        }),
        "response.output_audio_transcript.delta" | "response.audio_transcript.delta" => {
            Ok(ServerEvent::TranscriptDelta {
                response_id: event.response_id()?,
                item_id: event.item_id()?,
                delta: spoken(event.delta, "delta")?,
            })
        }
        "response.output_audio_transcript.done" | "response.audio_transcript.done" => {
            Ok(ServerEvent::TranscriptDone {
                response_id: event.response_id()?,
                item_id: event.item_id()?,
                transcript: spoken(event.transcript, "transcript")?,
            })
        }
        "response.created" => response::created(&event),
        "response.done" => response::done(&event),
        "response.output_item.added" => response::item_added(&event),
        "response.output_item.done" => response::item_done(event),
        "session.created" => {
            let Session { id, expires_at, model } = session(&event)?;
            Ok(ServerEvent::SessionCreated { session_id: id, expires_at, model })
        }
        "session.updated" => {
            let Session { id, expires_at, model } = session(&event)?;
            Ok(ServerEvent::SessionUpdated { session_id: id, expires_at, model })
        }
        "error" => api_error(&event),
        "rate_limits.updated" => Ok(ServerEvent::RateLimits),
        _ => read_input(event),
    }
}

/// What concerns the caller's side of the conversation.
fn read_input(event: Envelope<'_>) -> Result<ServerEvent<'_>, WireError> {
    match event.kind.0.as_ref() {
        "input_audio_buffer.speech_started" => Ok(ServerEvent::SpeechStarted {
            audio_start_ms: position(event.audio_start_ms, "audio_start_ms")?,
            item_id: event.item_id()?,
        }),
        "input_audio_buffer.speech_stopped" => Ok(ServerEvent::SpeechStopped {
            audio_end_ms: position(event.audio_end_ms, "audio_end_ms")?,
            item_id: event.item_id()?,
        }),
        "input_audio_buffer.committed" => Ok(ServerEvent::Committed {
            item_id: event.item_id()?,
            // The first follows on "root", or on nothing.
            previous_item_id: event
                .previous_item_id
                .as_ref()
                .and_then(|id| ItemId::parse(&id.0).ok()),
        }),
        "conversation.item.truncated" => Ok(ServerEvent::ItemTruncated {
            audio_end_ms: position(event.audio_end_ms, "audio_end_ms")?,
            item_id: event.item_id()?,
        }),
        "conversation.item.input_audio_transcription.delta" => {
            Ok(ServerEvent::InputTranscriptDelta {
                item_id: event.item_id()?,
                delta: spoken(event.delta, "delta")?,
            })
        }
        "conversation.item.input_audio_transcription.completed" => {
            Ok(ServerEvent::InputTranscript {
                item_id: event.item_id()?,
                transcript: spoken(event.transcript, "transcript")?,
                usage: response::transcription(event.usage),
            })
        }
        "conversation.item.input_audio_transcription.failed" => {
            Ok(ServerEvent::InputTranscriptFailed {
                item_id: event.item_id()?,
                message: failure(event.error)?.message.map_or(Cow::Borrowed(""), |text| text.0),
            })
        }
        _ => Ok(ServerEvent::Other { kind: event.kind.0 }),
    }
}

fn audio_delta(event: Envelope<'_>) -> Result<ServerEvent<'_>, WireError> {
    let response_id = required(event.response_id, "response_id")?;
    let item_id = required(event.item_id, "item_id")?;
    Ok(ServerEvent::AudioDelta(AudioDelta {
        response_id: checked_id(response_id, |id| ResponseId::parse(id).map(drop))?,
        item_id: checked_id(item_id, |id| ItemId::parse(id).map(drop))?,
        content_index: event.content_index.unwrap_or(0),
        delta: required(event.delta, "delta")?.0,
    }))
}

#[derive(Deserialize)]
struct RawSession<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    expires_at: Option<Whole>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
}

struct Session<'a> {
    id: Option<Cow<'a, str>>,
    expires_at: Option<u64>,
    model: Option<Cow<'a, str>>,
}

fn session<'a>(event: &Envelope<'a>) -> Result<Session<'a>, WireError> {
    let raw: RawSession<'a> = Envelope::nested(event.session, "session")?;
    Ok(Session {
        id: raw.id.map(|id| id.0),
        // Servers without a limit write 0.
        expires_at: raw.expires_at.map(|at| at.0).filter(|at| *at > 0),
        model: raw.model.map(|model| model.0),
    })
}

fn failure(error: Option<&RawValue>) -> Result<RawError<'_>, WireError> {
    Envelope::nested(error, "error")
}

fn api_error<'a>(event: &Envelope<'a>) -> Result<ServerEvent<'a>, WireError> {
    let raw = failure(event.error)?;
    let owned = |text: Option<Text<'_>>| text.map(|text| text.0.into_owned());
    Ok(ServerEvent::Error(ApiError {
        kind: owned(raw.kind).unwrap_or_default(),
        code: owned(raw.code),
        message: owned(raw.message).unwrap_or_default(),
        event_id: owned(raw.event_id),
    }))
}

fn position(field: Option<Whole>, name: &'static str) -> Result<u64, WireError> {
    required(field, name).map(|ms| ms.0)
}

fn spoken<'a>(field: Option<Text<'a>>, name: &'static str) -> Result<Spoken<'a>, WireError> {
    required(field, name).map(|text| Spoken::new(text.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    const DELTA: &str = r#"{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1","output_index":0,"content_index":0,"delta":"/38A/w=="}"#;

    #[test]
    fn the_usual_message_is_read_at_once() {
        let beta = DELTA.replace("output_audio", "audio");
        for text in [DELTA, &beta] {
            let quick = quick_delta(text).map(ServerEvent::AudioDelta).unwrap();
            assert_eq!(quick, read_any(text).unwrap());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn what_is_read_at_once_is_what_the_parser_reads(
            at in 0..DELTA.len(),
            cut in 0..12_usize,
            put in prop_oneof!["[ -~]{0,3}", Just(r#","delta":"""#.to_owned()), Just("\u{e9}".to_owned())],
        ) {
            let end = (at + cut).min(DELTA.len());
            let text = format!("{}{put}{}", &DELTA[..at], &DELTA[end..]);
            if let Ok(delta) = quick_delta(&text) {
                prop_assert_eq!(ServerEvent::AudioDelta(delta), read_any(&text).unwrap(), "{}", text);
            }
        }
    }
}
