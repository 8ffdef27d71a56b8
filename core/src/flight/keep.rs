//! Which recordings are kept.

use serde::{Deserialize, Serialize};

use crate::call::{Outcome, Summary};

/// Which calls' recordings are kept when the call is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those of calls that did not go as they should.
    #[default]
    Failed,
    /// Every call's.
    All,
    /// None; nothing is recorded at all.
    None,
}

impl Keep {
    /// Whether anything is to be written while the call lasts: how it ends is not
    /// known before.
    #[must_use]
    pub const fn records(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether the recording of a call that came to this is kept. A call without a
    /// summary never came to its end. One that was bridged was not served by its
    /// agent, however well the caller fared with the human.
    #[must_use]
    pub fn keeps(self, summary: Option<&Summary>) -> bool {
        let failed = |s: &Summary| s.outcome == Outcome::Failed || s.bridged;
        match self {
            Self::None => false,
            Self::All => true,
            Self::Failed => summary.is_none_or(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Micros;

    fn summary(outcome: Outcome, bridged: bool) -> Summary {
        Summary {
            outcome,
            handoff: bridged,
            reason: None,
            bridged,
            turns: 0,
            barge_ins: 0,
            tool_calls: 0,
            duration: Micros::ZERO,
            handshake_ms: None,
        }
    }

    #[test]
    fn failed_is_what_broke_or_was_bridged_or_never_ended() {
        let keeps = |outcome, bridged| Keep::Failed.keeps(Some(&summary(outcome, bridged)));
        assert!(keeps(Outcome::Failed, false));
        assert!(keeps(Outcome::Transferred, true), "the agent could not go on");
        assert!(!keeps(Outcome::Transferred, false), "the caller asked for a human");
        assert!(!keeps(Outcome::Completed, false) && !keeps(Outcome::Abandoned, false));
        assert!(Keep::Failed.keeps(None));
        assert!(Keep::All.keeps(Some(&summary(Outcome::Completed, false))));
        assert!(!Keep::None.keeps(None) && !Keep::None.records());
    }
}
