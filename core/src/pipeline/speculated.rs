//! What comes of answers that are begun before they are wanted.

/// One thing that came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speculation {
    /// An answer was begun.
    Started,
    /// It was what the call then wanted.
    Used,
    /// It was not, and nobody heard of it. What it cost is counted where all else is,
    /// by the [`Counter`](crate::cost::Counter) that watches the pipeline.
    ThrownAway(ThrownAway),
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
