//! Who holds the floor: speech, interruption, turns.

use serde_json::json;

use crate::ids::ItemId;
use crate::pii::Personal;
use crate::pipeline::{Guard, UNSAFE_OUTPUT};
use crate::suspicion;
use crate::tenant::Turns;
use crate::time::Micros;
use crate::turn::barge_in::{BargeInInput, Verdict};
use crate::turn::endpoint::TurnInput;
use crate::turn::playback::Heard;
use crate::turn::sequencer::Purpose;
use crate::wire::realtime::{ClientEvent, Item};

use super::{
    Call, Child, EndCause, MediaCommand, Metric, Output, Phase, Speaker, Timer, TranscriptEntry,
    Utterance,
};

/// Runs of speech that may wait for their words. A model that transcribes nothing
/// brings none.
const KEPT_UTTERANCES: usize = 16;

impl Call {
    pub(super) fn speech_started(&mut self, now: Micros) {
        let over_agent = self.hear_over_agent(now);
        self.floor.caller_speaking = true;
        self.floor.speech_started_at = now;
        self.floor.turn_open = true;
        self.floor.unworded.push_back(Utterance {
            turn: self.tally.turns + 1,
            started_at: now,
            ended_at: None,
            over_agent,
            took_floor: false,
        });
        if self.floor.unworded.len() > KEPT_UTTERANCES {
            self.floor.unworded.pop_front();
        }
        // What was asked before is answered together with what is being said now.
        self.floor.turn_ended_at = None;
        self.silence_watch.caller_is_there();
        self.machine_talks(now);
        if self.children.is_up(Child::TurnManager) {
            self.out(Output::Turn(TurnInput::SpeechStarted));
        }
        let detector = self.children.is_up(Child::BargeIn);
        if detector {
            self.out(Output::BargeIn(BargeInInput::SpeechStarted));
        }
        // What nobody hears yet is no matter of two stages.
        if !detector || (self.has_ears() && !self.is_audible(now)) {
            self.barge_in_verdict(&Verdict::Interrupt, now);
        }
    }

    pub(super) fn speech_stopped(&mut self, now: Micros) {
        self.floor.caller_speaking = false;
        self.note_speech_end(now);
        self.machine_paused(now);
        if let Some(utterance) = self.floor.unworded.back_mut() {
            utterance.ended_at.get_or_insert(now);
        }
        if self.children.is_up(Child::BargeIn) {
            self.out(Output::BargeIn(BargeInInput::SpeechStopped));
        }
        if self.children.is_up(Child::TurnManager) {
            let silence =
                Micros::from_millis(self.settings.tenant.model.silence_duration_ms.into());
            self.out(Output::Turn(TurnInput::SpeechStopped { silence }));
        } else {
            self.turn_ended(1, now);
        }
    }

    /// The caller takes the floor. What is being said stops at once; what was not
    /// heard is taken back from the model's memory. Last words are never cut.
    pub(super) fn interrupt(&mut self, now: Micros) {
        if matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        let audible = self.is_audible(now);
        if !audible && !self.sequencer.has_more_to_say() {
            return;
        }
        self.note_turn_interrupted(now);
        let held = self.barge_in.take_hold();
        let was_held = held.is_some();
        let cut = self.silence(now).or_else(|| held.and_then(|hold| hold.cut));
        if audible {
            self.tally.barge_ins += 1;
            if let Some(cut) = cut {
                let facts = json!({ "item": cut.item.as_str(), "heard_ms": cut.heard_ms() });
                self.event("barge_in", facts);
            }
            if !was_held {
                let stopped_after = now.since(self.floor.speech_started_at);
                self.out(Output::Metric(Metric::BargeInStop(stopped_after)));
            }
            if matches!(self.phase, Phase::Answering | Phase::Greeting) {
                self.set_phase(Phase::Conversation);
            }
        }
        debug_assert!(
            !self.sequencer.has_more_to_say(),
            "nothing may be said while the caller speaks"
        );
        self.floor_taken(audible, now);
    }

    /// Stops the agent's voice, here, at the carrier and at the model, and makes
    /// the model forget what was not heard. Answers what was being heard.
    pub(super) fn silence(&mut self, now: Micros) -> Option<Heard> {
        let clear = self.clock.is_playing(now);
        self.barge_in.take_hold();
        self.timers.clear(&Timer::Held);
        self.cut_sentence(now);
        let generation = self.next_generation();
        self.out(Output::Media(MediaCommand::Interrupt { generation, clear }));
        self.cancel_current(now);
        let first = self.clock.cleared(now).into_iter().next();
        for heard in self.speech.unheard(&self.clock, now) {
            self.take_back(&heard);
        }
        for (item_id, text) in self.close_cut_items(now) {
            self.out(Output::Model(ClientEvent::DeleteItem { item_id }));
            if !text.is_blank() {
                let text = text.expose().to_owned();
                let item = Item::AssistantText { id: None, text };
                self.out(Output::Model(ClientEvent::CreateItem(item)));
            }
        }
        first
    }

    /// Makes the model forget what the caller did not hear of an item of its own.
    fn take_back(&mut self, heard: &Heard) {
        let item_id = heard.item.clone();
        let audio_end_ms = heard.heard_ms();
        self.out(Output::Model(if audio_end_ms == 0 {
            ClientEvent::DeleteItem { item_id }
        } else {
            ClientEvent::TruncateItem { item_id, content_index: 0, audio_end_ms }
        }));
    }

    /// The caller's turn is over: the model answers, unless the caller has begun
    /// to speak again or has had all the turns there are.
    pub(super) fn turn_ended(&mut self, utterances: u32, now: Micros) {
        if matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        if self.floor.caller_speaking || !self.floor.turn_open {
            self.stale("turn_end");
            return;
        }
        if self.defer_turn(utterances, now) {
            return;
        }
        self.settle_utterances();
        self.spoke_instead_of_keys(now);
        self.floor.turn_open = false;
        if self.machine.is_some() {
            // Nobody is there to be answered.
            return;
        }
        self.tally.turns += 1;
        self.floor.turn_ended_at = Some(now);
        self.note_turn_decided(self.tally.turns, now);
        self.event("turn_ended", json!({ "turn": self.tally.turns, "utterances": utterances }));
        if !matches!(self.phase, Phase::Conversation) {
            self.set_phase(Phase::Conversation);
        }
        let max_turns = self.settings.tenant.limits.max_turns;
        if max_turns > 0 && self.tally.turns > max_turns {
            self.begin_goodbye(EndCause::MaxTurns, now);
            return;
        }
        if self.settings.tenant.turns == Turns::Ours {
            self.want(Purpose::Answer, now);
        }
    }

    /// The words of what the caller said. They may come after the answer began.
    pub(super) fn caller_said(&mut self, item: ItemId, text: Personal, now: Micros) {
        // Words come in the order in which they were spoken, one text for each run
        // of speech.
        let utterance = self.floor.unworded.pop_front();
        self.words_of(utterance, &text, now);
        if text.is_blank() {
            return;
        }
        self.waterfall.words(now);
        self.tell_turn_manager(utterance, TurnInput::Words { text: text.clone() });
        self.history.caller(text.expose());
        self.note_suspicion(&text, utterance.map_or(self.tally.turns, |u| u.turn).max(1));
        self.keep_costs();
        self.out(Output::Transcript(TranscriptEntry {
            speaker: Speaker::Caller,
            turn: utterance.map_or(self.tally.turns, |u| u.turn).max(1),
            item,
            heard: text.clone(),
            generated: text,
            interrupted: false,
            started_at: utterance.map_or(self.floor.speech_started_at, |u| u.started_at),
            ended_at: utterance.and_then(|u| u.ended_at).unwrap_or(now),
        }));
    }

    /// Words that try to steer the agent are noted, and nothing else comes of them.
    fn note_suspicion(&mut self, text: &Personal, turn: u32) {
        let patterns: Vec<&str> = suspicion::patterns(text.expose())
            .into_iter()
            .map(suspicion::Pattern::as_str)
            .collect();
        if !patterns.is_empty() {
            self.event("suspicious_input", json!({ "patterns": patterns, "turn": turn }));
        }
    }

    /// A speech model that spoke of its tools, or in data, cannot be kept from it any
    /// more: it is noted. A pipeline is kept from it, and never comes here.
    pub(super) fn note_unsafe(&mut self, entry: &TranscriptEntry) {
        if Guard::new(&self.settings.tools).is_unsafe(entry.generated.expose()) {
            let facts = json!({ "item": entry.item.as_str(), "turn": entry.turn });
            self.event(UNSAFE_OUTPUT, facts);
        }
    }

    /// The answer to a turn is on the wire.
    pub(super) fn note_answer_audio(&mut self, now: Micros) {
        if let Some(ended_at) = self.floor.turn_ended_at.take() {
            self.out(Output::Metric(Metric::TurnLatency(now.since(ended_at))));
        }
    }
}
