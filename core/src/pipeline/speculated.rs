//! What comes of answers that are begun before they are wanted.

use crate::wire::realtime::Usage;

/// One thing that came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speculation {
    /// An answer was begun.
    Started,
    /// It was what the call then wanted.
    Used,
    /// It was not, and nobody heard of it.
    ThrownAway {
        /// Why.
        why: ThrownAway,
        /// What it cost.
        waste: Waste,
    },
}

/// Why an answer that was begun was of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrownAway {
    /// The caller went on.
    WentOn,
    /// The words turned out to be others, or something else happened in the
    /// conversation.
    Differs,
    /// No answer was wanted: another sentence was, the turn was none, or the call
    /// ended.
    Unwanted,
    /// A service failed.
    Failed,
}

impl ThrownAway {
    /// The word that is counted by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WentOn => "went_on",
            Self::Differs => "differs",
            Self::Unwanted => "unwanted",
            Self::Failed => "failed",
        }
    }
}

/// What has to be paid for an answer that was thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waste {
    /// Which language model was asked last, in the tenant's order.
    pub agent: usize,
    /// What it used: its own account where it came to give one, and otherwise an
    /// estimate of what it was told and wrote, four bytes to a token.
    pub usage: Usage,
    /// Which voice was asked last, where one was.
    pub voice: Option<usize>,
    /// Characters that voices were given.
    pub characters: u64,
}
