//! What the caller says over the agent's voice and does not take the floor with.
//!
//! An [`Aside`] is a turn of the caller's of which nobody knows yet whether it is
//! one. Its words say, or that the agent speaks on. What is none is not answered.

use serde::Serialize;
use serde_json::json;

use crate::pii::Personal;
use crate::tenant::Turns;
use crate::time::Micros;
use crate::turn::backchannel::{is_backchannel, is_echo_of};
use crate::turn::barge_in::{BargeInInput, BargeInMode, Words};
use crate::turn::playback::mulaw_time;
use crate::turn::sequencer::Purpose;

use super::{Call, Metric, Output, Phase, Timer, Utterance};

/// How long after its end a turn waits for the words that say whether it was one.
const WORDS_PATIENCE: Micros = Micros::from_millis(1_000);

/// The agent has as good as finished when it has so much left to say.
const NEAR_THE_END: Micros = Micros::from_millis(1_000);

/// Most that is remembered of words that may go on, in bytes: by then it is clear
/// that they are no backchannel.
const MOST_SAID_SO_FAR: usize = 200;

/// See the module's text.
#[derive(Debug, Default, Serialize)]
pub(super) struct Aside {
    /// Runs of speech in it, once it is over.
    ended: Option<u32>,
    /// What its words say so far.
    words: Option<Words>,
    /// It began when the agent had as good as finished: "yes" is an answer then.
    near_the_end: bool,
    /// Since when an earlier turn has waited for its answer.
    unanswered: Option<Micros>,
}

impl Aside {
    /// Its words are known.
    pub(super) fn is_meant(&mut self) {
        self.words = Some(Words::Meant);
    }

    /// Whether it is over and not decided about.
    pub(super) fn waits(&self) -> bool {
        self.ended.is_some()
    }
}

impl Call {
    /// The caller begins to speak: answers whether it is while the agent does, so
    /// that it has to be found out what is wanted.
    pub(super) fn hear_over_agent(&mut self, now: Micros) -> bool {
        self.barge_in.unheard = false;
        self.timers.clear(&Timer::Words);
        let last_words = matches!(self.phase, Phase::Goodbye(_));
        let ours = self.settings.tenant.turns == Turns::Ours;
        let at_once = !self.has_ears() && self.mode() == BargeInMode::Immediate;
        if !ours || last_words || at_once || !self.is_audible(now) {
            self.barge_in.aside = None;
            return false;
        }
        if let Some(aside) = &mut self.barge_in.aside {
            aside.ended = None;
        } else if !self.floor.turn_open {
            let unanswered = self.floor.turn_ended_at;
            let near_the_end = self.has_nearly_finished(now);
            self.barge_in.aside = Some(Aside { unanswered, near_the_end, ..Aside::default() });
        }
        true
    }

    fn has_nearly_finished(&self, now: Micros) -> bool {
        let rest = mulaw_time(self.speech.unheard_bytes(&self.clock, now));
        !self.sequencer.has_more_to_say() && rest <= NEAR_THE_END
    }

    /// Whether the turn that is over must wait until it is known whether it is one.
    pub(super) fn defer_turn(&mut self, utterances: u32, now: Micros) -> bool {
        let Some(aside) = &mut self.barge_in.aside else {
            return false;
        };
        aside.ended = Some(utterances);
        if !self.timers.is_set(&Timer::SentenceEnd) {
            self.timers.set(Timer::Words, now + WORDS_PATIENCE);
            self.settle_aside(false, now);
        }
        true
    }

    /// Words of an utterance came while others may follow.
    pub(super) fn words_so_far(&mut self, more: &Personal, now: Micros) {
        let over_agent = self.floor.unworded.front().is_some_and(|u| u.over_agent);
        if !over_agent || self.barge_in.said_so_far.len() > MOST_SAID_SO_FAR {
            return;
        }
        self.barge_in.said_so_far.push_str(more.expose());
        let words = self.wish_of(&self.barge_in.said_so_far, true);
        if words == Words::Meant {
            self.note_words(words, now);
        }
    }

    /// All words of an utterance are there.
    pub(super) fn words_of(&mut self, utterance: Option<Utterance>, text: &Personal, now: Micros) {
        self.barge_in.said_so_far.clear();
        let Some(utterance) = utterance else {
            return;
        };
        let words =
            if text.is_blank() { Words::Nothing } else { self.wish_of(text.expose(), false) };
        if utterance.took_floor && words <= Words::Backchannel {
            self.event("barge_in_false", json!({ "words": !text.is_blank() }));
            self.out(Output::Metric(Metric::BargeInFalse));
        }
        if utterance.over_agent {
            self.note_words(words, now);
        }
    }

    fn note_words(&mut self, words: Words, now: Micros) {
        if self.has_ears() {
            self.out(Output::BargeIn(BargeInInput::Words(words)));
        }
        if let Some(aside) = &mut self.barge_in.aside {
            aside.words = aside.words.max(Some(words));
            self.settle_aside(false, now);
        }
    }

    fn wish_of(&self, text: &str, unfinished: bool) -> Words {
        let backchannels = &self.settings.tenant.barge_in.backchannels;
        if is_backchannel(text, backchannels, unfinished) {
            Words::Backchannel
        } else if is_echo_of(text, &self.speech.recent_text(), unfinished) {
            Words::Ours
        } else {
            Words::Meant
        }
    }

    /// The words have not come, or the model has not heard what our ears heard.
    pub(super) fn words_due(&mut self, now: Micros) {
        self.settle_aside(true, now);
        let unheard = std::mem::take(&mut self.barge_in.unheard);
        let silent = !self.is_audible(now) && self.sequencer.is_idle();
        if unheard && silent && !self.floor.turn_open && !self.tooling.is_running() {
            self.event("barge_in_false", json!({ "words": false }));
            self.out(Output::Metric(Metric::BargeInFalse));
            self.want(Purpose::Answer, now);
        }
    }

    /// Decides about an aside that is over. What the agent did not speak over to
    /// the end is a turn: "yes" is a backchannel only to one who goes on.
    pub(super) fn settle_aside(&mut self, last_chance: bool, now: Micros) {
        let Some(Aside { ended: Some(_), words, near_the_end, .. }) = self.barge_in.aside else {
            return;
        };
        let audible = self.is_audible(now);
        let immediate = self.mode() == BargeInMode::Immediate;
        let more_words = self.floor.unworded.iter().any(|u| u.over_agent);
        match words {
            _ if !audible => self.take_up_aside(now),
            _ if self.timers.is_set(&Timer::SentenceEnd) => {}
            // The detector says so too, and the call then interrupts.
            Some(Words::Meant) if immediate && !last_chance => {}
            Some(Words::Meant) if immediate => self.interrupt(now),
            Some(Words::Meant) => self.take_up_aside(now),
            Some(_) | None if more_words && !last_chance => {}
            None if !self.has_ears() => self.take_up_aside(now),
            Some(Words::Backchannel) if near_the_end => self.take_up_aside(now),
            Some(Words::Nothing | Words::Backchannel | Words::Ours) | None => self.drop_aside(now),
        }
    }

    pub(super) fn take_up_aside(&mut self, now: Micros) {
        self.settle_utterances();
        let aside = self.barge_in.aside.take();
        if let Some(utterances) = aside.and_then(|aside| aside.ended) {
            self.timers.clear(&Timer::Words);
            self.turn_ended(utterances, now);
        }
    }

    /// It was no turn: nobody is answered.
    fn drop_aside(&mut self, now: Micros) {
        let Some(aside) = self.barge_in.aside.take() else {
            return;
        };
        self.timers.clear(&Timer::Words);
        self.settle_utterances();
        self.floor.turn_open = false;
        self.event("aside", json!({ "words": aside.words }));
        self.answer_tools(now);
        if aside.unanswered.is_some() {
            self.floor.turn_ended_at = aside.unanswered;
            if self.sequencer.is_idle() && !self.tooling.is_running() {
                self.want(Purpose::Answer, now);
            }
        }
    }

    /// Words that come late say nothing any more.
    pub(super) fn settle_utterances(&mut self) {
        self.floor.unworded.iter_mut().for_each(|utterance| utterance.over_agent = false);
    }
}
