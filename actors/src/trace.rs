//! A call's trace: a span for the call, one for each turn, one for each stage.
//!
//! The spans are made from what the call core reports anyway, with the core's own
//! times, so that tracing adds nothing to the paths that audio takes. A span holds
//! names, counts and lengths: never a number, never a word that a person said.

use std::time::SystemTime;

use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use serde_json::Value;
use trunkline_core::call::{Handshake, Metric, Outcome, Output, Speaker, Summary, TranscriptEntry};
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInInput;
use trunkline_core::turn::endpoint::TurnInput;

use crate::clock::CallClock;

/// The instrumentation's name, by which a backend tells these spans from others.
pub const SCOPE: &str = "trunkline";

/// Which call is traced.
#[derive(Clone, Debug)]
pub struct TracedCall {
    /// The call.
    pub call_sid: CallSid,
    /// Whose it is.
    pub tenant: TenantId,
    /// The tools that the model was offered. A name that is none of these is the
    /// model's own text and is not shown.
    pub tools: Vec<String>,
}

/// See the module's text.
#[derive(Debug)]
pub struct CallTrace(Option<Box<Spans>>);

impl CallTrace {
    /// Begins the trace of a call whose core was started at `at`. Where nobody
    /// listens, or the sampler leaves this call out, nothing is traced.
    #[must_use]
    pub fn start(tracer: BoxedTracer, call: TracedCall, clock: CallClock, at: Micros) -> Self {
        let builder = SpanBuilder::from_name("call")
            .with_kind(SpanKind::Server)
            .with_start_time(SystemTime::from(clock.wall(at)));
        let mut root = tracer.build_with_context(builder, &Context::new());
        if !root.is_recording() {
            return Self(None);
        }
        root.set_attribute(KeyValue::new("call.id", call.call_sid.as_str().to_owned()));
        root.set_attribute(KeyValue::new("tenant.id", call.tenant.as_str().to_owned()));
        let context = context_of(&root);
        Self(Some(Box::new(Spans {
            tracer,
            clock,
            started_at: at,
            known_tools: call.tools,
            call: root,
            context,
            turn: None,
            speech_started_at: None,
            tools: Vec::new(),
            handshake_seen: false,
            greeted: false,
            heard_ms: None,
        })))
    }

    /// Takes note of what the core reported at `now`.
    pub fn note(&mut self, output: &Output, now: Micros) {
        let Some(spans) = &mut self.0 else { return };
        if let Output::Ended(summary) = output {
            spans.end(summary, now);
            self.0 = None;
        } else {
            spans.note(output, now);
        }
    }
}

impl Drop for CallTrace {
    /// A trace that is dropped before the call's end is that of an actor that died.
    fn drop(&mut self) {
        if let Some(spans) = &mut self.0 {
            spans.fail();
        }
    }
}

#[derive(Debug)]
struct Turn {
    number: u64,
    span: BoxedSpan,
    context: Context,
    /// The end of the last thing that is known to have happened in it.
    last: Micros,
}

#[derive(Debug)]
struct Spans {
    tracer: BoxedTracer,
    clock: CallClock,
    started_at: Micros,
    known_tools: Vec<String>,
    call: BoxedSpan,
    context: Context,
    turn: Option<Turn>,
    /// When the caller began to say what will be the next turn.
    speech_started_at: Option<Micros>,
    /// The tools that run, by the model's name of the call.
    tools: Vec<(String, BoxedSpan)>,
    handshake_seen: bool,
    greeted: bool,
    /// How much was heard of what the interruption being reported cut off.
    heard_ms: Option<i64>,
}

impl Spans {
    fn note(&mut self, output: &Output, now: Micros) {
        match output {
            Output::Event { kind, data } => self.event(kind, data, now),
            Output::Metric(metric) => self.metric(*metric, now),
            Output::Transcript(entry) => self.spoke(entry),
            Output::Handshake(handshake) => self.handshake(handshake, now),
            Output::Turn(TurnInput::SpeechStarted)
            | Output::BargeIn(BargeInInput::SpeechStarted) => {
                self.speech_started_at.get_or_insert(now);
            }
            Output::Turn(
                TurnInput::SpeechStopped { .. }
                | TurnInput::Partial { .. }
                | TurnInput::Interim { .. }
                | TurnInput::Words { .. },
            )
            | Output::BargeIn(_)
            | Output::Media(_)
            | Output::Model(_)
            | Output::Speculate
            | Output::StartModel { .. }
            | Output::StopModel
            | Output::StartBargeIn(_)
            | Output::StartTurnManager(_)
            | Output::StartToolRunner
            | Output::RunTool { .. }
            | Output::CloseStream
            | Output::Disposition(_)
            | Output::Phase(_)
            | Output::LearnPhrase { .. }
            | Output::Money(_)
            | Output::Ended(_) => {}
        }
    }

    fn metric(&mut self, metric: Metric, now: Micros) {
        match metric {
            Metric::ModelReady(took) => {
                self.handshake_seen = true;
                self.opening("model_handshake", took);
            }
            Metric::FirstAudio(took) => self.opening("first_audio", took),
            Metric::TurnLatency(took) => self.stage("answer_latency", now.since(took), now, None),
            Metric::BargeInStop(took) => {
                let heard = self.heard_ms.take().map(|ms| KeyValue::new("barge_in.heard_ms", ms));
                self.stage("barge_in", now.since(took), now, heard);
            }
            Metric::Redial => {
                let at = self.wall(now);
                self.call.add_event_with_timestamp("model_redial", at, Vec::new());
            }
            // Told with more about them as events, or of no length.
            Metric::ToolTime(_)
            | Metric::TurnStage { .. }
            | Metric::Stale(_)
            | Metric::BargeInResumed(_)
            | Metric::BargeInFalse => {}
        }
    }

    fn event(&mut self, kind: &str, data: &Value, now: Micros) {
        let flag = |name: &str| data.get(name).and_then(Value::as_bool).unwrap_or_default();
        let word = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        match kind {
            "call_started" => {
                let cached = KeyValue::new("call.greeting_cached", flag("greeting_cached"));
                self.call.set_attribute(cached);
            }
            "turn_ended" => self.turn_ended(data, now),
            "barge_in_stop" => self.heard_ms = None,
            "barge_in" => self.heard_ms = data.get("heard_ms").and_then(Value::as_i64),
            "tool_called" => self.tool_called(word("tool"), word("call"), now),
            "tool_finished" => self.tool_finished(word("call"), flag("ok"), now),
            // The audit log knows more kinds; none of them takes time.
            _ => {}
        }
    }

    /// A turn lasts from the caller's first word until the agent has answered it,
    /// which is known only when the next one, or the call, is over.
    fn turn_ended(&mut self, data: &Value, now: Micros) {
        self.close_turn();
        let count = |name: &str| data.get(name).and_then(Value::as_u64).unwrap_or_default();
        let number = count("turn");
        let from = self.speech_started_at.take().unwrap_or(now);
        let mut span = self.of_call("turn", from);
        span.set_attribute(KeyValue::new("turn.number", integer(number)));
        span.set_attribute(KeyValue::new("turn.utterances", integer(count("utterances"))));
        let context = context_of(&span);
        self.turn = Some(Turn { number, span, context, last: now });
    }

    fn close_turn(&mut self) {
        if let Some(mut turn) = self.turn.take() {
            turn.span.end_with_timestamp(self.wall(turn.last));
        }
    }

    fn tool_called(&mut self, name: &str, call: &str, now: Micros) {
        let name = self.known_tools.iter().find(|known| *known == name);
        let name = name.map_or("unknown", String::as_str).to_owned();
        let mut span = self.of_turn("tool", now);
        span.set_attribute(KeyValue::new("tool.name", name));
        self.tools.push((call.to_owned(), span));
    }

    fn tool_finished(&mut self, call: &str, ok: bool, now: Micros) {
        let Some(index) = self.tools.iter().position(|(running, _)| running == call) else {
            return;
        };
        let (_, mut span) = self.tools.remove(index);
        span.set_attribute(KeyValue::new("tool.ok", ok));
        if !ok {
            span.set_status(Status::error("the tool failed"));
        }
        span.end_with_timestamp(self.wall(now));
        self.reached(now);
    }

    /// The agent's finished hold of the floor. Of its words, nothing is kept.
    fn spoke(&mut self, entry: &TranscriptEntry) {
        if entry.speaker == Speaker::Caller {
            return;
        }
        let (from, to) = (entry.started_at, entry.ended_at);
        let answers = self.turn.as_ref().is_some_and(|turn| turn.number == u64::from(entry.turn));
        let mut span = if answers {
            self.reached(to);
            self.of_turn("answer", from)
        } else if std::mem::replace(&mut self.greeted, true) || entry.turn > 0 {
            self.of_call("answer", from)
        } else {
            self.of_call("greeting", from)
        };
        span.set_attribute(KeyValue::new("speech.interrupted", entry.interrupted));
        span.end_with_timestamp(self.wall(to));
    }

    /// A handshake that came to nothing; one that went well is told as a metric.
    fn handshake(&mut self, handshake: &Handshake, now: Micros) {
        let failed = handshake.fell_back && handshake.elapsed.is_none();
        if failed && !std::mem::replace(&mut self.handshake_seen, true) {
            let mut span = self.of_call("model_handshake", self.started_at);
            span.set_status(Status::error("the model was not ready"));
            span.end_with_timestamp(self.wall(now));
        }
    }

    fn end(&mut self, summary: &Summary, now: Micros) {
        let failed = summary.bridged || summary.outcome == Outcome::Failed;
        let mode = if summary.bridged { "bridge" } else { "realtime" };
        let counts = [
            ("call.turns", summary.turns),
            ("call.barge_ins", summary.barge_ins),
            ("call.tool_calls", summary.tool_calls),
        ];
        for (name, count) in counts {
            self.call.set_attribute(KeyValue::new(name, i64::from(count)));
        }
        // Only the reasons for a bridge are words of our own: others may be told
        // by whoever transferred the call.
        if let Some(reason) = summary.reason.clone().filter(|_| summary.bridged) {
            self.call.set_attribute(KeyValue::new("call.bridge_reason", reason));
        }
        self.finish(
            mode,
            summary.outcome,
            failed.then_some("the agent could not serve the call"),
            now,
        );
    }

    fn fail(&mut self) {
        let now = self.clock.now();
        self.finish("bridge", Outcome::Failed, Some("the call's actor died"), now);
    }

    fn finish(
        &mut self,
        mode: &'static str,
        outcome: Outcome,
        error: Option<&'static str>,
        now: Micros,
    ) {
        let at = self.wall(now);
        for (_, mut span) in self.tools.drain(..) {
            span.set_status(Status::error("the call ended first"));
            span.end_with_timestamp(at);
        }
        self.close_turn();
        let span = &mut self.call;
        span.set_attribute(KeyValue::new("call.mode", mode));
        span.set_attribute(KeyValue::new("call.outcome", outcome.as_str()));
        if let Some(error) = error {
            span.set_status(Status::error(error));
        }
        span.end_with_timestamp(at);
    }

    /// A stage that begins with the call.
    fn opening(&self, name: &'static str, took: Micros) {
        let mut span = self.of_call(name, self.started_at);
        span.end_with_timestamp(self.wall(self.started_at + took));
    }

    /// A span of the open turn, or of the call where none is, with its end.
    fn stage(&mut self, name: &'static str, from: Micros, to: Micros, attribute: Option<KeyValue>) {
        let mut span = self.of_turn(name, from);
        span.set_attributes(attribute);
        span.end_with_timestamp(self.wall(to));
        self.reached(to);
    }

    fn of_turn(&self, name: &'static str, from: Micros) -> BoxedSpan {
        let parent = self.turn.as_ref().map_or(&self.context, |turn| &turn.context);
        self.begin(name, parent, from)
    }

    fn of_call(&self, name: &'static str, from: Micros) -> BoxedSpan {
        self.begin(name, &self.context, from)
    }

    fn begin(&self, name: &'static str, parent: &Context, from: Micros) -> BoxedSpan {
        let builder = SpanBuilder::from_name(name).with_start_time(self.wall(from));
        self.tracer.build_with_context(builder, parent)
    }

    /// The open turn is not over before this.
    fn reached(&mut self, at: Micros) {
        if let Some(turn) = &mut self.turn {
            turn.last = turn.last.max(at);
        }
    }

    fn wall(&self, at: Micros) -> SystemTime {
        self.clock.wall(at).into()
    }
}

/// What makes a span the parent of others, on whatever thread they are made.
fn context_of(span: &BoxedSpan) -> Context {
    Context::new().with_remote_span_context(span.span_context().clone())
}

fn integer(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
