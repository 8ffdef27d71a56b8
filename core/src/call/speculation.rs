//! Whether an answer may be begun before the turn that it answers is over.
//!
//! The session is told once the turn manager takes the turn for likely over, and
//! only where its end would be followed by an answer to these words and nothing
//! else. What then happens to it is the session's matter: it is used when that
//! answer is wanted, and thrown away in all other cases, of which the call does
//! not even hear.

use crate::pii::Personal;
use crate::tenant::Turns;
use crate::time::Micros;
use crate::turn::endpoint::TurnInput;

use super::{Call, Output, Phase};

impl Call {
    /// What the words of the utterance are by now.
    pub(super) fn caller_interim(&mut self, text: Personal) {
        let utterance = self.floor.unworded.front().copied();
        self.tell_turn_manager(utterance, TurnInput::Interim { text });
    }

    pub(super) fn turn_likely_over(&mut self, now: Micros) {
        if self.would_answer(now) {
            self.out(Output::Speculate);
        }
    }

    /// Whether the open turn, were it to end as it is, would be answered.
    fn would_answer(&self, now: Micros) -> bool {
        let talks = match &self.phase {
            Phase::Answering | Phase::Greeting | Phase::Conversation => true,
            Phase::Goodbye(_) | Phase::Ended => false,
        };
        let tenant = &self.settings.tenant;
        let max_turns = tenant.limits.max_turns;
        let may_have_one = max_turns == 0 || self.tally.turns < max_turns;
        // Of what is said over the agent, nobody knows yet whether it is a turn.
        let alone = self.barge_in.aside.is_none() && !self.is_audible(now);
        let free = self.sequencer.is_idle() && !self.tooling.is_running();
        let nobody_else = self.machine.is_none() && self.collecting.is_none();
        talks
            && may_have_one
            && alone
            && free
            && nobody_else
            && self.floor.turn_open
            && self.session.is_ready()
            && tenant.turns == Turns::Ours
    }
}
