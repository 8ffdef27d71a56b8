//! Traces, where there is a collector: one per call, whole when the process has
//! ended, with nothing personal in it. What the collector does is no call's affair.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::support::{HUMAN, World};

const CALLER: &str = "wait greeting
    say Hello, what are your opening hours on Saturday?
    wait reply
    say Sorry, that is all I needed, thank you. Goodbye!
    expect hangup within 20s";

/// A collector that takes every post, and what it took.
pub struct Collector {
    pub address: String,
    posts: Arc<Mutex<Vec<Post>>>,
}

pub struct Post {
    content_type: String,
    body: Vec<u8>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let posts = Arc::new(Mutex::new(Vec::new()));
        let taken = web::Data::new(Arc::clone(&posts));
        let server = HttpServer::new(move || {
            let app = App::new().app_data(taken.clone());
            app.app_data(web::PayloadConfig::new(8 << 20)).route("/v1/traces", web::post().to(take))
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap();
        drop(actix_rt::spawn(server.run()));
        Self { address, posts }
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let posts = self.posts.lock().unwrap();
        let read = |post: &Post| {
            assert_eq!(post.content_type, "application/x-protobuf");
            ExportTraceServiceRequest::decode(post.body.as_slice()).expect("OTLP")
        };
        posts.iter().map(read).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let of_resource = self.requests().into_iter().flat_map(|r| r.resource_spans);
        of_resource.flat_map(|r| r.scope_spans).flat_map(|s| s.spans).collect()
    }

    /// Whether these characters were posted anywhere, in any encoding that keeps them.
    pub fn has(&self, text: &str) -> bool {
        let posts = self.posts.lock().unwrap();
        posts.iter().any(|post| post.body.windows(text.len()).any(|w| w == text.as_bytes()))
    }
}

async fn take(
    posts: web::Data<Arc<Mutex<Vec<Post>>>>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let content_type = request.headers().get("content-type").map(|v| v.to_str().unwrap());
    let content_type = content_type.unwrap_or_default().to_owned();
    posts.lock().unwrap().push(Post { content_type, body: body.to_vec() });
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}

fn text(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|a| a.key == key).unwrap_or_else(|| panic!("no {key}"));
    match found.value.as_ref().and_then(|v| v.value.as_ref()).unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        other @ (Value::DoubleValue(_)
        | Value::ArrayValue(_)
        | Value::KvlistValue(_)
        | Value::BytesValue(_)
        | Value::StringValueStrindex(_)) => panic!("{key} is {other:?}"),
    }
}

fn all<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found = all(spans, name);
    assert_eq!(found.len(), 1, "{name} in {:?}", spans.iter().map(|s| &s.name).collect::<Vec<_>>());
    found[0]
}

fn length_ms(span: &Span) -> u64 {
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{span:?}");
    (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000
}

fn is_within(inner: &Span, outer: &Span) -> bool {
    inner.start_time_unix_nano >= outer.start_time_unix_nano
        && inner.end_time_unix_nano <= outer.end_time_unix_nano
}

#[actix_rt::test]
async fn a_call_is_one_trace_and_nothing_personal_is_in_it() {
    let collector = Collector::start();
    let plan = World::plan().env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/", collector.address));
    let mut world = plan.env("OTEL_SERVICE_NAME", "front-desk").start().await;
    let call = world.call(CALLER);
    let report = world.place(CALLER).await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(0));

    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id), "one trace for one call");
    let root = only(&spans, "call");
    judge_call(root, &stored);
    judge_stages(&spans, root, &stored);
    judge_turns(&spans, root);
    let resource = collector.requests()[0].resource_spans[0].resource.clone().unwrap().attributes;
    assert_eq!(text(&resource, "service.name"), "front-desk");
    assert_eq!(text(&resource, "service.instance.id"), "node-under-test");

    assert!(collector.has(&report.call_sid), "what is posted can be searched");
    for number in [&call.from, &call.to, HUMAN] {
        assert!(!collector.has(number.trim_start_matches('+')), "{number}");
    }
    for line in stored["transcript"].as_array().unwrap() {
        let words: Vec<&str> = line["generated"].as_str().unwrap().split(' ').collect();
        for pair in words.windows(2) {
            assert!(!collector.has(&pair.join(" ")), "{pair:?} of {line}");
        }
    }
}

fn judge_call(root: &Span, stored: &serde_json::Value) {
    let call = &stored["call"];
    assert!(root.parent_span_id.is_empty());
    assert_eq!(text(&root.attributes, "call.id"), call["call_sid"].as_str().unwrap());
    assert_eq!(text(&root.attributes, "tenant.id"), "shop");
    assert_eq!(text(&root.attributes, "call.outcome"), "completed");
    assert_eq!(text(&root.attributes, "call.mode"), "realtime");
    assert_eq!(text(&root.attributes, "call.turns"), "2");
    assert_eq!(text(&root.attributes, "call.tool_calls"), "2");
    assert_eq!(text(&root.attributes, "call.greeting_cached"), "false");
    let lasted_ms = call["duration_ms"].as_u64().unwrap();
    assert!(length_ms(root).abs_diff(lasted_ms) <= 1, "{} {lasted_ms}", length_ms(root));
}

fn judge_stages(spans: &[Span], root: &Span, stored: &serde_json::Value) {
    let handshake = &stored["handshake"];
    for (name, stored_ms) in [("model_handshake", "elapsed_ms"), ("first_audio", "first_audio_ms")]
    {
        let span = only(spans, name);
        assert_eq!(span.parent_span_id, root.span_id, "{name}");
        assert_eq!(span.start_time_unix_nano, root.start_time_unix_nano, "{name}");
        assert_eq!(Some(length_ms(span)), handshake[stored_ms].as_u64(), "{name}");
    }
    let greeting = only(spans, "greeting");
    assert_eq!(greeting.parent_span_id, root.span_id);
    let first_audio = only(spans, "first_audio");
    let apart = greeting.start_time_unix_nano.abs_diff(first_audio.end_time_unix_nano);
    assert!(apart < 100_000_000, "the greeting begins with the first audio: {apart} ns");
    assert!((1_000..10_000).contains(&length_ms(greeting)), "{}", length_ms(greeting));
}

fn judge_turns(spans: &[Span], root: &Span) {
    let mut turns = all(spans, "turn");
    turns.sort_unstable_by_key(|turn| turn.start_time_unix_nano);
    let numbers: Vec<String> = turns.iter().map(|t| text(&t.attributes, "turn.number")).collect();
    assert_eq!(numbers, ["1", "2"]);
    let tools = all(spans, "tool");
    let named = |name: &str| {
        let found = tools.iter().find(|tool| text(&tool.attributes, "tool.name") == name);
        *found.unwrap_or_else(|| panic!("no tool {name}"))
    };
    for (turn, tool) in turns.iter().zip(["look_up", "end_call"]) {
        assert_eq!(turn.parent_span_id, root.span_id);
        assert!(is_within(turn, root) && length_ms(turn) > 1_000, "{turn:?}");
        assert_eq!(named(tool).parent_span_id, turn.span_id, "{tool}");
        assert!(is_within(named(tool), turn), "{tool}");
    }
    let of_first = |name: &str| {
        let mut found = all(spans, name);
        found.retain(|span| span.parent_span_id == turns[0].span_id);
        assert!(found.iter().all(|span| is_within(span, turns[0])), "{name}");
        found
    };
    let latency = of_first("answer_latency");
    assert!(latency.len() == 1 && length_ms(latency[0]) < 3_000, "{latency:?}");
    // What it says before it looks something up, and what it says about it.
    let last_heard = of_first("answer").iter().map(|answer| answer.end_time_unix_nano).max();
    assert_eq!(last_heard, Some(turns[0].end_time_unix_nano), "with the answer the turn ends");
    assert_eq!(text(&named("look_up").attributes, "tool.ok"), "true");
}

/// Has a call with this collector; answers the server's log of it.
async fn a_good_call_with(endpoint: &str) -> String {
    let plan = World::plan().env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    // So often that the collector is tried while the call lives.
    let mut world = plan.env("OTEL_BSP_SCHEDULE_DELAY", 200).start().await;
    let report = world.place(CALLER).await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    assert!(stored["handshake"]["elapsed_ms"].as_u64().unwrap() < 2_000);
    world.assert_idle().await;
    world.server.signal("TERM");
    let ended = tokio::time::timeout(Duration::from_secs(15), world.server.wait()).await;
    assert_eq!(ended.expect("a collector does not hold up the end"), Some(0));
    world.server.log()
}

#[actix_rt::test]
async fn a_collector_that_is_away_changes_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let log = a_good_call_with(&endpoint).await;
    let complaint = "the trace collector does not take spans";
    assert_eq!(log.matches(complaint).count(), 1, "it is said, and said once\n{log}");
}

#[actix_rt::test]
async fn a_collector_that_never_answers_changes_nothing() {
    // Connections are taken by the kernel, and nobody reads what comes.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    a_good_call_with(&format!("http://{}", deaf.local_addr().unwrap())).await;
    assert!(deaf.accept().is_ok(), "it was tried");
}

#[actix_rt::test]
async fn without_a_collector_nothing_is_traced() {
    let world = World::start().await;
    assert!(!world.server.log().contains("calls are traced"));
}
