//! Borrowed reading of a message. Every event is flat but for a few nested
//! objects, so one struct of optional fields reads them all in one pass, and
//! nested objects stay unread until their event is known.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use super::WireError;
use crate::ids::{IdError, ItemId, MAX_ID_BYTES, ResponseId};

/// A JSON string, borrowed unless it holds escapes. (Serde borrows a `Cow` only
/// where it is a field's whole type, hence this wrapper inside `Option`.)
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The fields that the events we read have, whichever event it is.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) response_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) item_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) previous_item_id: Option<Text<'a>>,
    pub(super) content_index: Option<u32>,
    #[serde(borrow)]
    pub(super) delta: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) transcript: Option<Text<'a>>,
    pub(super) audio_start_ms: Option<Whole>,
    pub(super) audio_end_ms: Option<Whole>,
    #[serde(borrow)]
    pub(super) session: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

/// The `type` alone, for events whose other fields mean something else.
#[derive(Deserialize)]
pub(super) struct KindOnly<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
}

/// What went wrong, of an event or of a response.
#[derive(Deserialize)]
pub(super) struct RawError<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Text<'a>>,
    /// The event of ours that it is about, where it is about one.
    #[serde(borrow)]
    pub(super) event_id: Option<Text<'a>>,
}

impl<'a> Envelope<'a> {
    /// An event of which only the type is known.
    pub(super) const fn bare(kind: Text<'a>) -> Self {
        Self {
            kind,
            response_id: None,
            item_id: None,
            previous_item_id: None,
            content_index: None,
            delta: None,
            transcript: None,
            audio_start_ms: None,
            audio_end_ms: None,
            session: None,
            response: None,
            item: None,
            error: None,
            usage: None,
        }
    }

    pub(super) fn item_id(&self) -> Result<ItemId, WireError> {
        Ok(ItemId::parse(&required(self.item_id.as_ref(), "item_id")?.0)?)
    }

    pub(super) fn response_id(&self) -> Result<ResponseId, WireError> {
        Ok(ResponseId::parse(&required(self.response_id.as_ref(), "response_id")?.0)?)
    }

    pub(super) fn nested<T: Deserialize<'a>>(
        raw: Option<&'a RawValue>,
        name: &'static str,
    ) -> Result<T, WireError> {
        let raw = raw.ok_or(WireError::Missing(name))?;
        Ok(serde_json::from_str(raw.get())?)
    }
}

pub(super) fn required<T>(field: Option<T>, name: &'static str) -> Result<T, WireError> {
    field.ok_or(WireError::Missing(name))
}

/// Checks an identifier in place. What the provider sends is letters, digits
/// and `_`; whatever else an identifier may have, its own parser decides.
pub(super) fn checked_id<'a>(
    text: Text<'a>,
    parse: fn(&str) -> Result<(), IdError>,
) -> Result<Cow<'a, str>, WireError> {
    if !is_usual_id(&text.0) {
        parse(&text.0)?;
    }
    Ok(text.0)
}

/// Whether an identifier is of the kind that providers make.
pub(super) fn is_usual_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() | (b == b'_');
    // Without branches, so that sixteen bytes are looked at in one go.
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().fold(true, |usual, b| usual & plain(b))
}

/// A count that should be a whole number. Some servers write `120.0`, and a
/// position before the start of the buffer is its start.
#[derive(Clone, Copy)]
pub(super) struct Whole(pub(super) u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Whole, E> {
        Ok(Whole(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Whole, E> {
        Ok(Whole(u64::try_from(value).unwrap_or(0)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Whole, E> {
        // `as` saturates: below zero and not-a-number become 0.
        Ok(Whole(value.round() as u64))
    }
}
