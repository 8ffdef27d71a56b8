//! What a call knows at a moment, for whoever asks why it did what it did.

use serde::Serialize;
use serde_json::Value;

use crate::flight::{Words, show};
use crate::ids::ItemId;
use crate::time::Micros;

use super::{Call, Phase, PhaseName};

/// See the module's text. The first fields say the most important in words; `state`
/// is everything.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The moment.
    pub at: Micros,
    /// Where the call is.
    pub phase: PhaseName,
    /// Who has the floor.
    pub floor: &'static str,
    /// The agent's items that are not over, and how much of each the caller has heard.
    pub heard: Vec<HeardItem>,
    /// What the call wants to be woken for, the next first.
    pub timers: Vec<Due>,
    /// Everything that it knows, as [`show`] shows it.
    pub state: Value,
}

/// One item of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeardItem {
    /// Which.
    pub item: ItemId,
    /// Milliseconds that have been played to the caller.
    pub heard_ms: u64,
    /// Milliseconds that are with the carrier.
    pub sent_ms: u64,
    /// Milliseconds that the model has given.
    pub received_ms: u64,
}

/// A timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Due {
    /// Which.
    pub timer: String,
    /// How long until it is due.
    pub after: Micros,
}

impl Call {
    /// What the call knows at `now`. What a person said is shown as `words` says.
    #[must_use]
    pub fn explain(&self, now: Micros, words: Words) -> Explanation {
        Explanation {
            at: now,
            phase: self.phase(),
            floor: self.who_has_the_floor(now),
            heard: self.speech.explain(&self.clock, now),
            timers: self.timers.explain(now),
            state: show(self, words),
        }
    }

    fn who_has_the_floor(&self, now: Micros) -> &'static str {
        if matches!(self.phase, Phase::Ended) {
            "nobody: the call is over"
        } else if !self.started {
            "nobody: the call has not begun"
        } else if self.floor.caller_speaking {
            "the caller, who is speaking"
        } else if self.clock.is_playing(now) {
            "the agent, who is being heard"
        } else if self.speech.is_waiting() {
            "the agent, whose audio waits to be sent"
        } else if self.sequencer.is_live() {
            "the agent, who was asked and has given nothing yet"
        } else if self.tooling.is_running() {
            "nobody: a tool runs"
        } else if self.floor.turn_open {
            "the caller, who has stopped and whose turn is not over"
        } else {
            "nobody: the caller may speak"
        }
    }
}
