//! The number by which a customer's appointment is found: `APT-12345`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::columns::TextColumn;

/// How many numbers there are for a tenant.
const ALL: u32 = 100_000;

/// `APT-` and five digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConfirmationNumber(u32);

/// A text that is no confirmation number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a confirmation number is APT- and five digits")]
pub struct NotAConfirmation;

impl ConfirmationNumber {
    /// One that nobody can foresee.
    pub(crate) fn random() -> Self {
        // 122 bits of it are random, so that no number is likelier than another.
        let number = Uuid::new_v4().as_u128() % u128::from(ALL);
        Self(u32::try_from(number).unwrap_or(0))
    }
}

impl fmt::Display for ConfirmationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "APT-{:05}", self.0)
    }
}

impl FromStr for ConfirmationNumber {
    type Err = NotAConfirmation;

    /// Takes small letters too.
    fn from_str(text: &str) -> Result<Self, NotAConfirmation> {
        let (prefix, digits) = text.trim().split_once('-').ok_or(NotAConfirmation)?;
        let good = prefix.eq_ignore_ascii_case("apt")
            && digits.len() == 5
            && digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| good);
        number.map(Self).ok_or(NotAConfirmation)
    }
}

impl TryFrom<String> for ConfirmationNumber {
    type Error = NotAConfirmation;
    fn try_from(text: String) -> Result<Self, NotAConfirmation> {
        text.parse()
    }
}

impl From<ConfirmationNumber> for String {
    fn from(number: ConfirmationNumber) -> Self {
        number.to_string()
    }
}

impl From<ConfirmationNumber> for TextColumn {
    fn from(number: ConfirmationNumber) -> Self {
        Self::from(number.to_string())
    }
}

impl TryFrom<TextColumn> for ConfirmationNumber {
    type Error = NotAConfirmation;
    fn try_from(column: TextColumn) -> Result<Self, NotAConfirmation> {
        String::from(column).parse()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_with_five_digits_and_read_back() {
        assert_eq!(ConfirmationNumber(7).to_string(), "APT-00007");
        assert_eq!(" apt-00007 ".parse(), Ok(ConfirmationNumber(7)));
        for text in ["", "APT", "APT-", "APT-7", "APT-000007", "APT-+0007", "ABC-00007", "00007"] {
            assert_eq!(text.parse::<ConfirmationNumber>(), Err(NotAConfirmation), "{text}");
        }
        for _ in 0..1_000 {
            let number = ConfirmationNumber::random();
            assert_eq!(number.to_string().parse(), Ok(number));
            assert_eq!(number.to_string().len(), 9);
        }
    }
}
