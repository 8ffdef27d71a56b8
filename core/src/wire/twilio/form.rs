//! A webhook's body, `application/x-www-form-urlencoded`, as ordered pairs.
//!
//! Twilio signs the names and values as they are after one decoding, so they are
//! decoded exactly once and nothing is dropped: not blanks, not duplicates, not
//! names that nobody knows. A `CallToken` still reads `%7B…` here.
//!
//! Two things that Twilio does not send, and what becomes of them: a `%` that
//! begins no escape stands for itself, and bytes that are not UTF-8 become
//! U+FFFD. Neither is an error here, since the signature decides: where the
//! sender meant something else, it does not match.

use std::fmt;

/// Longest body that is read, in bytes. A full voice webhook has about 2000.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// Most parameters that are read. A full voice webhook has about 40.
pub const MAX_PARAMS: usize = 256;

/// Why a body is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than [`MAX_BODY_BYTES`].
    #[error("a form of {0} bytes is longer than {MAX_BODY_BYTES}")]
    TooLong(usize),
    /// More parameters than [`MAX_PARAMS`].
    #[error("a form has more than {MAX_PARAMS} parameters")]
    TooMany,
}

/// Names and values in the order in which they came. Prints its names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads a body, or a query string without its `?`.
    ///
    /// # Errors
    /// When it is too long or has too many parameters.
    pub fn parse(body: &[u8]) -> Result<Self, FormError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(FormError::TooLong(body.len()));
        }
        let mut decoded = form_urlencoded::parse(body);
        let pairs =
            decoded.by_ref().take(MAX_PARAMS).map(|(n, v)| (n.into_owned(), v.into_owned()));
        let pairs = pairs.collect();
        if decoded.next().is_some() {
            return Err(FormError::TooMany);
        }
        Ok(Self { pairs })
    }

    /// A form to be sent.
    #[must_use]
    pub fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// The first value of a name; blank when it is there without a value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a name when it is there and not blank.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Every name and value, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The encoded body.
    #[must_use]
    pub fn to_body(&self) -> String {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&self.pairs);
        body.finish()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    fn pairs(body: &str) -> Vec<(String, String)> {
        Form::parse(body.as_bytes()).unwrap().pairs
    }

    #[test]
    fn decodes_once_and_keeps_blanks_duplicates_and_order() {
        let form =
            Form::parse(b"To=%2B1800&ToZip=&A=2&A=1&CallToken=%257B%2522a&N=J+D&Flag").unwrap();
        assert_eq!(form.get("To"), Some("+1800"));
        assert_eq!((form.get("ToZip"), form.filled("ToZip")), (Some(""), None));
        assert_eq!(form.get("A"), Some("2"));
        assert_eq!(form.get("CallToken"), Some("%7B%22a"));
        assert_eq!(form.get("N"), Some("J D"));
        assert_eq!((form.get("Flag"), form.get("flag")), (Some(""), None));
        assert_eq!(form.pairs().len(), 7);
    }

    #[test]
    fn what_is_not_an_escape_stands_for_itself() {
        assert_eq!(
            pairs("a=100%&b=%zz&c=%ff"),
            [
                ("a".to_owned(), "100%".to_owned()),
                ("b".to_owned(), "%zz".to_owned()),
                ("c".to_owned(), "\u{fffd}".to_owned()),
            ]
        );
        assert_eq!(pairs(""), []);
    }

    #[test]
    fn limits_hold() {
        let full = vec!["a=1"; MAX_PARAMS].join("&");
        assert_eq!(pairs(&full).len(), MAX_PARAMS);
        assert_eq!(Form::parse(format!("{full}&b=2").as_bytes()), Err(FormError::TooMany));
        let long = vec![b'a'; MAX_BODY_BYTES + 1];
        assert_eq!(Form::parse(&long), Err(FormError::TooLong(MAX_BODY_BYTES + 1)));
    }

    #[test]
    fn prints_without_values() {
        assert_eq!(format!("{:?}", Form::parse(b"From=%2B14155550100").unwrap()), r#"{"From"}"#);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(pairs in prop::collection::vec(any::<(String, String)>(), 0..20)) {
            let form = Form::from_pairs(pairs);
            prop_assert_eq!(Form::parse(form.to_body().as_bytes()).unwrap(), form);
        }

        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
            Form::parse(&body).ok();
        }
    }
}
