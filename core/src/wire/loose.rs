//! Fields as providers write them: read where they make sense, and taken for
//! absent where they do not, since a stray field must not cost a caller's words.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A JSON string, borrowed unless it holds escapes. (Serde borrows a `Cow` only
/// where it is a field's whole type, hence this wrapper inside `Option`.)
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A nested field as text, if it is text.
pub(super) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw?.get()).ok().map(|text| text.0)
}

/// A code, which some servers write as text and others as a number.
pub(super) fn code(raw: Option<&RawValue>) -> Option<String> {
    let raw = raw?;
    match text(Some(raw)) {
        Some(text) => (!text.is_empty()).then(|| text.into_owned()),
        None => serde_json::from_str::<serde_json::Number>(raw.get()).ok().map(|n| n.to_string()),
    }
}

/// Seconds as providers count them, in milliseconds. What is below zero, or no
/// number, is 0.
pub(super) fn millis(seconds: f64) -> u64 {
    // `as` saturates, and not-a-number becomes 0.
    (seconds * 1_000.0).round() as u64
}

/// At most `max` bytes of a text, cut between characters.
pub(super) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
