//! A call's status in the carrier's words, and which report of it is the later one.

use std::fmt;
use std::str::FromStr;

/// Where a call is, in the carrier's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CarrierStatus {
    /// Waiting for the carrier's own rate limit.
    Queued,
    /// The carrier has begun to dial.
    Initiated,
    /// Ringing.
    Ringing,
    /// Answered.
    InProgress,
    /// Answered, and over.
    Completed,
    /// Over: busy.
    Busy,
    /// Over: could not be connected.
    Failed,
    /// Over: nobody answered, or it was rejected.
    NoAnswer,
    /// Over: taken back before it was answered.
    Canceled,
}

impl CarrierStatus {
    /// The carrier's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// Whether the call is over.
    #[must_use]
    pub const fn is_final(self) -> bool {
        self.rank() == 4
    }

    /// Whether this is a later state of a call than `other`. Callbacks arrive in
    /// any order: one that does not supersede what is known changes nothing, and
    /// nothing supersedes the end.
    #[must_use]
    pub const fn supersedes(self, other: Self) -> bool {
        self.rank() > other.rank()
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => 4,
        }
    }
}

impl fmt::Display for CarrierStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not a status that the carrier has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a call status")]
pub struct UnknownStatus;

impl FromStr for CarrierStatus {
    type Err = UnknownStatus;

    /// Takes a call's status, or the `answered` of a dialled leg, which is over
    /// by the time that it is reported.
    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Ok(match word {
            "queued" => Self::Queued,
            "initiated" => Self::Initiated,
            "ringing" => Self::Ringing,
            "in-progress" => Self::InProgress,
            "completed" | "answered" => Self::Completed,
            "busy" => Self::Busy,
            "failed" => Self::Failed,
            "no-answer" => Self::NoAnswer,
            "canceled" => Self::Canceled,
            _ => return Err(UnknownStatus),
        })
    }
}
