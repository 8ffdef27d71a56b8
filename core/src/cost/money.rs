//! Money without floats.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Billionths in one dollar.
const NANOS: u64 = 1_000_000_000;
/// Digits behind the point that a billionth needs.
const DIGITS: usize = 9;

/// US dollars in whole billionths. Up to eighteen thousand million dollars; sums stop
/// there.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

/// Why a text is no sum of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// It begins with a minus.
    #[error("is negative")]
    Negative,
    /// It is finer than a billionth.
    #[error("has more than nine digits behind the point")]
    TooFine,
    /// It is beyond reason.
    #[error("is too large")]
    TooLarge,
    /// It is something else.
    #[error("is no sum in dollars")]
    Other,
}

impl Nanos {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads dollars such as `4`, `0.40` or `.0085`.
    ///
    /// # Errors
    /// When it is no such text.
    pub fn parse(text: &str) -> Result<Self, NotMoney> {
        let text = text.trim();
        if text.starts_with('-') {
            return Err(NotMoney::Negative);
        }
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && part.is_empty()) || !plain(whole) || !plain(part) {
            return Err(NotMoney::Other);
        }
        let part = part.trim_end_matches('0');
        if part.len() > DIGITS {
            return Err(NotMoney::TooFine);
        }
        let dollars: u64 =
            if whole.is_empty() { Ok(0) } else { whole.parse() }.map_err(|_| NotMoney::TooLarge)?;
        let nanos: u64 = format!("{part:0<DIGITS$}").parse().map_err(|_| NotMoney::Other)?;
        let all = dollars.checked_mul(NANOS).and_then(|all| all.checked_add(nanos));
        all.map(Self).ok_or(NotMoney::TooLarge)
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left without the other; nothing where the other is more.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::iter::Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Self::plus)
    }
}

/// Dollars, with two digits behind the point or as many as there are.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, nanos) = (self.0 / NANOS, self.0 % NANOS);
        let part = format!("{nanos:0>DIGITS$}");
        let part = part.trim_end_matches('0');
        write!(f, "{dollars}.{part:0<2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_read_to_the_billionth_and_shown_as_they_are() {
        for (text, nanos, shown) in [
            ("4", 4_000_000_000, "4.00"),
            ("0.40", 400_000_000, "0.40"),
            (".0085", 8_500_000, "0.0085"),
            ("0.000000001", 1, "0.000000001"),
            ("12.5000000000", 12_500_000_000, "12.50"),
            ("0", 0, "0.00"),
        ] {
            assert_eq!(Nanos::parse(text), Ok(Nanos(nanos)), "{text}");
            assert_eq!(Nanos(nanos).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_money_is_told_apart() {
        assert_eq!(Nanos::parse("-1"), Err(NotMoney::Negative));
        assert_eq!(Nanos::parse("0.0000000001"), Err(NotMoney::TooFine));
        assert_eq!(Nanos::parse("99999999999"), Err(NotMoney::TooLarge));
        assert_eq!(Nanos::parse("999999999999999999999"), Err(NotMoney::TooLarge));
        for text in ["", ".", "$4", "4,00", "1e3", "4.0.0", "four"] {
            assert_eq!(Nanos::parse(text), Err(NotMoney::Other), "{text}");
        }
    }

    #[test]
    fn sums_stop_at_their_ends() {
        assert_eq!(Nanos(u64::MAX).plus(Nanos(1)), Nanos(u64::MAX));
        assert_eq!(Nanos(1).less(Nanos(2)), Nanos::ZERO);
    }
}
