//! The model's session: dialling, losing and restoring it, and the responses
//! that it is asked for.

use serde::Serialize;
use serde_json::json;

use crate::ids::{ItemId, ResponseId};
use crate::time::Micros;
use crate::turn::sequencer::{Announced, Purpose, Step};
use crate::wire::realtime::{ClientEvent, Item, Usage};

use super::{Call, MediaCommand, Metric, Output, Phase, Timer};

/// How often a lost session is dialled again in one call.
pub const MAX_REDIALS: u32 = 3;

/// Waits before each redial. The first is at once: most losses are one
/// connection's, not the service's.
const BACKOFF: [Micros; 3] = [Micros::ZERO, Micros::from_millis(250), Micros::from_millis(1_000)];

/// How long a response may stay silent once the model has spoken in this call.
/// A caller takes a longer pause for a broken line.
pub const RESPONSE_TIMEOUT: Micros = Micros::from_secs(6);

/// How long a cancelled response may take to end.
const CANCEL_PATIENCE: Micros = Micros::from_secs(2);

#[derive(Debug, Default, Serialize)]
enum State {
    /// Not begun.
    #[default]
    Idle,
    Dialling,
    Ready,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Session {
    state: State,
    attempt: u32,
    /// Responses that ended without a word.
    failures: u32,
    was_ready: bool,
    has_spoken: bool,
}

impl Session {
    /// Answers whether this is the first time.
    pub(super) fn ready(&mut self) -> bool {
        self.state = State::Ready;
        !std::mem::replace(&mut self.was_ready, true)
    }

    pub(super) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    pub(super) fn is_begun(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    pub(super) fn attempt(&self) -> u32 {
        self.attempt
    }

    pub(super) fn prove_voice(&mut self) {
        self.has_spoken = true;
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.has_spoken
    }
}

impl Call {
    pub(super) fn dial_model(&mut self, delay: Micros) {
        let attempt = self.session.attempt;
        self.session.state = State::Dialling;
        self.out(Output::StartModel { delay, attempt });
    }

    /// The session is gone. Within the budget it is dialled again while the
    /// caller hears what was already received; past it a human takes over.
    pub(super) fn model_lost(&mut self, reason: &str, retry: bool, now: Micros) {
        if !self.session.is_begun() {
            self.stale("model_lost");
            return;
        }
        let was_ready = self.session.is_ready();
        self.event("model_lost", json!({ "reason": reason, "ready": was_ready }));
        self.session.state = State::Idle;
        self.out(Output::Media(MediaCommand::Uplink { open: false }));
        self.out(Output::Media(MediaCommand::FinishAll));
        self.forget_responses(now);
        if matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        if !retry || self.session.attempt >= MAX_REDIALS {
            self.bridge("model_lost", reason, now);
            return;
        }
        let delay = usize::try_from(self.session.attempt).ok().and_then(|n| BACKOFF.get(n));
        self.session.attempt += 1;
        self.out(Output::Metric(Metric::Redial));
        if !self.timers.is_set(&Timer::Watchdog) {
            let limit = Micros::from_millis(self.settings.tenant.limits.watchdog_ms);
            self.timers.set(Timer::Watchdog, now + limit);
        }
        self.dial_model(delay.copied().unwrap_or(Micros::ZERO));
    }

    /// Nothing that the lost session had begun will be heard of again. What the
    /// caller was waiting for is remembered, and tools that run are run to their
    /// end: what they do is done, whoever is told of it.
    fn forget_responses(&mut self, now: Micros) {
        self.timers.clear(&Timer::ResponseMute);
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
        if matches!(self.phase, Phase::Goodbye(_)) {
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
        for (item, text) in self.speech.tell_in_progress() {
            let item = Item::AssistantText { id: Some(item), text };
            self.out(Output::Model(ClientEvent::CreateItem(item)));
        }
    }

    /// Asks the model to speak, now or when it is free.
    pub(super) fn want(&mut self, purpose: Purpose, now: Micros) {
        if !self.session.is_ready() {
            self.history.owe(purpose);
            return;
        }
        if purpose == Purpose::Answer {
            self.tooling.results_answered();
        }
        let step = self.sequencer.want(purpose);
        self.take_step(step, now);
    }

    fn take_step(&mut self, step: Option<Step>, now: Micros) {
        match step {
            None => {}
            Some(Step::Cancel(response)) => self.cancel_response(response, now),
            Some(Step::Create(purpose)) => {
                let instructions = match purpose {
                    Purpose::Answer => None,
                    Purpose::Greeting => Some(say_exactly(&self.settings.script.greeting)),
                    Purpose::Say(text) => Some(say_exactly(&text)),
                };
                let tool_choice_none = instructions.is_some();
                self.out(Output::Model(ClientEvent::CreateResponse {
                    instructions,
                    tool_choice_none,
                }));
                self.watch_response(now);
            }
        }
    }

    /// The first response of a call is watched by the watchdog; later ones by a
    /// timer of their own.
    fn watch_response(&mut self, now: Micros) {
        if self.timers.is_set(&Timer::Watchdog) {
            return;
        }
        let limit = if self.session.has_spoken {
            RESPONSE_TIMEOUT
        } else {
            Micros::from_millis(self.settings.tenant.limits.watchdog_ms)
        };
        self.timers.set(Timer::ResponseMute, now + limit);
    }

    pub(super) fn response_mute(&mut self, now: Micros) {
        let broke_off = self.sequencer.current().is_some_and(|r| self.speech.response_spoke(r));
        if matches!(self.phase, Phase::Goodbye(_)) {
            self.give_up_goodbye(now);
        } else if broke_off {
            self.out(Output::StopModel);
            self.model_lost("the model broke off in mid-sentence", true, now);
        } else {
            self.bridge("model_mute", "Model mute: no audio for a response", now);
        }
    }

    pub(super) fn response_announced(&mut self, response: ResponseId, now: Micros) {
        let unasked = !self.sequencer.is_live() && !self.sequencer.awaits_cancelled();
        match self.sequencer.announced(&response, now) {
            Announced::Current(_) if unasked && !self.may_begin_unasked() => {
                self.stale("unasked_response");
                self.cancel_current(now);
            }
            Announced::Current(purpose) => {
                if unasked {
                    self.tooling.results_answered();
                }
                self.speech.begin_response(&response);
                self.out(Output::Media(MediaCommand::Admit { response: response.clone() }));
                if purpose == Purpose::Greeting {
                    self.out(Output::Media(MediaCommand::Capture { response: response.clone() }));
                    self.speech.capture(response);
                }
            }
            Announced::CancelNow => self.cancel_response(response, now),
            Announced::Stray => {
                self.stale("stray_response");
                self.out(Output::Media(MediaCommand::Reject { response }));
            }
        }
    }

    /// Whether a response that the model began by itself may be heard.
    fn may_begin_unasked(&self) -> bool {
        !self.floor.caller_speaking && !matches!(self.phase, Phase::Goodbye(_))
    }

    /// Audio of an item has come from the model, whether or not it is its turn to
    /// be heard: the model is not mute.
    pub(super) fn audio_received(&mut self, item: &ItemId, audio_bytes: u64, now: Micros) {
        if audio_bytes > 0 && self.speech.is_of_response(item, self.sequencer.current()) {
            self.session.prove_voice();
            self.timers.clear(&Timer::Watchdog);
            // It must come to an end, or go on, before the caller has heard all there
            // is and waited.
            let heard_at = self.clock.ends_at().max(now);
            self.timers.set(Timer::ResponseMute, heard_at + RESPONSE_TIMEOUT);
        }
    }

    /// Tells the model to stop a response, and the media path not to play it.
    pub(super) fn cancel_response(&mut self, response: ResponseId, now: Micros) {
        self.out(Output::Media(MediaCommand::Reject { response: response.clone() }));
        self.out(Output::Model(ClientEvent::CancelResponse { response_id: Some(response) }));
        self.timers.clear(&Timer::ResponseMute);
        self.timers.set(Timer::CancelStuck, now + CANCEL_PATIENCE);
    }

    /// Cancels whatever the model is saying or about to say.
    pub(super) fn cancel_current(&mut self, now: Micros) {
        self.timers.clear(&Timer::ResponseMute);
        if self.session.is_ready() && self.sequencer.has_more_to_say() {
            // What is not wanted any more cannot be late.
            self.timers.clear(&Timer::Watchdog);
        }
        let step = self.sequencer.cancel(now);
        self.take_step(step, now);
        if self.sequencer.awaits_cancelled() {
            self.timers.set(Timer::CancelStuck, now + CANCEL_PATIENCE);
        }
    }

    pub(super) fn cancel_stuck(&mut self, now: Micros) {
        self.stale("cancel_unanswered");
        let step = self.sequencer.give_up();
        self.take_step(step, now);
    }

    pub(super) fn response_finished(
        &mut self,
        response: &ResponseId,
        completed: bool,
        error: Option<String>,
        usage: Option<Usage>,
        now: Micros,
    ) {
        self.note_usage(response, completed, error.as_deref(), usage);
        let is_current = self.sequencer.current() == Some(response);
        let purpose = self.sequencer.purpose().filter(|_| is_current).cloned();
        let (open, step) = self.sequencer.finished(response);
        if !open {
            self.stale("response_done");
            self.take_step(step, now);
            return;
        }
        self.timers.clear(&Timer::CancelStuck);
        self.timers.clear(&Timer::ResponseMute);
        self.end_capture(response, completed);
        let spoke = self.speech.end_response(response);
        let goes_on = step.is_some() || (completed && self.tooling.was_called_by(response));
        self.take_step(step, now);
        match purpose.filter(|_| !goes_on && !spoke) {
            Some(purpose) => self.response_failed(purpose, error, now),
            None => self.answer_tools(now),
        }
    }

    fn note_usage(
        &mut self,
        response: &ResponseId,
        completed: bool,
        error: Option<&str>,
        usage: Option<Usage>,
    ) {
        let facts = json!({
            "response": response.as_str(),
            "completed": completed,
            "error": error,
            "usage": usage,
        });
        self.event("response_done", facts);
    }

    /// The model broke off by itself before it had said anything: within the
    /// budget for lost sessions it is asked again, then a human takes over. Where
    /// the caller has begun to speak or a tool runs, the end of that asks again.
    fn response_failed(&mut self, purpose: Purpose, error: Option<String>, now: Micros) {
        let asked_later = self.floor.turn_open || self.tooling.is_running();
        if asked_later || matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        if self.session.failures >= MAX_REDIALS {
            let code = error.unwrap_or_else(|| "incomplete".to_owned());
            self.bridge("model_failed", &format!("Response failed: {code}"), now);
            return;
        }
        self.session.failures += 1;
        self.want(purpose, now);
    }

    fn end_capture(&mut self, response: &ResponseId, completed: bool) {
        if self.speech.captured(response) && completed {
            let text = self.settings.script.greeting.clone();
            // A model that said something else must not be heard saying it in every
            // call to come.
            if words(&self.speech.text_of(response)) == words(&text) {
                self.out(Output::LearnPhrase { text });
            } else {
                self.event("greeting_not_learned", json!({}));
            }
        }
    }
}

/// A text without case, punctuation and spacing.
fn words(text: &str) -> Vec<String> {
    let letters = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let words = text.split_whitespace().map(|word| letters(word).to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}

/// Instructions that make the model speak a set sentence.
fn say_exactly(text: &str) -> String {
    format!("Say exactly this, word for word, and nothing else: \"{text}\"")
}
