//! What belongs to a person. These types print redacted, so that a phone number
//! or a sentence cannot reach a log, a metric or a trace by accident. Whoever
//! needs the content says so with `expose()`, which is easy to search for.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A phone number or another carrier address (`client:…`, `sip:…`), as opaque
/// text. Prints as its last four characters at most.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Wraps a number. White space, dashes, dots and brackets in something that
    /// is otherwise a number are dropped, so that `+1 (415) 555-0100` and
    /// `+14155550100` are equal; any other text is kept as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let is_separator = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '(' | ')');
        let body = text.strip_prefix('+').unwrap_or(text);
        if body.chars().all(|c| c.is_ascii_digit() || is_separator(c)) {
            Self(text.chars().filter(|c| !is_separator(*c)).collect())
        } else {
            Self(text.to_owned())
        }
    }

    /// Whether this is `+` and 8 to 15 digits, the form that can be dialled.
    #[must_use]
    pub fn is_e164(&self) -> bool {
        self.0.strip_prefix('+').is_some_and(|digits| {
            (8..=15).contains(&digits.len())
                && digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
        })
    }

    /// The number itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.chars().filter(char::is_ascii_digit).count();
        // A short code is so short that four digits would be all of it.
        if digits < 8 {
            return f.write_str("…");
        }
        let tail: Vec<char> = self.0.chars().rev().take(4).collect();
        f.write_str("…")?;
        tail.iter().rev().try_for_each(|c| write!(f, "{c}"))
    }
}

/// The name under which a person's words are serialised: whoever shows things by
/// their serialised form knows by it what to hide. Formats that keep no names of
/// types write the content alone.
pub const PERSONAL: &str = "Personal";

/// The same for [`PhoneNumber`].
pub const PHONE_NUMBER: &str = "PhoneNumber";

/// Serialises something as [`Personal`] that has another type.
pub(crate) fn as_personal<T: Serialize, S: Serializer>(
    thing: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(PERSONAL, thing)
}

/// Anything a person said, or that says who they are: a transcript, a name, an
/// address. Prints as its length.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Personal(String);

impl Personal {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Appends to the text.
    pub fn push_str(&mut self, more: &str) {
        self.0.push_str(more);
    }

    /// Whether there is nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} characters]", self.0.chars().count())
    }
}

/// Most characters, and most digits, of what passes for a code.
const CODE_CHARACTERS: usize = 64;
const CODE_DIGITS: usize = 4;

/// What another side calls a code, such as `server_error`, if it is one: a word
/// without spaces, too short of digits to be somebody's number. Anything else may be
/// prose that names somebody, and is nothing to log.
#[must_use]
pub fn code_word(text: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let fits = !text.is_empty() && text.len() <= CODE_CHARACTERS && digits <= CODE_DIGITS;
    (fits && text.chars().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_word_and_no_number() {
        for code in ["server_error", "insufficient_quota", "model.not-found", "42", "Error_2024"] {
            assert_eq!(code_word(code), Some(code));
        }
        for prose in ["", "Ada said so", "+15550100", "15550100123", "a\nb", &"a".repeat(65)] {
            assert_eq!(code_word(prose), None, "{prose:?}");
        }
    }

    #[test]
    fn a_number_prints_as_its_last_four_digits() {
        let number = PhoneNumber::new("+1 (415) 555-0100");
        assert_eq!(number.expose(), "+14155550100");
        assert_eq!(format!("{number} {number:?}"), "…0100 …0100");
        assert!(number.is_e164());
        assert_eq!(format!("{}", PhoneNumber::new("911")), "…");
        assert!(!PhoneNumber::new("client:ann").is_e164());
    }

    #[test]
    fn what_a_person_said_prints_as_its_length() {
        assert_eq!(format!("{:?}", Personal::new("my name is Ada")), "[14 characters]");
    }
}
