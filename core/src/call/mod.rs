//! The call core: one pure state machine per call that sees everything that
//! happens to the call, in one order, and decides everything.
//!
//! The contract is: one mutation ([`Call::handle`] or [`Call::handle_timeout`]),
//! then drain [`Call::poll_output`] until it is empty, then wait until
//! [`Call::poll_timeout`] or the next input. `LIFECYCLE.md` beside this file
//! draws the phases and says which invariants hold between mutations.

mod answered;
mod aside;
mod barge_in;
mod children;
mod costs;
mod digits;
mod ending;
mod explain;
mod floor;
mod history;
mod input;
mod latency;
mod line;
mod opening;
mod output;
mod recovery;
mod sentences;
mod session;
mod settings;
mod speculation;
mod speech;
mod timers;
mod tooling;
mod words;

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::json;

use crate::time::Micros;
use crate::turn::playback::PlaybackClock;
use crate::turn::sequencer::Sequencer;
use crate::turn::silence::Silence;
use crate::turn::waterfall::Waterfall;

pub use children::{RESTART_PERIOD, RESTARTS};
pub use ending::EndCause;
pub use explain::{Due, Explanation, HeardItem};
pub use input::{AnsweredBy, Child, Command, Exit, Input, ModelEvent, ToolEffect, ToolOutcome};
pub use latency::TURN_LATENCY;
pub use output::{
    Disposition, Handshake, MediaCommand, Metric, Money, Outcome, Output, PhaseName, Speaker,
    Summary, TranscriptEntry,
};
pub use recovery::MAX_REDIALS;
pub use session::RESPONSE_TIMEOUT;
pub(crate) use session::set_sentence;
pub use settings::{CallSettings, Script, Sentence};
pub use timers::Timer;
pub(crate) use words::cut as words_heard;

use answered::Machine;
use barge_in::BargeIn;
use children::Children;
use costs::Costs;
use digits::{Collecting, TypedAhead};
use ending::{Goodbye, TransferBy};
use history::History;
use session::Session;
use speech::Speech;
use timers::Timers;
use tooling::Tooling;

/// The complaint that stands for an utterance whose words could not be made out.
pub const TRANSCRIPTION_FAILED: &str = "transcription_failed";

/// Where the call is, with what only that phase needs.
#[derive(Debug, Serialize)]
enum Phase {
    Answering,
    Greeting,
    Conversation,
    Goodbye(Goodbye),
    Ended,
}

/// Counts for the call's summary.
#[derive(Debug, Default, Serialize)]
struct Tally {
    turns: u32,
    barge_ins: u32,
    tool_calls: u32,
    /// Kept sentences that were played.
    sentences: u32,
    handshake: Option<Micros>,
    first_audio: Option<Micros>,
}

/// Who is speaking, as far as the model's voice detection tells.
#[derive(Debug, Default, Serialize)]
struct Floor {
    caller_speaking: bool,
    speech_started_at: Micros,
    /// The caller has said something that has not been handed over as a turn.
    turn_open: bool,
    /// When the turn that nobody has answered yet was handed over.
    turn_ended_at: Option<Micros>,
    generation: u64,
    /// Runs of speech whose words have not come yet, oldest first.
    unworded: VecDeque<Utterance>,
}

/// One run of the caller's speech.
#[derive(Clone, Copy, Debug, Serialize)]
struct Utterance {
    turn: u32,
    started_at: Micros,
    ended_at: Option<Micros>,
    /// It began while the agent was audible, and is to say whether it wants the floor.
    over_agent: bool,
    /// It cut the agent short.
    took_floor: bool,
}

/// See the module's text.
#[derive(Debug, Serialize)]
pub struct Call {
    #[serde(skip)]
    settings: CallSettings,
    phase: Phase,
    session: Session,
    sequencer: Sequencer,
    clock: PlaybackClock,
    floor: Floor,
    barge_in: BargeIn,
    speech: Speech,
    tooling: Tooling,
    silence_watch: Silence,
    waterfall: Waterfall,
    /// Keys that a tool wants.
    collecting: Option<Collecting>,
    typed_ahead: TypedAhead,
    /// The answering machine that took the call, if one did.
    machine: Option<Machine>,
    children: Children,
    history: History,
    tally: Tally,
    costs: Costs,
    timers: Timers,
    #[serde(skip)]
    outputs: VecDeque<Output>,
    started: bool,
    started_at: Micros,
}

impl Call {
    /// A call whose stream came up at `now`. Nothing happens before
    /// [`Input::Started`].
    #[must_use]
    pub fn new(settings: CallSettings, now: Micros) -> Self {
        let silence_watch = Silence::new(settings.tenant.silence);
        let costs = Costs::new(settings.costing.as_ref());
        Self {
            settings,
            phase: Phase::Answering,
            session: Session::default(),
            sequencer: Sequencer::default(),
            clock: PlaybackClock::default(),
            floor: Floor::default(),
            barge_in: BargeIn::default(),
            speech: Speech::default(),
            tooling: Tooling::default(),
            silence_watch,
            waterfall: Waterfall::default(),
            collecting: None,
            typed_ahead: TypedAhead::default(),
            machine: None,
            children: Children::default(),
            history: History::default(),
            tally: Tally::default(),
            costs,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            started: false,
            started_at: now,
        }
    }

    /// Takes in what happened at `now`. What comes after the call's end, or before
    /// its start, is stale and counted.
    pub fn handle(&mut self, input: Input, now: Micros) {
        if matches!(self.phase, Phase::Ended) {
            self.stale("after_end");
            return;
        }
        if !self.started && !may_come_before_start(&input) {
            self.stale("before_start");
            return;
        }
        match input {
            Input::Started if self.started => self.stale("started_twice"),
            Input::Started => self.start(now),
            Input::StreamStopped => self.caller_gone(now),
            Input::StreamLost { reason } => self.stream_lost(&reason, now),
            Input::Digit(digit) => self.digit(digit, now),
            Input::AnsweredBy(who) => self.answered_by(who, now),
            Input::Media(notice) => self.media_notice(notice, now),
            Input::Model(event) => self.model_event(event, now),
            Input::BargeIn(verdict) => self.barge_in_verdict(&verdict, now),
            Input::TurnEnded { utterances } => self.turn_ended(utterances, now),
            Input::TurnLikelyOver => self.turn_likely_over(now),
            Input::ToolFinished { call_id, outcome } => self.tool_finished(&call_id, &outcome, now),
            Input::ChildExited { child, exit } => self.child_exited(child, exit, now),
            Input::Command(command) => self.command(command, now),
            Input::Used(used) => self.used(&used),
            Input::OthersSpent(nanos) => self.others_spent(nanos),
        }
        self.settle(now);
    }

    /// Time has passed: does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Micros) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Watchdog => self.watchdog_due(now),
                Timer::ResponseMute => self.response_mute(now),
                Timer::CancelStuck => self.cancel_stuck(now),
                Timer::MaxDuration => self.begin_goodbye(EndCause::MaxDuration, now),
                Timer::Farewell => self.farewell_due(now),
                Timer::Settle => {}
                Timer::Held => self.hold_due(now),
                Timer::Words => self.words_due(now),
                Timer::SentenceEnd => self.sentence_end_due(now),
                Timer::Silence => self.silence_due(now),
                Timer::DeadAir => self.dead_air(now),
                Timer::AskAgain => self.ask_again(now),
                Timer::OutboundStuck => self.outbound_stuck(now),
                Timer::Recycle => self.recycle_due(),
                Timer::Digits => self.digits_due(now),
                Timer::Machine => self.leave_message(now),
                Timer::SlowTool(call_id) => self.tool_slow(&call_id, now),
                Timer::ToolTimeout(call_id) => self.tool_timed_out(&call_id, now),
            }
        }
        self.settle(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle_timeout`], and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Micros, &Timer)> {
        self.timers.next()
    }

    /// Where the call is.
    #[must_use]
    pub fn phase(&self) -> PhaseName {
        match &self.phase {
            Phase::Answering => PhaseName::Answering,
            Phase::Greeting => PhaseName::Greeting,
            Phase::Conversation => PhaseName::Conversation,
            Phase::Goodbye(_) => PhaseName::Goodbye,
            Phase::Ended => PhaseName::Ended,
        }
    }

    fn model_event(&mut self, event: ModelEvent, now: Micros) {
        if !self.session.is_ready() && !is_about_session(&event) {
            self.stale("model_not_ready");
            return;
        }
        match event {
            ModelEvent::Ready => self.model_ready(now),
            ModelEvent::SpeechStarted => self.speech_started(now),
            ModelEvent::SpeechStopped => self.speech_stopped(now),
            ModelEvent::SpeechEnded { at } => self.waterfall.speech_ended_earlier(at),
            ModelEvent::Reached { response, stage, at } => {
                self.waterfall.reached(&response, stage, at);
            }
            ModelEvent::Expires { in_ms } => self.session_expires(in_ms, now),
            ModelEvent::CallerPartial { text, .. } => self.caller_partial(text, now),
            ModelEvent::CallerInterim { text } => self.caller_interim(text),
            ModelEvent::CallerTranscript { item, text } => self.caller_said(item, text, now),
            ModelEvent::ResponseAnnounced { response } => self.response_announced(response, now),
            ModelEvent::ItemAnnounced { response, item } => self.item_announced(&response, item),
            ModelEvent::AgentText { item, text, audio_bytes } => {
                self.speech.text(&item, text.expose(), audio_bytes);
                self.costs.response_grew(text.expose(), audio_bytes);
                self.audio_received(&item, audio_bytes, now);
            }
            ModelEvent::ItemFinished { item, audio_bytes } => {
                self.speech.received(&item, audio_bytes);
                self.costs.response_grew("", audio_bytes);
                self.audio_received(&item, audio_bytes, now);
            }
            ModelEvent::FunctionCall { response, call_id, name, arguments } => {
                self.function_call(&response, call_id, name, arguments, now);
            }
            ModelEvent::ResponseFinished { response, completed, error, usage } => {
                self.response_finished(&response, completed, error, usage, now);
            }
            ModelEvent::Busy => {
                // What is heard may not be what was asked for: it must not be kept.
                self.speech.stop_capture();
                self.sequencer.refused_as_busy();
            }
            ModelEvent::Complaint { code } => {
                if code == TRANSCRIPTION_FAILED {
                    self.floor.unworded.pop_front();
                }
                self.event("model_error", json!({ "code": code }));
            }
            ModelEvent::Lost { reason, retry } => self.model_lost(&reason, retry, now),
        }
    }

    fn command(&mut self, command: Command, now: Micros) {
        match command {
            Command::Hangup => self.begin_goodbye(EndCause::Command, now),
            Command::Transfer { reason } => self.transfer(TransferBy::Operator(reason), now),
            Command::HandOver => self.transfer(TransferBy::Drain, now),
            Command::Expire => self.expire(now),
        }
    }

    fn set_phase(&mut self, phase: Phase) {
        let before = self.phase();
        self.phase = phase;
        let after = self.phase();
        if before != after {
            self.out(Output::Phase(after));
        }
    }

    fn out(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn event(&mut self, kind: &'static str, data: serde_json::Value) {
        self.out(Output::Event { kind, data });
    }

    fn stale(&mut self, what: &'static str) {
        self.out(Output::Metric(Metric::Stale(what)));
    }

    /// After every mutation: ends a goodbye that has been said, and checks what
    /// must hold whatever happened.
    fn settle(&mut self, now: Micros) {
        self.settle_costs(now);
        self.settle_goodbye(now);
        self.watch_line(now);
        self.settle_latency(now);
        self.check_invariants();
    }

    fn check_invariants(&self) {
        match &self.phase {
            Phase::Ended => {
                debug_assert!(self.timers.is_empty(), "an ended call waits for nothing");
            }
            Phase::Goodbye(_) => {
                debug_assert!(self.timers.is_set(&Timer::Farewell), "a goodbye has an end");
            }
            Phase::Answering | Phase::Greeting | Phase::Conversation => {
                debug_assert!(
                    self.session.is_ready()
                        || self.timers.is_set(&Timer::Watchdog)
                        || !self.session.is_begun(),
                    "a caller without a model is being watched over"
                );
            }
        }
        self.check_barge_in();
        debug_assert!(
            self.collecting.is_none() || self.timers.is_set(&Timer::Digits),
            "an entry that waits for keys has an end"
        );
        debug_assert!(
            self.machine != Some(Machine::Talking)
                || self.timers.is_set(&Timer::Machine)
                || matches!(self.phase, Phase::Goodbye(_) | Phase::Ended),
            "a machine does not talk for ever"
        );
        debug_assert!(
            self.sequencer.is_idle() || self.session.is_ready(),
            "no response is wanted of a model that is not there"
        );
    }
}

/// The stream, and somebody at the controls, may end a call that has not begun.
fn may_come_before_start(input: &Input) -> bool {
    matches!(
        input,
        Input::Started | Input::StreamStopped | Input::StreamLost { .. } | Input::Command(_)
    )
}

/// Events that say how the session is, rather than what happens in it.
fn is_about_session(event: &ModelEvent) -> bool {
    matches!(
        event,
        ModelEvent::Ready
            | ModelEvent::Expires { .. }
            | ModelEvent::Lost { .. }
            | ModelEvent::Complaint { .. }
    )
}
