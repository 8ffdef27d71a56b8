//! Where each turn's time goes, for the record: the call tells the waterfall what
//! happens, and tells of it when a turn's answer is over.

use crate::ids::{ItemId, ResponseId};
use crate::tenant::Turns;
use crate::time::Micros;
use crate::turn::sequencer::Purpose;
use crate::turn::waterfall::TurnLatency;

use super::{Call, Metric, Output};

/// The event that says where a turn's time went; its data is
/// [`TurnLatency::facts`].
pub const TURN_LATENCY: &str = "turn_latency";

impl Call {
    /// The detector said that the caller stopped, after a silence of its own.
    pub(super) fn note_speech_end(&mut self, now: Micros) {
        let silence = Micros::from_millis(self.settings.tenant.model.silence_duration_ms.into());
        self.waterfall.speech_ended(now.since(silence));
    }

    pub(super) fn note_turn_decided(&mut self, turn: u32, now: Micros) {
        let before = self.waterfall.decided(turn, self.settings.tenant.mode, now);
        self.tell_latency(before);
    }

    /// A response that may be heard was announced. A model that decides by itself
    /// has decided that the turn is over.
    pub(super) fn note_announced(
        &mut self,
        response: &ResponseId,
        purpose: &Purpose,
        unasked: bool,
        now: Micros,
    ) {
        let theirs = unasked && self.settings.tenant.turns == Turns::Model;
        if theirs && self.floor.turn_open && self.waterfall.awaits_turn() {
            self.note_turn_decided(self.tally.turns + 1, now);
        }
        match purpose {
            Purpose::Answer | Purpose::WrapUp => self.waterfall.announced(response.clone(), now),
            Purpose::Greeting | Purpose::Say(_) => {}
        }
    }

    /// The first audio of an item of the model went to the carrier.
    pub(super) fn note_sent(&mut self, item: &ItemId, at: Micros, heard_from: Micros) {
        if let Some(response) = self.speech.response_of(item) {
            self.waterfall.sent(response, item, at, heard_from);
        }
    }

    /// The caller took the floor.
    pub(super) fn note_turn_interrupted(&mut self, now: Micros) {
        let turn = self.waterfall.interrupted(now);
        self.tell_latency(turn);
    }

    /// Looks whether the answer to the turn is over.
    pub(super) fn settle_latency(&mut self, now: Micros) {
        if !self.waterfall.is_answered() {
            return;
        }
        let goes_on =
            self.speech.is_speaking() || !self.sequencer.is_idle() || self.tooling.is_running();
        if !goes_on {
            self.end_latency(now);
        }
    }

    /// Nothing more is to come of the turn.
    pub(super) fn end_latency(&mut self, now: Micros) {
        let turn = self.waterfall.close(now);
        self.tell_latency(turn);
    }

    fn tell_latency(&mut self, turn: Option<TurnLatency>) {
        let Some(turn) = turn else {
            return;
        };
        for (stage, after) in &turn.stages {
            let (mode, stage, after) = (turn.mode, *stage, *after);
            self.out(Output::Metric(Metric::TurnStage { mode, stage, after }));
        }
        self.event(TURN_LATENCY, turn.facts(self.started_at));
    }
}
