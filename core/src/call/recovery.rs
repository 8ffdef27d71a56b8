//! Keeping a model: dialling, losing and restoring the session, and what is done
//! when it is there and says nothing.
//!
//! A caller without a voice is served in this order: a kept sentence that bridges
//! the gap, the same model dialled again, the tenant's next model, a human.

use serde_json::json;

use crate::tenant::Mode;
use crate::time::Micros;
use crate::turn::playback::MARK_GRACE;
use crate::turn::sequencer::Purpose;
use crate::wire::realtime::ClientEvent;

use super::session::State;
use super::{Call, MediaCommand, Metric, Output, Phase, Sentence, Timer};

/// How often a lost session is dialled again with the same model in one call.
pub const MAX_REDIALS: u32 = 3;

/// Waits before each redial. The first is at once: most losses are one
/// connection's, not the service's.
const BACKOFF: [Micros; MAX_REDIALS as usize] =
    [Micros::ZERO, Micros::from_millis(250), Micros::from_millis(1_000)];

/// How long to wait before the next attempt after so many; none when the budget is
/// spent.
pub(super) fn redial_delay(attempts: u32) -> Option<Micros> {
    usize::try_from(attempts).ok().and_then(|attempts| BACKOFF.get(attempts)).copied()
}

/// How long before its end a session is exchanged for another, if the line is
/// quiet then: a tenth of its time, but no more than this.
const RECYCLE_MARGIN: Micros = Micros::from_secs(120);

/// A session that is of no more use.
struct Loss<'a> {
    /// In words, without secrets.
    why: &'a str,
    /// For the record, should a human have to take over.
    word: &'static str,
    /// Whether dialling the same model again could help.
    retry: bool,
}

impl Call {
    pub(super) fn dial_model(&mut self, delay: Micros) {
        let (attempt, provider) = (self.session.attempt, self.session.provider);
        self.session.state = State::Dialling;
        self.session.expires_in = None;
        self.costs.session_begins();
        self.out(Output::StartModel { delay, provider, attempt });
    }

    /// The session is gone. Within the budget another is dialled while the caller
    /// hears what was already received; past it a human takes over.
    pub(super) fn model_lost(&mut self, why: &str, retry: bool, now: Micros) {
        if self.session.is_begun() {
            self.replace_model(&Loss { why, word: "model_lost", retry }, now);
        } else {
            self.stale("model_lost");
        }
    }

    fn replace_model(&mut self, loss: &Loss<'_>, now: Micros) {
        let was_ready = self.session.is_ready();
        self.event("model_lost", json!({ "reason": loss.why, "ready": was_ready }));
        self.let_go(now);
        if matches!(self.phase, Phase::Goodbye(_) | Phase::Ended) {
            return;
        }
        let Some(delay) = self.next_dial(loss.retry) else {
            self.bridge(loss.word, loss.why, now);
            return;
        };
        self.out(Output::Metric(Metric::Redial));
        if self.history.is_owed() || self.floor.turn_ended_at.is_some() {
            self.bridge_over(now);
        }
        self.redial(delay, now);
    }

    /// Nothing more goes to the session, and nothing of it is heard but what came.
    fn let_go(&mut self, now: Micros) {
        self.guess_open_response();
        self.session.state = State::Idle;
        self.timers.clear(&Timer::Recycle);
        self.out(Output::Media(MediaCommand::Uplink { open: false }));
        self.out(Output::Media(MediaCommand::FinishAll));
        self.forget_responses(now);
    }

    /// When to dial again, the same model or the next; none when there is nothing
    /// left to try.
    fn next_dial(&mut self, retry: bool) -> Option<Micros> {
        let redials = self.session.redials;
        if let Some(delay) = redial_delay(redials).filter(|_| retry) {
            self.session.redials += 1;
            return Some(delay);
        }
        if self.session.provider + 1 >= self.settings.providers {
            return None;
        }
        self.session.provider += 1;
        self.session.redials = 0;
        self.event("next_model", json!({ "provider": self.session.provider }));
        Some(Micros::ZERO)
    }

    fn redial(&mut self, delay: Micros, now: Micros) {
        self.session.attempt += 1;
        if !self.timers.is_set(&Timer::Watchdog) {
            let limit = Micros::from_millis(self.settings.tenant.limits.watchdog_ms);
            self.timers.set(Timer::Watchdog, now + limit);
        }
        self.dial_model(delay);
    }

    /// The watchdog is due and the session is not there. In a call that had one
    /// the tenant's next model gets its chance. Answers whether there is one.
    pub(super) fn try_next_model(&mut self, now: Micros) -> bool {
        let dialling = !self.session.is_ready() && self.session.was_ready;
        if !dialling {
            return false;
        }
        let Some(delay) = self.next_dial(false) else {
            return false;
        };
        self.out(Output::StopModel);
        self.out(Output::Metric(Metric::Redial));
        self.redial(delay, now);
        true
    }

    /// The caller waits and the model is away: a kept sentence says so, once.
    fn bridge_over(&mut self, now: Micros) {
        let greeted = self.tally.first_audio.is_some();
        if !greeted || self.session.bridged_over || self.machine.is_some() {
            return;
        }
        let kept = [Sentence::Bridging, Sentence::Filler];
        self.session.bridged_over = kept.into_iter().any(|s| self.play_kept(s, now));
    }

    /// A response that was asked for has been silent for a while: the caller hears
    /// that somebody is there, before anything is done about it.
    pub(super) fn dead_air(&mut self, now: Micros) {
        let audible = self.clock.is_playing(now) || self.speech.is_waiting();
        let over = matches!(self.phase, Phase::Goodbye(_));
        if !over && !audible && !self.floor.caller_speaking && self.sequencer.is_live() {
            self.event("dead_air", json!({}));
            self.bridge_over(now);
        }
    }

    /// The response that was asked for has been silent for too long.
    pub(super) fn response_mute(&mut self, now: Micros) {
        const MUTE: &str = "Model mute: no audio for a response";
        let broke_off = self.sequencer.current().is_some_and(|r| self.speech.response_spoke(r));
        if matches!(self.phase, Phase::Goodbye(_)) {
            self.give_up_goodbye(now);
        } else if broke_off {
            self.out(Output::StopModel);
            self.model_lost("the model broke off in mid-sentence", true, now);
        } else if self.session.has_spoken() {
            // A model that stays mute in a new session is not dialled a third time.
            let retry = !std::mem::replace(&mut self.session.is_mute, true);
            self.out(Output::StopModel);
            self.replace_model(&Loss { why: MUTE, word: "model_mute", retry }, now);
        } else {
            self.bridge("model_mute", MUTE, now);
        }
    }

    /// Audio waits and nothing of it goes out: what waits is given up and the model
    /// is dialled again; should that not help, the line itself is stuck.
    pub(super) fn outbound_stuck(&mut self, now: Micros) {
        if !self.speech.is_waiting() || self.clock.is_playing(now) {
            return;
        }
        const STUCK: &str = "audio waits and none goes out";
        self.event("outbound_stuck", json!({}));
        let again = std::mem::replace(&mut self.session.outbound_stuck, true);
        self.silence(now);
        if again || !self.session.is_begun() {
            self.bridge("outbound_stuck", STUCK, now);
            return;
        }
        self.out(Output::StopModel);
        self.replace_model(&Loss { why: STUCK, word: "outbound_stuck", retry: true }, now);
    }

    /// Nothing that the lost session had begun will be heard of again. What the
    /// caller was waiting for is remembered, and tools that run are run to their
    /// end: what they do is done, whoever is told of it.
    fn forget_responses(&mut self, now: Micros) {
        self.stop_watching_response();
        self.timers.clear(&Timer::CancelStuck);
        if let Some(purpose) = self.sequencer.reset() {
            self.history.owe(purpose);
        }
        self.speech.forget_session();
        if self.floor.caller_speaking {
            // Its end will be reported by no one.
            self.speech_stopped(now);
        }
    }

    /// A new session is up: it is told the conversation so far, and what the
    /// caller was waiting for is done.
    pub(super) fn restore_conversation(&mut self, now: Micros) {
        self.timers.clear(&Timer::Watchdog);
        if matches!(self.phase, Phase::Goodbye(_)) || self.serve_machine(now) {
            return;
        }
        self.tell_conversation();
        let unanswered = self.floor.turn_ended_at.map(|_| Purpose::Answer);
        let ungreeted = self.tally.first_audio.is_none().then_some(Purpose::Greeting);
        let owed = self.history.take_owed().or(unanswered).or(ungreeted);
        // An answer before the results it is about are there would be none.
        let awaits_tools = owed == Some(Purpose::Answer) && self.tooling.is_running();
        if let Some(purpose) = owed.filter(|_| !awaits_tools) {
            self.want(purpose, now);
        }
    }

    /// Tells a new session what was said and done before it was there, and what
    /// is being said right now.
    pub(super) fn tell_conversation(&mut self) {
        for item in self.history.items() {
            self.out(Output::Model(ClientEvent::CreateItem(item)));
        }
        self.tell_what_is_being_said();
    }

    /// The provider says how long it will keep the session.
    pub(super) fn session_expires(&mut self, in_ms: u64, now: Micros) {
        self.session.expires_in = Some((now, Micros::from_millis(in_ms)));
        if self.session.is_ready() {
            self.arm_recycling(now);
        }
    }

    /// The session is up: before the provider ends it, it will be exchanged.
    pub(super) fn arm_recycling(&mut self, now: Micros) {
        let tenant = &self.settings.tenant;
        // No provider ends a pipeline by the clock.
        let limited = tenant.mode != Mode::Pipeline;
        let limit_ms = tenant.model.session_limit_ms;
        let by_setting = (limited && limit_ms > 0).then(|| (now, Micros::from_millis(limit_ms)));
        let at = self.session.expires_in.or(by_setting).map(|(from, length)| {
            let margin = Micros(length.0 / 10).min(RECYCLE_MARGIN);
            (from + length).since(margin)
        });
        self.timers.set_or_clear(Timer::Recycle, at);
    }

    pub(super) fn recycle_due(&mut self) {
        self.session.wants_recycling = true;
    }

    /// Nobody speaks and nobody waits: if the session is near its end, another
    /// takes its place. What the caller says meanwhile is kept and heard by it.
    pub(super) fn recycle_if_due(&mut self, now: Micros) {
        if !self.session.wants_recycling {
            return;
        }
        if self.clock.is_playing(now) {
            self.timers.set(Timer::Recycle, self.clock.ends_at() + MARK_GRACE);
            return;
        }
        self.event("session_recycled", json!({}));
        self.out(Output::StopModel);
        self.let_go(now);
        self.redial(Micros::ZERO, now);
    }
}
