//! A call's trace, from what the core reports: which spans, whose children, how
//! long, and nothing of what was said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::time::{Duration, SystemTime};

use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{SpanId, Status, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde_json::{Value, json};
use trunkline_actors::clock::CallClock;
use trunkline_actors::trace::{CallTrace, TracedCall};
use trunkline_core::call::{Handshake, Metric, Outcome, Output, Speaker, Summary, TranscriptEntry};
use trunkline_core::ids::{CallSid, ItemId, TenantId};
use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInInput;
use trunkline_core::turn::endpoint::TurnInput;

struct Recorder {
    exporter: InMemorySpanExporter,
    _provider: SdkTracerProvider,
    clock: CallClock,
    trace: CallTrace,
}

impl Recorder {
    fn start() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let tracer = BoxedTracer::new(Box::new(provider.tracer("test")));
        let clock = CallClock::start();
        let trace = CallTrace::start(tracer, call(), clock, ms(100));
        Self { exporter, _provider: provider, clock, trace }
    }

    fn note(&mut self, at_ms: u64, output: Output) {
        self.trace.note(&output, ms(at_ms));
    }

    fn event(&mut self, at_ms: u64, kind: &'static str, data: Value) {
        self.note(at_ms, Output::Event { kind, data });
    }

    fn spans(&self) -> Spans {
        Spans { all: self.exporter.get_finished_spans().unwrap(), clock: self.clock }
    }
}

struct Spans {
    all: Vec<SpanData>,
    clock: CallClock,
}

impl Spans {
    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.all.iter().map(|span| span.name.as_ref()).collect();
        names.sort_unstable();
        names
    }

    /// The first of that name to end.
    fn find(&self, name: &str) -> &SpanData {
        self.all.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// From when to when, in the call's milliseconds.
    fn times(&self, name: &str) -> (u64, u64) {
        let since = |at: SystemTime| {
            let length = at.duration_since(SystemTime::from(self.clock.started_at()));
            u64::try_from(length.unwrap_or(Duration::MAX).as_millis()).unwrap()
        };
        let span = self.find(name);
        (since(span.start_time), since(span.end_time))
    }

    fn attribute(&self, name: &str, key: &str) -> String {
        let attributes = &self.find(name).attributes;
        let found = attributes.iter().find(|a| a.key.as_str() == key).map(|a| a.value.to_string());
        found.unwrap_or_else(|| panic!("{name} has no {key}"))
    }

    fn id(&self, name: &str) -> SpanId {
        self.find(name).span_context.span_id()
    }
}

fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

fn call() -> TracedCall {
    TracedCall {
        call_sid: CallSid::parse("CA00000000000000000000000000000001").unwrap(),
        tenant: TenantId::parse("shop").unwrap(),
        tools: vec!["look_up".to_owned()],
    }
}

fn said(speaker: Speaker, turn: u32, from_ms: u64, to_ms: u64, interrupted: bool) -> Output {
    Output::Transcript(TranscriptEntry {
        speaker,
        turn,
        item: ItemId::parse("item_1").unwrap(),
        generated: Personal::new("my name is Ada".to_owned()),
        heard: Personal::new("my name is Ada".to_owned()),
        interrupted,
        started_at: ms(from_ms),
        ended_at: ms(to_ms),
    })
}

fn ended(outcome: Outcome, bridged: bool, reason: Option<&str>) -> Output {
    Output::Ended(Summary {
        outcome,
        handoff: bridged,
        reason: reason.map(str::to_owned),
        bridged,
        turns: 2,
        barge_ins: 1,
        tool_calls: 1,
        duration: ms(8_900),
        handshake_ms: Some(300),
    })
}

/// A greeting, a turn with a tool, an interruption, a second turn, the end.
fn conversation() -> Recorder {
    let mut r = Recorder::start();
    r.event(100, "call_started", json!({ "greeting_cached": true }));
    r.note(400, Output::Metric(Metric::ModelReady(ms(300))));
    r.note(600, Output::Metric(Metric::FirstAudio(ms(500))));
    r.note(1_900, said(Speaker::Agent, 0, 600, 1_900, false));

    r.note(2_000, Output::Turn(TurnInput::SpeechStarted));
    r.note(2_010, Output::BargeIn(BargeInInput::SpeechStarted));
    r.event(3_000, "turn_ended", json!({ "turn": 1, "utterances": 1 }));
    r.note(3_100, said(Speaker::Caller, 1, 2_000, 3_100, false));
    r.event(3_200, "tool_called", json!({ "tool": "look_up", "call": "c1" }));
    r.event(3_700, "tool_finished", json!({ "tool": "look_up", "call": "c1", "ok": true }));
    r.note(4_000, Output::Metric(Metric::TurnLatency(ms(1_000))));

    r.note(5_000, Output::Turn(TurnInput::SpeechStarted));
    r.note(5_040, said(Speaker::Agent, 1, 4_000, 5_040, true));
    r.event(5_040, "barge_in", json!({ "item": "item_1", "heard_ms": 980 }));
    r.note(5_040, Output::Metric(Metric::BargeInStop(ms(40))));
    r.event(6_000, "turn_ended", json!({ "turn": 2, "utterances": 1 }));
    r.note(6_500, Output::Metric(Metric::TurnLatency(ms(500))));
    r.note(8_500, said(Speaker::Agent, 2, 6_500, 8_500, false));
    r.note(9_000, ended(Outcome::Completed, false, Some("Ada asked for it")));
    r
}

#[test]
fn a_call_its_turns_and_their_stages() {
    let spans = conversation().spans();
    let expected = [
        "answer",
        "answer",
        "answer_latency",
        "answer_latency",
        "barge_in",
        "call",
        "first_audio",
        "greeting",
        "model_handshake",
        "tool",
        "turn",
        "turn",
    ];
    assert_eq!(spans.names(), expected);
    assert_eq!(spans.times("call"), (100, 9_000));
    assert_eq!(spans.times("model_handshake"), (100, 400));
    assert_eq!(spans.times("first_audio"), (100, 600));
    assert_eq!(spans.times("greeting"), (600, 1_900));
    assert_eq!(spans.times("turn"), (2_000, 5_040), "from the first word to the last one heard");
    assert_eq!(spans.times("tool"), (3_200, 3_700));
    assert_eq!(spans.times("answer_latency"), (3_000, 4_000));
    assert_eq!(spans.times("answer"), (4_000, 5_040));
    assert_eq!(spans.times("barge_in"), (5_000, 5_040));

    assert_eq!(spans.attribute("turn", "turn.number"), "1");
    assert_eq!(spans.attribute("tool", "tool.name"), "look_up");
    assert_eq!(spans.attribute("tool", "tool.ok"), "true");
    assert_eq!(spans.attribute("answer", "speech.interrupted"), "true");
    assert_eq!(spans.attribute("barge_in", "barge_in.heard_ms"), "980");
    assert_eq!(spans.attribute("call", "call.outcome"), "completed");
    assert_eq!(spans.attribute("call", "call.mode"), "realtime");
    assert_eq!(spans.attribute("call", "call.greeting_cached"), "true");
    assert_eq!(spans.attribute("call", "tenant.id"), "shop");
    assert_eq!(spans.find("call").status, Status::Unset);
}

#[test]
fn stages_are_children_of_their_turn_and_turns_of_their_call() {
    let spans = conversation().spans();
    assert_eq!(spans.find("call").parent_span_id, SpanId::INVALID);
    for name in ["model_handshake", "first_audio", "greeting", "turn"] {
        assert_eq!(spans.find(name).parent_span_id, spans.id("call"), "{name}");
    }
    for name in ["tool", "answer_latency", "answer", "barge_in"] {
        assert_eq!(spans.find(name).parent_span_id, spans.id("turn"), "{name}");
    }
    let trace = spans.find("call").span_context.trace_id();
    assert!(spans.all.iter().all(|span| span.span_context.trace_id() == trace));
}

#[test]
fn nothing_that_a_person_said_is_in_it() {
    let shown = format!("{:?}", conversation().spans().all);
    assert!(!shown.contains("Ada"), "{shown}");

    let mut r = Recorder::start();
    r.event(500, "tool_called", json!({ "tool": "call_Ada_back", "call": "c1" }));
    r.note(900, ended(Outcome::Transferred, false, Some("Ada wants a human")));
    let spans = r.spans();
    assert!(!format!("{:?}", spans.all).contains("Ada"), "a name of the model's own is not shown");
    assert_eq!(spans.attribute("tool", "tool.name"), "unknown");
    assert_eq!(spans.times("tool"), (500, 900), "it ends with the call");
    assert_eq!(spans.find("tool").status, Status::error("the call ended first"));
}

#[test]
fn a_model_that_was_never_ready_is_an_error() {
    let mut r = Recorder::start();
    r.note(200, Output::Metric(Metric::Redial));
    let error = Some("no key of Ada's".to_owned());
    let handshake = Handshake { elapsed: None, first_audio: None, fell_back: true, error };
    r.note(3_100, Output::Handshake(handshake));
    r.note(3_100, ended(Outcome::Transferred, true, Some("handshake_timeout")));
    let spans = r.spans();
    assert_eq!(spans.names(), ["call", "model_handshake"]);
    assert_eq!(spans.times("model_handshake"), (100, 3_100));
    assert_eq!(spans.find("model_handshake").status, Status::error("the model was not ready"));
    assert_eq!(spans.attribute("call", "call.mode"), "bridge");
    assert_eq!(spans.attribute("call", "call.bridge_reason"), "handshake_timeout");
    let events: Vec<&str> = spans.find("call").events.iter().map(|e| e.name.as_ref()).collect();
    assert_eq!(events, ["model_redial"]);
    assert!(!format!("{:?}", spans.all).contains("Ada"));
}

#[test]
fn the_trace_of_a_call_whose_actor_died_is_ended_too() {
    let mut r = Recorder::start();
    r.event(3_000, "turn_ended", json!({ "turn": 1, "utterances": 1 }));
    let Recorder { exporter, clock, trace, _provider } = r;
    assert_eq!(exporter.get_finished_spans().unwrap().len(), 0);
    drop(trace);
    let spans = Spans { all: exporter.get_finished_spans().unwrap(), clock };
    assert_eq!(spans.names(), ["call", "turn"]);
    assert_eq!(spans.attribute("call", "call.outcome"), "failed");
    assert_eq!(spans.find("call").status, Status::error("the call's actor died"));
}

#[test]
fn where_nobody_listens_nothing_is_traced() {
    let mut trace = CallTrace::start(global::tracer("test"), call(), CallClock::start(), ms(0));
    assert_eq!(format!("{trace:?}"), "CallTrace(None)");
    trace.note(&Output::Metric(Metric::ModelReady(ms(1))), ms(1));
    trace.note(&ended(Outcome::Completed, false, None), ms(2));
}
