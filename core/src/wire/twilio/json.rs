//! Reading and writing JSON without building a tree of it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Reads an object. A derived struct would take an array of its fields too,
/// which no peer means.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JsonError> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(JsonError { column: 1 });
    }
    serde_json::from_str(text).map_err(|e| JsonError { column: e.column() })
}

/// Where reading stopped, and no more: the library's own message may quote what
/// a caller typed or said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JsonError {
    pub(super) column: usize,
}

/// Text that borrows from the message, unless an escape in it forbids that.
/// Unlike a bare `Cow`, it borrows inside an `Option` too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// A count that may come as a number or as a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counter(pub(super) u64);

impl<'de> Deserialize<'de> for Counter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CounterVisitor;
        impl Visitor<'_> for CounterVisitor {
            type Value = Counter;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }
            fn visit_u64<E: Error>(self, count: u64) -> Result<Counter, E> {
                Ok(Counter(count))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Counter, E> {
                text.parse().map(Counter).map_err(|_| E::custom("not a count"))
            }
        }
        deserializer.deserialize_any(CounterVisitor)
    }
}

/// Appends a JSON string, quotes included.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    // Identifiers and base64 need no escape, and are nearly all that is written.
    // Looked at without branches, sixteen bytes in one go.
    if text.bytes().fold(true, |plain, b| plain & (b >= b' ') & (b != b'"') & (b != b'\\')) {
        out.push_str(text);
    } else {
        text.chars().for_each(|c| push_escaped(out, c));
    }
    out.push('"');
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c < ' ' => {
            out.push_str("\\u00");
            let code = u32::from(c);
            out.extend([code >> 4, code & 0x0f].iter().filter_map(|d| char::from_digit(*d, 16)));
        }
        c => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_written_string_reads_back(text in any::<String>()) {
            let mut json = String::new();
            push_string(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
