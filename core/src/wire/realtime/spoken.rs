//! A text that somebody said or wrote in a call, borrowed from its message.

use std::borrow::Cow;
use std::fmt;

use crate::pii::Personal;

/// What a person or the model said, or what a tool was called with. It borrows
/// from the message it came in, and prints as its length, as [`Personal`] does.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Spoken<'a>(Cow<'a, str>);

impl<'a> Spoken<'a> {
    pub(in crate::wire) fn new(text: Cow<'a, str>) -> Self {
        Self(text)
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text itself, owned; copied only where it was borrowed.
    #[must_use]
    pub fn into_owned(self) -> String {
        self.0.into_owned()
    }

    /// The text as something that may be kept and cannot be logged.
    #[must_use]
    pub fn into_personal(self) -> Personal {
        Personal::new(self.0)
    }
}

impl<'a> From<&'a str> for Spoken<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl fmt::Debug for Spoken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} characters]", self.0.chars().count())
    }
}
