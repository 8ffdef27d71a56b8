//! The children of a call: which are up, and when one that died is rebuilt.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;
use serde_json::json;

use crate::time::Micros;
use crate::turn::barge_in::Verdict;
use crate::turn::endpoint::TurnSnapshot;

use super::{Call, Child, Exit, Output};

/// How often a child is rebuilt within [`RESTART_PERIOD`]: OTP's words for it are
/// intensity and period. Past it the call goes on without the child, deciding in
/// its place as well as it can.
pub const RESTARTS: usize = 3;

/// See [`RESTARTS`].
pub const RESTART_PERIOD: Micros = Micros::from_secs(10);

/// See the module's text.
#[derive(Debug, Default, Serialize)]
pub(super) struct Children {
    down: BTreeSet<Child>,
    exits: BTreeMap<Child, VecDeque<Micros>>,
}

impl Children {
    pub(super) fn is_up(&self, child: Child) -> bool {
        !self.down.contains(&child)
    }

    /// Takes note of an exit; answers whether the child may be rebuilt.
    fn exited(&mut self, child: Child, now: Micros) -> bool {
        let exits = self.exits.entry(child).or_default();
        exits.retain(|at| now.since(*at) < RESTART_PERIOD);
        exits.push_back(now);
        let within_budget = exits.len() <= RESTARTS;
        if !within_budget {
            self.down.insert(child);
        }
        within_budget
    }
}

impl Call {
    /// A child ended although nobody asked it to.
    pub(super) fn child_exited(&mut self, child: Child, exit: Exit, now: Micros) {
        let rebuild = self.children.exited(child, now);
        self.event("child_exited", json!({ "child": child, "exit": exit, "rebuilt": rebuild }));
        match child {
            Child::TwilioStream => self.stream_lost("the stream's actor ended", now),
            Child::RealtimeSession => self.model_lost("the session's actor ended", rebuild, now),
            Child::BargeIn => self.barge_in_exited(rebuild, now),
            Child::TurnManager if rebuild => {
                self.out(Output::StartTurnManager(TurnSnapshot {
                    endpointing: self.settings.tenant.endpointing,
                    caller_speaking: self.floor.caller_speaking,
                    turn_open: self.floor.turn_open,
                    speculate: self.settings.tenant.speculates(),
                }));
            }
            Child::TurnManager => self.hand_over_open_turn(now),
            Child::ToolRunner => {
                if rebuild {
                    self.out(Output::StartToolRunner);
                }
                self.fail_running_tools(now);
            }
        }
    }

    /// The detector may have died of the very speech that it was told of, and the
    /// new one takes that speech for reported.
    fn barge_in_exited(&mut self, rebuild: bool, now: Micros) {
        if rebuild {
            self.out(Output::StartBargeIn(self.barge_in_snapshot()));
        }
        let verdict = if self.floor.caller_speaking { Verdict::Interrupt } else { Verdict::Resume };
        self.barge_in_verdict(&verdict, now);
    }

    /// The turn manager died with a turn that it had not handed over.
    fn hand_over_open_turn(&mut self, now: Micros) {
        if self.floor.turn_open && !self.floor.caller_speaking {
            self.turn_ended(1, now);
        }
    }
}
