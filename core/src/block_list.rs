//! Callers who are turned away.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pii::PhoneNumber;

/// Numbers, and beginnings of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockList(Vec<Blocked>);

/// One line of a block list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Blocked {
    /// One number.
    Number(PhoneNumber),
    /// Every number that begins so, such as `+1900`.
    Prefix(String),
}

/// Why a text is no line of a block list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither a number like +15550100000 nor a beginning like +1900*")]
pub struct NotBlockable;

impl Blocked {
    /// Reads a number in E.164 form, or the beginning of one, a `*` behind it.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, NotBlockable> {
        if let Some(prefix) = text.trim().strip_suffix('*') {
            let prefix = PhoneNumber::new(prefix).expose().to_owned();
            let digits = prefix.strip_prefix('+').ok_or(NotBlockable)?;
            let good = (1..=14).contains(&digits.len()) && !digits.starts_with('0');
            let good = good && digits.bytes().all(|b| b.is_ascii_digit());
            return if good { Ok(Self::Prefix(prefix)) } else { Err(NotBlockable) };
        }
        let number = PhoneNumber::new(text);
        if number.is_e164() { Ok(Self::Number(number)) } else { Err(NotBlockable) }
    }

    fn names(&self, from: &PhoneNumber) -> bool {
        match self {
            Self::Number(number) => number == from,
            Self::Prefix(prefix) => from.expose().starts_with(prefix),
        }
    }
}

impl fmt::Debug for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Prefix(_) => f.write_str("…*"),
        }
    }
}

impl TryFrom<String> for Blocked {
    type Error = NotBlockable;
    fn try_from(text: String) -> Result<Self, NotBlockable> {
        Self::parse(&text)
    }
}

impl From<Blocked> for String {
    fn from(blocked: Blocked) -> Self {
        match blocked {
            Blocked::Number(number) => number.expose().to_owned(),
            Blocked::Prefix(prefix) => format!("{prefix}*"),
        }
    }
}

impl BlockList {
    /// Whether a caller is on it.
    #[must_use]
    pub fn names(&self, from: &PhoneNumber) -> bool {
        self.0.iter().any(|blocked| blocked.names(from))
    }

    /// Adds a line.
    pub fn push(&mut self, blocked: Blocked) {
        if !self.0.contains(&blocked) {
            self.0.push(blocked);
        }
    }

    /// How many lines it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_blocked_by_itself_or_by_its_beginning() {
        let mut list = BlockList::default();
        list.push(Blocked::parse("+1 (555) 017-9123").unwrap());
        list.push(Blocked::parse("+1900*").unwrap());
        let names = |text: &str| list.names(&PhoneNumber::new(text));
        assert!(names("+15550179123") && names("+19005550100"));
        assert!(!names("+15550179124") && !names("+1555017912") && !names("anonymous"));
    }

    #[test]
    fn what_would_block_nobody_or_everybody_is_refused() {
        for text in
            ["", "*", "+*", "15550179123", "+0*", "+1555x*", "anonymous", "+123456789012345*"]
        {
            assert_eq!(Blocked::parse(text), Err(NotBlockable), "{text}");
        }
    }

    #[test]
    fn it_prints_no_number_and_is_read_back_as_it_was_written() {
        let mut list = BlockList::default();
        list.push(Blocked::parse("+15550179123").unwrap());
        list.push(Blocked::parse("+1900*").unwrap());
        assert!(!format!("{list:?}").contains("5550"), "{list:?}");
        let written = serde_json::to_string(&list).unwrap();
        assert_eq!(serde_json::from_str::<BlockList>(&written).unwrap(), list);
    }
}
