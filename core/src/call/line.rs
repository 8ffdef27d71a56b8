//! The line as the caller hears it: is it silent although somebody should speak?
//!
//! Looked at after every mutation. The clocks here run on what goes on, not on
//! what was promised: a socket that is open is no sign of anything.

use serde_json::json;

use crate::pii::Personal;
use crate::time::Micros;
use crate::turn::endpoint::TurnInput;
use crate::turn::silence::{AfterSilence, SilenceStep};

use super::ending::TransferBy;
use super::{Call, Child, EndCause, Output, Phase, Sentence, Timer, Utterance};

/// How long audio may wait to go out while the caller hears nothing. The carrier
/// takes audio far faster than it plays it, so this is a stuck line.
const OUTBOUND_PATIENCE: Micros = Micros::from_secs(3);

impl Call {
    /// Sets the clocks of the line by what goes on now.
    pub(super) fn watch_line(&mut self, now: Micros) {
        if !matches!(self.phase, Phase::Greeting | Phase::Conversation) {
            self.timers.clear(&Timer::Silence);
            self.timers.clear(&Timer::OutboundStuck);
            return;
        }
        let quiet = self.is_quiet();
        self.silence_watch.line(quiet, self.clock.ends_at(), now);
        self.timers.set_or_clear(Timer::Silence, self.silence_watch.due());
        self.watch_outbound(now);
        if quiet {
            self.recycle_if_due(now);
        }
    }

    /// Whether nobody speaks, no answer is awaited and no tool runs. Something may
    /// still be playing.
    fn is_quiet(&self) -> bool {
        let caller = self.floor.caller_speaking || self.floor.turn_open;
        let agent = !self.sequencer.is_idle() || self.speech.is_waiting() || self.is_held();
        self.session.is_ready() && !caller && !agent && !self.tooling.is_running()
    }

    fn watch_outbound(&mut self, now: Micros) {
        if !self.speech.is_waiting() || self.is_held() {
            self.timers.clear(&Timer::OutboundStuck);
        } else if !self.timers.is_set(&Timer::OutboundStuck) {
            let from = self.clock.ends_at().max(now);
            self.timers.set(Timer::OutboundStuck, from + OUTBOUND_PATIENCE);
        }
    }

    pub(super) fn silence_due(&mut self, now: Micros) {
        let Some(step) = self.silence_watch.take_due(now) else {
            return;
        };
        if self.machine.is_some() {
            // A machine that records silence.
            return;
        }
        match step {
            SilenceStep::Nudge => {
                self.event("silence", json!({ "step": "nudge" }));
                self.say(Sentence::Nudge, now);
            }
            SilenceStep::GiveUp => {
                self.event("silence", json!({ "step": "give_up" }));
                self.give_up_silent_caller(now);
            }
            SilenceStep::TextTaken => {
                self.event("silence", json!({ "step": "text_taken" }));
                self.begin_goodbye(EndCause::TextTaken, now);
            }
        }
    }

    fn give_up_silent_caller(&mut self, now: Micros) {
        let tenant = &self.settings.tenant;
        match tenant.silence.then {
            AfterSilence::Human if tenant.human_number.is_some() => {
                self.transfer(TransferBy::Silence, now);
            }
            AfterSilence::Human | AfterSilence::Goodbye => {
                self.begin_goodbye(EndCause::Silence, now);
            }
        }
    }

    /// A piece of the words of the utterance whose words come next.
    pub(super) fn caller_partial(&mut self, text: Personal, now: Micros) {
        self.words_so_far(&text, now);
        let utterance = self.floor.unworded.front().copied();
        self.tell_turn_manager(utterance, TurnInput::Partial { text });
    }

    /// Words help to find the end of the turn that they belong to, and of no other.
    pub(super) fn tell_turn_manager(&mut self, utterance: Option<Utterance>, words: TurnInput) {
        let of_open_turn = utterance.is_some_and(|u| u.turn > self.tally.turns);
        if of_open_turn && self.floor.turn_open && self.children.is_up(Child::TurnManager) {
            self.out(Output::Turn(words));
        }
    }
}
