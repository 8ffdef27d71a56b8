//! The call's timers: at most one of each kind, each with the reason it is there.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::flight::{Words, say, show};
use crate::ids::ToolCallId;
use crate::time::Micros;

use super::explain::Due;

/// Why the call wants to be woken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Timer {
    /// The model must have shown life by now.
    Watchdog,
    /// The response that was asked for must have been heard of by now.
    ResponseMute,
    /// The cancelled response must have ended by now.
    CancelStuck,
    /// The call has run as long as it may.
    MaxDuration,
    /// The last words must have been said by now.
    Farewell,
    /// All that was sent must have been played by now.
    Settle,
    /// The sentence that is held must have been decided about by now.
    Held,
    /// The words of what was said over the agent must have come by now.
    Words,
    /// The sentence after which the agent is to stop is over.
    SentenceEnd,
    /// The line has been silent long enough for something to be done.
    Silence,
    /// The response that was asked for has been silent long enough for a filler.
    DeadAir,
    /// The answer that failed is to be asked for again.
    AskAgain,
    /// Audio that waits to go out must have begun to by now.
    OutboundStuck,
    /// The session is so near its end that a quiet moment is wanted.
    Recycle,
    /// The next key must have been pressed by now.
    Digits,
    /// The answering machine must have ended its message by now.
    Machine,
    /// The tool has run so long that something should be said.
    SlowTool(ToolCallId),
    /// The tool has run as long as it may.
    ToolTimeout(ToolCallId),
}

/// A table of deadlines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Timers(BTreeMap<Timer, Micros>);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Micros) {
        self.0.insert(timer, at);
    }

    pub(super) fn set_or_clear(&mut self, timer: Timer, at: Option<Micros>) {
        match at {
            Some(at) => self.set(timer, at),
            None => self.clear(&timer),
        }
    }

    pub(super) fn clear(&mut self, timer: &Timer) {
        self.0.remove(timer);
    }

    pub(super) fn clear_all(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_set(&self, timer: &Timer) -> bool {
        self.0.contains_key(timer)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next deadline and its reason.
    pub(super) fn next(&self) -> Option<(Micros, &Timer)> {
        self.0.iter().map(|(timer, at)| (*at, timer)).min()
    }

    /// Every deadline and its reason, the next first.
    pub(super) fn explain(&self, now: Micros) -> Vec<Due> {
        let mut all: Vec<_> = self.0.iter().map(|(timer, at)| (*at, timer)).collect();
        all.sort();
        let due = |(at, timer): (Micros, &Timer)| Due {
            timer: say(&show(timer, Words::Hidden)),
            after: at.since(now),
        };
        all.into_iter().map(due).collect()
    }

    /// Takes the earliest timer that is due.
    pub(super) fn pop_due(&mut self, now: Micros) -> Option<Timer> {
        let (at, timer) = self.next()?;
        let timer = (at <= now).then(|| timer.clone())?;
        self.0.remove(&timer);
        Some(timer)
    }
}
