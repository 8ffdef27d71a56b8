//! The model's session, and the responses that it is asked for.

use serde::Serialize;
use serde_json::json;

use crate::ids::{ItemId, ResponseId};
use crate::time::Micros;
use crate::turn::sequencer::{Announced, Purpose, Step};
use crate::wire::realtime::{ClientEvent, Usage};

use super::recovery::redial_delay;
use super::{Call, MediaCommand, Output, Phase, Timer};

/// How long a response may stay silent once the model has spoken in this call.
/// A caller takes a longer pause for a broken line.
pub const RESPONSE_TIMEOUT: Micros = Micros::from_secs(6);

/// How long a cancelled response may take to end.
const CANCEL_PATIENCE: Micros = Micros::from_secs(2);

#[derive(Debug, Default, Serialize)]
pub(super) enum State {
    /// Not begun.
    #[default]
    Idle,
    Dialling,
    Ready,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Session {
    pub(super) state: State,
    /// Which of the tenant's models.
    pub(super) provider: usize,
    /// Dials after the first.
    pub(super) attempt: u32,
    /// Those of them that were needed with the present model.
    pub(super) redials: u32,
    /// Responses that ended without a word, since the model was heard last.
    failures: u32,
    /// What such a response was for, until it is asked for again.
    again: Option<Purpose>,
    pub(super) was_ready: bool,
    has_spoken: bool,
    /// A response was asked for and never heard; nothing was heard since.
    pub(super) is_mute: bool,
    /// Audio once waited and did not go out.
    pub(super) outbound_stuck: bool,
    /// The caller was told that the model is away, and has not heard it since.
    pub(super) bridged_over: bool,
    /// How long the provider keeps the session, and since when.
    pub(super) expires_in: Option<(Micros, Micros)>,
    /// It is so near its end that the next quiet moment is taken.
    pub(super) wants_recycling: bool,
    /// What the response whose audio is being kept was to say.
    pub(super) learning: Option<String>,
}

impl Session {
    /// Answers whether this is the first time.
    pub(super) fn ready(&mut self) -> bool {
        self.state = State::Ready;
        self.wants_recycling = false;
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

    /// The present session was heard.
    fn is_heard(&mut self) {
        self.prove_voice();
        self.is_mute = false;
        self.bridged_over = false;
        self.failures = 0;
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.has_spoken
    }
}

impl Call {
    /// Asks the model to speak, now or when it is free.
    pub(super) fn want(&mut self, purpose: Purpose, now: Micros) {
        if purpose == Purpose::Answer {
            // Whatever failed before, this is what is wanted now.
            self.session.again = None;
            self.timers.clear(&Timer::AskAgain);
        }
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
                    Purpose::WrapUp => Some(wrap_up(&self.settings.script.wrap_up)),
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
        let short = Micros::from_millis(self.settings.tenant.limits.watchdog_ms);
        if self.session.has_spoken && !self.session.is_mute {
            self.timers.set(Timer::DeadAir, now + short.min(RESPONSE_TIMEOUT));
            self.timers.set(Timer::ResponseMute, now + RESPONSE_TIMEOUT);
        } else {
            self.timers.set(Timer::ResponseMute, now + short);
        }
    }

    pub(super) fn response_announced(&mut self, response: ResponseId, now: Micros) {
        self.costs.response_opened();
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
                self.note_announced(&response, &purpose, unasked, now);
                self.out(Output::Media(MediaCommand::Admit { response: response.clone() }));
                if purpose == Purpose::Greeting {
                    self.barge_in.greets(response.clone());
                }
                self.capture_if_wanted(&response, &purpose);
            }
            Announced::Again => self.stale("response_announced"),
            Announced::CancelNow => self.cancel_response(response, now),
            Announced::Stray => {
                self.stale("stray_response");
                self.out(Output::Media(MediaCommand::Reject { response }));
            }
        }
    }

    /// Whether a response that the model began by itself may be heard.
    fn may_begin_unasked(&self) -> bool {
        let somebody = !self.floor.caller_speaking && self.machine.is_none();
        somebody && !matches!(self.phase, Phase::Goodbye(_))
    }

    pub(super) fn stop_watching_response(&mut self) {
        self.timers.clear(&Timer::ResponseMute);
        self.timers.clear(&Timer::DeadAir);
    }

    /// Audio of an item has come from the model, whether or not it is its turn to
    /// be heard: the model is not mute.
    pub(super) fn audio_received(&mut self, item: &ItemId, audio_bytes: u64, now: Micros) {
        if audio_bytes > 0 && self.speech.is_of_response(item, self.sequencer.current()) {
            self.session.is_heard();
            self.timers.clear(&Timer::Watchdog);
            self.timers.clear(&Timer::DeadAir);
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
        self.stop_watching_response();
        self.timers.set(Timer::CancelStuck, now + CANCEL_PATIENCE);
    }

    /// Cancels whatever the model is saying or about to say.
    pub(super) fn cancel_current(&mut self, now: Micros) {
        self.stop_watching_response();
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
        self.model_used(usage);
        let is_current = self.sequencer.current() == Some(response);
        let purpose = self.sequencer.purpose().filter(|_| is_current).cloned();
        let (open, step) = self.sequencer.finished(response);
        if !open {
            self.stale("response_done");
            self.take_step(step, now);
            return;
        }
        self.timers.clear(&Timer::CancelStuck);
        self.stop_watching_response();
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

    /// The model broke off by itself before it had said anything. It is asked again
    /// as often as a lost session is dialled again, after the same waits; when it was
    /// not heard once in between, a human takes over. Where the caller has begun to
    /// speak or a tool runs, the end of that asks again.
    fn response_failed(&mut self, purpose: Purpose, error: Option<String>, now: Micros) {
        if self.will_be_asked() || matches!(self.phase, Phase::Goodbye(_)) {
            return;
        }
        let Some(delay) = redial_delay(self.session.failures) else {
            let code = error.unwrap_or_else(|| "incomplete".to_owned());
            self.bridge("model_failed", &format!("Response failed: {code}"), now);
            return;
        };
        self.session.failures += 1;
        if delay == Micros::ZERO {
            self.want(purpose, now);
        } else {
            self.session.again = Some(purpose);
            self.timers.set(Timer::AskAgain, now + delay);
        }
    }

    /// It is time to ask again for what failed, unless something else will.
    pub(super) fn ask_again(&mut self, now: Micros) {
        let purpose = self.session.again.take().filter(|_| !self.will_be_asked());
        if let Some(purpose) = purpose
            && !matches!(self.phase, Phase::Goodbye(_) | Phase::Ended)
        {
            self.want(purpose, now);
        }
    }

    /// Whether the end of what goes on will ask the model to speak.
    fn will_be_asked(&self) -> bool {
        self.floor.turn_open || self.tooling.is_running()
    }
}

/// What stands before a set sentence in the instructions to speak it.
const SAY_EXACTLY: &str = "Say exactly this, word for word, and nothing else: \"";

/// Instructions that make the model speak a set sentence.
fn say_exactly(text: &str) -> String {
    format!("{SAY_EXACTLY}{text}\"")
}

/// The sentence that instructions of ours set, for who can speak it without
/// asking a model.
pub(crate) fn set_sentence(instructions: &str) -> Option<&str> {
    instructions.strip_prefix(SAY_EXACTLY)?.strip_suffix('"')
}

/// Instructions that bring a conversation to its end. Only the first sentence is
/// set: what was agreed on, the model knows best.
fn wrap_up(text: &str) -> String {
    format!(
        "The call has to end now. Say exactly this first: \"{text}\" Then sum up in one or two \
         short sentences what was agreed and what happens next, without inventing anything, and \
         say goodbye."
    )
}
