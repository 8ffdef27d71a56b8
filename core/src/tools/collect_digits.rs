//! `collect_digits`: the caller types a number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::arguments::{read_arguments, schema_of};
use super::{Prepared, Tool, ToolContext, ToolError};
use crate::pii::Personal;

/// Most keys that one entry may have: more than any card, account or telephone
/// number.
const MAX_DIGITS: u32 = 32;

/// How long the next key may take, in seconds, where the model does not say: what
/// the carrier's own menus wait.
const TIMEOUT_SECONDS: u32 = 5;

/// The longest that it may be told to take.
const MAX_TIMEOUT_SECONDS: u32 = 30;

/// How keys are taken from a caller as one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigitPlan {
    /// The entry is over when so many keys have been pressed.
    pub max_digits: u32,
    /// The key that ends it, and is no part of it.
    pub terminator: Option<char>,
    /// How long the next key may take, in milliseconds.
    pub timeout_ms: u64,
}

/// The key that ends an entry.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
enum Terminator {
    #[default]
    #[serde(rename = "#")]
    Pound,
    #[serde(rename = "*")]
    Star,
    #[serde(rename = "none")]
    Nothing,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// How many digits there are at most. The entry ends when so many have been
    /// pressed, so give the exact number where it is known, such as 10 for a
    /// telephone number.
    #[schemars(range(min = 1, max = 32))]
    max_digits: Option<u32>,
    /// The key that ends the entry early.
    terminator: Option<Terminator>,
    /// Seconds without a key after which the entry is over.
    #[schemars(range(min = 1, max = 30))]
    timeout_seconds: Option<u32>,
}

pub(super) struct CollectDigits;

impl Tool for CollectDigits {
    fn name(&self) -> &'static str {
        "collect_digits"
    }

    fn description(&self) -> &'static str {
        "Takes digits that the caller types on the keypad, such as a telephone, account or \
         confirmation number. Ask the caller to type it first, and say which key ends it. The \
         result is what was typed; it is empty when nothing was."
    }

    fn schema(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn prepare(&self, arguments: &str, _: &ToolContext) -> Result<Prepared, ToolError> {
        let Arguments { max_digits, terminator, timeout_seconds } = read_arguments(arguments)?;
        let max_digits = within("max_digits", max_digits.unwrap_or(MAX_DIGITS), MAX_DIGITS)?;
        let seconds = timeout_seconds.unwrap_or(TIMEOUT_SECONDS);
        let seconds = within("timeout_seconds", seconds, MAX_TIMEOUT_SECONDS)?;
        Ok(Prepared::CollectDigits(DigitPlan {
            max_digits,
            terminator: match terminator.unwrap_or_default() {
                Terminator::Pound => Some('#'),
                Terminator::Star => Some('*'),
                Terminator::Nothing => None,
            },
            timeout_ms: u64::from(seconds) * 1_000,
        }))
    }
}

fn within(field: &str, value: u32, max: u32) -> Result<u32, ToolError> {
    if (1..=max).contains(&value) {
        return Ok(value);
    }
    Err(ToolError::BadArguments {
        detail: Personal::new(format!("`{field}` is {value}, not 1 to {max}")),
    })
}
