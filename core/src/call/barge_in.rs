//! The caller speaks while the agent does: stopping in two stages.
//!
//! A stop holds the sentence: the carrier is cleared, the model goes on, and what
//! was not heard is kept. Then the caller takes the floor, or the sentence goes on
//! from where it was heard.

use serde::Serialize;
use serde_json::json;

use crate::ids::ResponseId;
use crate::pii::as_personal;
use crate::tenant::Turns;
use crate::time::Micros;
use crate::turn::barge_in::{BargeInMode, BargeInSnapshot, Verdict};
use crate::turn::playback::Heard;

use super::aside::Aside;
use super::{Call, Child, MediaCommand, Metric, Output, Phase, Timer};

/// How much longer than the detector takes to decide a sentence is held: the
/// detector may have died.
const HOLD_GRACE: Micros = Micros::from_millis(500);

/// How long after it stopped for a voice that the model did not hear the agent
/// waits for the model to hear it.
const UNHEARD_PATIENCE: Micros = Micros::from_millis(1_500);

/// How often the cooldown is doubled.
const MOST_DOUBLINGS: u32 = 3;

/// A sentence that was stopped and is kept.
#[derive(Debug, Serialize)]
pub(super) struct Hold {
    since: Micros,
    /// What was being heard.
    pub(super) cut: Option<Heard>,
}

/// See the module's text.
#[derive(Debug, Default, Serialize)]
pub(super) struct BargeIn {
    hold: Option<Hold>,
    pub(super) aside: Option<Aside>,
    /// Stops in a row that came to nothing.
    false_stops: u32,
    stop_again_at: Micros,
    /// The sentence after which the agent is to stop.
    last_sentence: Option<Heard>,
    /// The agent stopped for a voice of which the model has said nothing.
    pub(super) unheard: bool,
    /// What has come so far of the words that come next.
    #[serde(serialize_with = "as_personal")]
    pub(super) said_so_far: String,
    /// The response that greets.
    greeting: Option<ResponseId>,
}

impl BargeIn {
    pub(super) fn greets(&mut self, response: ResponseId) {
        self.greeting = Some(response);
    }

    pub(super) fn take_hold(&mut self) -> Option<Hold> {
        self.hold.take()
    }
}

impl Call {
    /// What a new detector is told.
    pub(super) fn barge_in_snapshot(&self) -> BargeInSnapshot {
        let tenant = &self.settings.tenant;
        BargeInSnapshot {
            settings: tenant.barge_in.clone(),
            model_decides: tenant.turns == Turns::Model,
            caller_speaking: self.floor.caller_speaking,
        }
    }

    pub(super) fn barge_in_verdict(&mut self, verdict: &Verdict, now: Micros) {
        match verdict {
            Verdict::Stop { since } => self.hold(*since, now),
            Verdict::Resume => self.resume(now),
            Verdict::Interrupt | Verdict::Confirm => self.yield_floor(now),
        }
    }

    /// Whether the caller hears the agent, or would, if it were not held.
    pub(super) fn is_audible(&self, now: Micros) -> bool {
        self.clock.is_playing(now) || self.speech.is_waiting() || self.barge_in.hold.is_some()
    }

    /// Whether a sentence is stopped, and kept.
    pub(super) fn is_held(&self) -> bool {
        self.barge_in.hold.is_some()
    }

    /// Whether we listen ourselves.
    pub(super) fn has_ears(&self) -> bool {
        self.settings.tenant.barge_in.ears && self.children.is_up(Child::BargeIn)
    }

    pub(super) fn next_generation(&mut self) -> u64 {
        self.floor.generation += 1;
        self.floor.generation
    }

    /// When what is being said may be cut short.
    pub(super) fn mode(&self) -> BargeInMode {
        let settings = &self.settings.tenant.barge_in;
        let greeting = self.speech.is_greeting(self.barge_in.greeting.as_ref());
        if greeting { settings.greeting } else { settings.mode }
    }

    /// The first stage: the agent falls silent. Nothing is taken back.
    fn hold(&mut self, since: Micros, now: Micros) {
        let last_words = matches!(self.phase, Phase::Goodbye(_));
        let may_stop = self.mode() == BargeInMode::Immediate && now >= self.barge_in.stop_again_at;
        let worth_it = self.clock.has_unheard(now) || self.speech.is_waiting();
        if last_words || !may_stop || !worth_it || self.barge_in.hold.is_some() {
            return;
        }
        let clear = self.clock.is_playing(now);
        let generation = self.next_generation();
        let cut = self.clock.cleared(now).into_iter().next();
        let unheard = self.speech.reopen(&self.clock, now);
        self.out(Output::Media(MediaCommand::Hold { generation, clear, unheard }));
        let stopped_after = now.since(since);
        self.event("barge_in_stop", json!({ "after_ms": stopped_after.as_millis() }));
        self.out(Output::Metric(Metric::BargeInStop(stopped_after)));
        self.barge_in.hold = Some(Hold { since: now, cut });
        let longest = self.settings.tenant.barge_in.longest_stop();
        self.timers.set(Timer::Held, now + longest + HOLD_GRACE);
        self.close_heard_items(now);
    }

    /// The stop was for nothing: the sentence goes on from where it was heard.
    fn resume(&mut self, now: Micros) {
        let Some(hold) = self.barge_in.take_hold() else {
            return;
        };
        self.timers.clear(&Timer::Held);
        let generation = self.next_generation();
        self.out(Output::Media(MediaCommand::Resume { generation }));
        let pause = now.since(hold.since);
        self.event("barge_in_resumed", json!({ "pause_ms": pause.as_millis() }));
        self.out(Output::Metric(Metric::BargeInResumed(pause)));
        let cooldown = self.settings.tenant.barge_in.cooldown_ms;
        let doublings = self.barge_in.false_stops.min(MOST_DOUBLINGS);
        self.barge_in.stop_again_at = now + Micros::from_millis(cooldown << doublings);
        self.barge_in.false_stops += 1;
    }

    /// Nobody has said what to do about the sentence that is held.
    pub(super) fn hold_due(&mut self, now: Micros) {
        if self.floor.caller_speaking {
            self.interrupt(now);
        } else {
            self.resume(now);
        }
    }

    /// The caller means it. A turn that nobody hears the agent in is taken back
    /// while the caller speaks, and not on a report that comes late.
    fn yield_floor(&mut self, now: Micros) {
        let audible = self.is_audible(now);
        if !audible && !self.floor.caller_speaking {
            self.settle_aside(true, now);
            return;
        }
        if !audible || self.barge_in.hold.is_some() {
            self.interrupt(now);
            return;
        }
        if let Some(aside) = &mut self.barge_in.aside {
            aside.is_meant();
        }
        match self.mode() {
            BargeInMode::Immediate => self.interrupt(now),
            BargeInMode::AfterSentence => self.stop_after_sentence(now),
            BargeInMode::Protected => self.settle_aside(false, now),
        }
    }

    fn stop_after_sentence(&mut self, now: Micros) {
        if !self.timers.is_set(&Timer::SentenceEnd) {
            self.barge_in.last_sentence = self.speech.being_heard(&self.clock, now);
            self.sentence_end_due(now);
        }
    }

    /// The sentence is over, or its end is known better by now.
    pub(super) fn sentence_end_due(&mut self, now: Micros) {
        let place = self.barge_in.last_sentence.as_ref();
        let rest = place.and_then(|place| self.speech.rest_of_sentence(place, &self.clock, now));
        if let Some(rest) = rest {
            self.timers.set(Timer::SentenceEnd, now + rest);
        } else {
            self.barge_in.last_sentence = None;
            self.interrupt(now);
            self.settle_aside(true, now);
        }
    }

    /// What is being said is cut, the sentence too whose end was waited for. A turn
    /// that was to be decided about then is decided about now.
    pub(super) fn cut_sentence(&mut self, now: Micros) {
        self.timers.clear(&Timer::SentenceEnd);
        self.barge_in.last_sentence = None;
        if self.barge_in.aside.as_ref().is_some_and(Aside::waits) {
            self.timers.set(Timer::Words, now);
        }
    }

    /// The caller has the floor: what was said over the agent is a turn.
    pub(super) fn floor_taken(&mut self, audible: bool, now: Micros) {
        self.barge_in.false_stops = 0;
        if let Some(utterance) = self.floor.unworded.back_mut().filter(|_| audible) {
            utterance.took_floor = true;
        }
        self.take_up_aside(now);
        // Who is heard by our ears alone ends no turn, and gets no answer.
        if audible && !self.floor.turn_open && self.floor.turn_ended_at.is_none() {
            self.barge_in.unheard = true;
            self.timers.set(Timer::Words, now + UNHEARD_PATIENCE);
        }
    }

    /// The last words begin: they are not interrupted.
    pub(super) fn end_barge_in(&mut self, now: Micros) {
        self.resume(now);
        self.barge_in.aside = None;
        self.barge_in.unheard = false;
        self.timers.clear(&Timer::Words);
        self.timers.clear(&Timer::SentenceEnd);
    }

    /// What must hold after every mutation.
    pub(super) fn check_barge_in(&self) {
        let held = self.barge_in.hold.is_some();
        match &self.phase {
            Phase::Ended => {}
            Phase::Goodbye(_) => debug_assert!(!held, "last words are not held"),
            Phase::Answering | Phase::Greeting | Phase::Conversation => {
                debug_assert!(!held || self.timers.is_set(&Timer::Held), "a hold has an end");
                let waits = self.barge_in.aside.as_ref().is_some_and(Aside::waits);
                let due = [Timer::Words, Timer::SentenceEnd].iter().any(|t| self.timers.is_set(t));
                debug_assert!(!waits || due, "a turn that waits for its words has an end");
            }
        }
    }
}
