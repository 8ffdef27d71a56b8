//! Reading what the recogniser sends.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Results, ServerEvent, ServiceError, Word};
use crate::wire::loose::{Text, code, cut, millis, text};
use crate::wire::realtime::Spoken;

/// Longest message that is read, in bytes: results of a whole utterance with
/// their words are a few kilobytes.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// Longest part of an error's words that is kept, in bytes.
const MAX_ERROR_BYTES: usize = 300;

/// Why a message could not be read. Holds no part of it, because it may hold
/// what a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Longer than [`MAX_MESSAGE_BYTES`].
    #[error("message of {0} bytes is too long")]
    TooLong(usize),
    /// Not JSON, or not the shape that its type has.
    #[error("unreadable message at line {line} column {column}")]
    Unreadable {
        /// Line, from 1.
        line: usize,
        /// Column in that line, from 1.
        column: usize,
    },
    /// Results without the stretch of audio they are about: to be placed nowhere.
    #[error("results lack their {0}")]
    Missing(&'static str),
}

impl From<serde_json::Error> for ParseError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable { line: error.line(), column: error.column() }
    }
}

/// Fields of all events. Those whose shape depends on the event stay unread
/// until it is known.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    channel: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    start: Option<&'a RawValue>,
    #[serde(borrow)]
    duration: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    last_word_end: Option<&'a RawValue>,
    #[serde(borrow)]
    is_final: Option<&'a RawValue>,
    #[serde(borrow)]
    speech_final: Option<&'a RawValue>,
    #[serde(borrow)]
    from_finalize: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    variant: Option<&'a RawValue>,
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawChannel<'a> {
    #[serde(borrow, default)]
    alternatives: Vec<RawAlternative<'a>>,
}

#[derive(Deserialize)]
struct RawAlternative<'a> {
    #[serde(borrow, default)]
    transcript: Text<'a>,
    #[serde(default)]
    confidence: f32,
    #[serde(borrow)]
    words: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawWord<'a> {
    #[serde(borrow)]
    word: Text<'a>,
    #[serde(borrow)]
    punctuated_word: Option<Text<'a>>,
    start: f64,
    end: f64,
    #[serde(default)]
    confidence: f32,
}

#[derive(Default, Deserialize)]
struct RawMetadata<'a> {
    #[serde(borrow)]
    request_id: Option<Text<'a>>,
}

/// Reads one text message.
///
/// # Errors
/// When it is too long, no JSON, or has results that cannot be placed. An event
/// of an unknown type is no error.
pub fn parse(text: &str) -> Result<ServerEvent<'_>, ParseError> {
    if text.len() > MAX_MESSAGE_BYTES {
        return Err(ParseError::TooLong(text.len()));
    }
    // Serde would take an array for the fields in their order.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(ParseError::Unreadable { line: 1, column: 1 });
    }
    let event: Envelope<'_> = serde_json::from_str(text)?;
    Ok(match event.kind.0.as_ref() {
        "Results" => ServerEvent::Results(results(&event)?),
        "SpeechStarted" => {
            ServerEvent::SpeechStarted { at_ms: seconds(event.timestamp).unwrap_or(0) }
        }
        "UtteranceEnd" => {
            // −1 stands for no word at all.
            let known = number(event.last_word_end).filter(|end| *end >= 0.0);
            ServerEvent::UtteranceEnd { last_word_end_ms: known.map(millis) }
        }
        "Metadata" => ServerEvent::Metadata {
            request_id: self::text(event.request_id),
            duration_ms: seconds(event.duration).unwrap_or(0),
        },
        "Error" => ServerEvent::Error(service_error(&event)),
        _ => ServerEvent::Other { kind: event.kind.0 },
    })
}

fn results<'a>(event: &Envelope<'a>) -> Result<Results<'a>, ParseError> {
    let channel: RawChannel<'a> =
        serde_json::from_str(event.channel.ok_or(ParseError::Missing("channel"))?.get())?;
    let metadata: RawMetadata<'a> =
        event.metadata.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let best = channel.alternatives.into_iter().next();
    let (transcript, confidence, words) = match best {
        Some(best) => (best.transcript.0, best.confidence, words(best.words)),
        None => (Cow::Borrowed(""), 0.0, Vec::new()),
    };
    let speech_final = flag(event.speech_final);
    Ok(Results {
        start_ms: seconds(event.start).ok_or(ParseError::Missing("start"))?,
        duration_ms: seconds(event.duration).ok_or(ParseError::Missing("duration"))?,
        // The end of an utterance implies that its words are final.
        is_final: flag(event.is_final) || speech_final,
        speech_final,
        from_finalize: flag(event.from_finalize),
        transcript: Spoken::new(transcript),
        confidence,
        words,
        request_id: metadata.request_id.map(|id| id.0),
    })
}

/// The words, or none where they cannot be read: the transcript has them all.
fn words(raw: Option<&RawValue>) -> Vec<Word<'_>> {
    let words = raw.and_then(|raw| serde_json::from_str::<Vec<RawWord<'_>>>(raw.get()).ok());
    words.unwrap_or_default().into_iter().map(word).collect()
}

fn word(raw: RawWord<'_>) -> Word<'_> {
    Word {
        text: Spoken::new(raw.punctuated_word.unwrap_or(raw.word).0),
        start_ms: millis(raw.start),
        end_ms: millis(raw.end),
        confidence: raw.confidence,
    }
}

fn service_error(event: &Envelope<'_>) -> ServiceError {
    let words = [event.message, event.description].into_iter().find_map(text).unwrap_or_default();
    ServiceError {
        code: [event.code, event.variant].into_iter().find_map(code),
        message: cut(&words, MAX_ERROR_BYTES).to_owned(),
    }
}

fn number(raw: Option<&RawValue>) -> Option<f64> {
    serde_json::from_str(raw?.get()).ok()
}

fn seconds(raw: Option<&RawValue>) -> Option<u64> {
    number(raw).map(millis)
}

fn flag(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| raw.get() == "true")
}
