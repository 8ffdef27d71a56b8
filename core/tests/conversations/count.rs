//! How often something is expected. Shared with the tests that play scripts over
//! real sockets.

use super::token::Token::{self, W};
use super::token::{number, unknown};

/// How often something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Exactly(usize),
    AtLeast(usize),
    AtMost(usize),
}

/// Reads a count.
pub fn count(tokens: &[Token<'_>]) -> Result<Count, String> {
    Ok(match tokens {
        [W("never")] => Count::Exactly(0),
        [W("once")] => Count::Exactly(1),
        [W("twice")] => Count::Exactly(2),
        [W(n), W("times")] => Count::Exactly(number(n)?),
        [W("at"), W("least"), W("once")] => Count::AtLeast(1),
        [W("at"), W("least"), W("twice")] => Count::AtLeast(2),
        [W("at"), W("least"), W(n), W("times")] => Count::AtLeast(number(n)?),
        [W("at"), W("most"), W("once")] => Count::AtMost(1),
        [W("at"), W("most"), W("twice")] => Count::AtMost(2),
        [W("at"), W("most"), W(n), W("times")] => Count::AtMost(number(n)?),
        _ => return Err(unknown(tokens, "no count: never, once, 3 times, at least 3 times")),
    })
}

impl Count {
    /// Whether `n` times is so often.
    pub fn holds(self, n: usize) -> bool {
        match self {
            Self::Exactly(wanted) => n == wanted,
            Self::AtLeast(least) => n >= least,
            Self::AtMost(most) => n <= most,
        }
    }
}
