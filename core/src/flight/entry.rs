//! What a recording is made of.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::call::{CallSettings, Input, Output};
use crate::time::Micros;

use super::show::{Words, show};

/// The version of the entries. It changes when old entries can no longer be told
/// from new ones; a mere addition to an input or a setting does not change it.
pub const FORMAT: u32 = 2;

/// What a call began with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Preamble {
    /// [`FORMAT`] of whoever wrote it.
    pub format: u32,
    /// Version of the program that ran the call.
    pub build: String,
    /// Wall time of the call's time zero, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// What the call's chance came from.
    pub seed: u64,
    /// The time given to [`crate::call::Call::new`].
    pub at: Micros,
    /// Everything that the call decides by.
    pub settings: CallSettings,
}

/// How a recording ends. One that ends without it was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With the call.
    Complete,
    /// The call's actor died: what was decided last may not have been done.
    Died,
    /// The recording had become as long as it may.
    Full,
    /// What came next could not be kept.
    Lost,
}

/// One entry, as it is read.
#[derive(Clone, Debug, Deserialize)]
pub enum Entry {
    /// The first entry.
    #[serde(rename = "p")]
    Preamble(Box<Preamble>),
    /// Something happened.
    #[serde(rename = "i")]
    Input(Micros, Box<Input>),
    /// Time passed, and the time for which the call had asked to be woken.
    #[serde(rename = "t")]
    Timeout(Micros, Option<Micros>),
    /// Something was decided.
    #[serde(rename = "d")]
    Decided(Decided),
    /// The last entry.
    #[serde(rename = "e")]
    Ending(Ending),
}

/// The same, as it is written.
#[derive(Serialize)]
pub(super) enum Written<'a> {
    #[serde(rename = "p")]
    Preamble(&'a Preamble),
    #[serde(rename = "i")]
    Input(Micros, &'a Input),
    #[serde(rename = "t")]
    Timeout(Micros, Option<Micros>),
    #[serde(rename = "d")]
    Decided(&'a Decided),
    #[serde(rename = "e")]
    Ending(Ending),
}

/// One output of the call: the digest of its bytes, to compare by, and what there
/// is to show of it without a person's words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Of the output's serialised form.
    #[serde(rename = "h")]
    pub digest: Digest,
    /// The output, as [`show`] shows it to anybody.
    #[serde(rename = "s")]
    pub shown: serde_json::Value,
}

impl Decided {
    /// What is kept of `output`. `scratch` is emptied and used, so that a long
    /// recording allocates it once.
    #[must_use]
    pub fn of(output: &Output, scratch: &mut Vec<u8>) -> Self {
        scratch.clear();
        // Writing into memory fails for no output that there is; should one come
        // that does, its digest is of what could be written, here as in a replay.
        ciborium::into_writer(output, &mut *scratch).unwrap_or_default();
        Self { digest: Digest::of(scratch), shown: show(output, Words::Hidden) }
    }
}

/// The first 128 bits of a SHA-256. Prints as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest(u64, u64);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::begin(&Sha256::digest(bytes))
    }

    /// The digest of two digests, in this order.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let parts = [self.0, self.1, next.0, next.1].map(u64::to_be_bytes);
        Self::of(parts.as_flattened())
    }

    fn begin(hash: &[u8]) -> Self {
        let word = |from: usize| {
            let bytes = hash.iter().skip(from).take(8);
            bytes.fold(0_u64, |word, byte| (word << 8) | u64::from(*byte))
        };
        Self(word(0), word(8))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0, self.1)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
