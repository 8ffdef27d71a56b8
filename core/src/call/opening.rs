//! From the stream's start to the first sentence.

use serde_json::json;

use crate::ids::ItemId;
use crate::time::Micros;
use crate::turn::endpoint::TurnSnapshot;
use crate::turn::sequencer::Purpose;

use super::{Call, EndCause, Handshake, MediaCommand, Metric, Output, Phase, Timer};

/// The item that a kept rendering of the greeting is played as.
pub(super) const GREETING_ITEM: &str = "greeting";

impl Call {
    pub(super) fn start(&mut self, now: Micros) {
        self.started = true;
        let limits = &self.settings.tenant.limits;
        let (watchdog_ms, max_ms) = (limits.watchdog_ms, limits.max_call_duration_ms);
        self.timers.set(Timer::Watchdog, now + Micros::from_millis(watchdog_ms));
        if max_ms > 0 {
            self.timers.set(Timer::MaxDuration, now + Micros::from_millis(max_ms));
        }
        self.event(
            "call_started",
            json!({ "greeting_cached": self.settings.kept_greeting_bytes.is_some() }),
        );
        self.out(Output::Phase(self.phase()));
        if let Some(bytes) = self.settings.kept_greeting_bytes {
            self.play_greeting(bytes, now);
        }
        self.dial_model(Micros::ZERO);
        self.out(Output::StartBargeIn(self.barge_in_snapshot()));
        self.out(Output::StartTurnManager(TurnSnapshot {
            endpointing: self.settings.tenant.endpointing,
            speculate: self.settings.tenant.speculates(),
            ..TurnSnapshot::default()
        }));
        self.out(Output::StartToolRunner);
    }

    fn play_greeting(&mut self, bytes: u64, now: Micros) {
        let Ok(item) = ItemId::parse(GREETING_ITEM) else {
            return;
        };
        let greeting = self.settings.script.greeting.clone();
        self.speech.phrase(item.clone(), &greeting, bytes, 0, now);
        self.out(Output::Media(MediaCommand::PlayGreeting { item }));
        self.set_phase(Phase::Greeting);
    }

    /// The model's session has our configuration.
    pub(super) fn model_ready(&mut self, now: Micros) {
        if self.session.is_ready() || !self.session.is_begun() {
            self.stale("model_ready");
            return;
        }
        let first = self.session.ready();
        self.arm_recycling(now);
        self.out(Output::Media(MediaCommand::Uplink { open: true }));
        if first {
            let elapsed = now.since(self.started_at);
            self.tally.handshake = Some(elapsed);
            self.out(Output::Metric(Metric::ModelReady(elapsed)));
            self.event("model_ready", json!({ "elapsed_ms": elapsed.as_millis() }));
            self.report_handshake(None);
            self.open_conversation(now);
        } else {
            self.event("model_restored", json!({ "attempt": self.session.attempt() }));
            self.restore_conversation(now);
        }
    }

    fn open_conversation(&mut self, now: Micros) {
        if matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        if self.serve_machine(now) {
            self.timers.clear(&Timer::Watchdog);
            return;
        }
        self.tell_conversation();
        if self.settings.kept_greeting_bytes.is_some() {
            // The kept rendering is no sign of life of the model, but its session
            // being configured is, and nothing more is asked of it yet.
            self.timers.clear(&Timer::Watchdog);
        } else {
            self.want(Purpose::Greeting, now);
        }
        if let Some(owed) = self.history.take_owed() {
            self.want(owed, now);
        }
    }

    /// The model showed neither readiness nor voice in time.
    pub(super) fn watchdog_due(&mut self, now: Micros) {
        if self.try_next_model(now) {
            return;
        }
        let limit_ms = self.settings.tenant.limits.watchdog_ms;
        let reason = if self.session.is_ready() {
            format!("Model mute (>{limit_ms}ms)")
        } else {
            format!("Handshake timeout (>{limit_ms}ms)")
        };
        let word = if self.session.is_ready() { "model_mute" } else { "handshake_timeout" };
        self.bridge(word, &reason, now);
    }

    /// The first audio of the agent goes out.
    pub(super) fn note_first_audio(&mut self, from_model: bool, now: Micros) {
        if self.tally.first_audio.is_none() {
            let elapsed = now.since(self.started_at);
            self.tally.first_audio = Some(elapsed);
            self.out(Output::Metric(Metric::FirstAudio(elapsed)));
            self.event(
                "first_audio",
                json!({ "elapsed_ms": elapsed.as_millis(), "cached": !from_model }),
            );
            // A filler is no sign of the model.
            let counts = from_model || self.tally.sentences == 0;
            if counts && self.tally.handshake.is_some() {
                self.report_handshake(None);
            }
        }
        if matches!(self.phase, Phase::Answering) {
            self.set_phase(Phase::Greeting);
        }
    }

    pub(super) fn report_handshake(&mut self, error: Option<&str>) {
        let handshake = Handshake {
            elapsed: self.tally.handshake,
            first_audio: self.tally.first_audio,
            fell_back: error.is_some(),
            error: error.map(str::to_owned),
        };
        self.out(Output::Handshake(handshake));
    }

    pub(super) fn expire(&mut self, now: Micros) {
        self.event("ttl_expired", json!({}));
        self.finish_with(EndCause::Expired, now);
    }
}
