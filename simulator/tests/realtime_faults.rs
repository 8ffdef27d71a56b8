//! Each thing that can be made to go wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod realtime_harness;

use std::time::{Duration, Instant};

use realtime_harness::{Client, fast, start};
use serde_json::{Value, json};
use trunkline_simulator::providers::{Knobs, RunningProviders};

const LONG: &str = "This is a sentence that is long enough for several pieces of audio.";

async fn refused(running: &RunningProviders, query: &str) -> u16 {
    let url = format!("{}?model=m&{query}", running.url());
    match awc::Client::new().ws(url).connect().await {
        Err(awc::error::WsClientError::InvalidResponseStatus(status)) => status.as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("connected"),
    }
}

#[actix_rt::test]
async fn refusing() {
    let running = start(fast()).await;
    for status in [401, 429, 503] {
        assert_eq!(refused(&running, &format!("refuse={status}")).await, status);
    }
    assert_eq!(refused(&running, "latency_ms=soon").await, 400);
    assert_eq!(running.refused(), 3);
    assert!(running.sessions().is_empty());
    running.stop().await;
}

#[actix_rt::test]
async fn hanging_and_delaying_the_handshake() {
    let running = start(fast()).await;
    let hang = awc::Client::new().ws(format!("{}?hang=1", running.url())).connect();
    assert!(actix_rt::time::timeout(Duration::from_millis(200), hang).await.is_err());
    let before = Instant::now();
    Client::connect(&running, "connect_delay_ms=120").await;
    assert!(before.elapsed() >= Duration::from_millis(120));
    running.stop().await;
}

#[actix_rt::test]
async fn staying_mute() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "mute=1").await;
    client.ready(json!({})).await;
    client.say(LONG).await;
    client.until("response.created").await;
    assert!(client.nothing_of("response.output_audio.delta", 200).await);
    client.send(json!({"type": "response.cancel"})).await;
    assert_eq!(client.until("response.done").await["response"]["status"], "cancelled");

    let mut client = Client::connect(&running, "mute_before_ready=1").await;
    client.until("session.created").await;
    client.send(json!({"type": "session.update", "session": {"type": "realtime"}})).await;
    assert!(client.nothing_of("session.updated", 200).await);
    running.stop().await;
}

#[actix_rt::test]
async fn dropping_the_connection() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "drop_after_deltas=3").await;
    client.ready(json!({})).await;
    client.say(LONG).await;
    client.until_closed().await;
    assert_eq!(client.all("response.output_audio.delta").len(), 3);
    assert_eq!(client.closed, None, "no close frame");
    assert!(!client.kinds().contains(&"response.done"));

    let before = Instant::now();
    let mut client = Client::connect(&running, "drop_after_ms=150").await;
    client.until_closed().await;
    assert!(before.elapsed() >= Duration::from_millis(150));
    assert_eq!(client.closed, None);
    let ends: Vec<_> = running.sessions().into_iter().map(|s| s.ended.unwrap()).collect();
    assert_eq!(ends, ["dropped", "dropped"]);
    running.stop().await;
}

#[actix_rt::test]
async fn sending_garbage_pieces_and_long_messages() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "garbage=1").await;
    client.ready(json!({})).await;
    client.say(LONG).await;
    assert_eq!(client.until("response.done").await["response"]["status"], "completed");
    assert_eq!(client.garbage, 8);

    let mut client = Client::connect(&running, "fragment=1&big=1").await;
    let session = client.ready(json!({})).await;
    assert!(session.to_string().len() > 100_000);
    client.say(LONG).await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(client.audio_bytes(&done["id"]), (LONG.len() * 560).next_multiple_of(160));
    assert!(client.joined > 5, "{}", client.joined);
    running.stop().await;
}

#[actix_rt::test]
async fn being_slow() {
    let running = start(fast()).await;
    let query = "latency_ms=100&first_audio_ms=150&rate=2&jitter_ms=10";
    let mut client = Client::connect(&running, query).await;
    let before = Instant::now();
    client.ready(json!({})).await;
    assert!(before.elapsed() >= Duration::from_millis(100));
    let before = Instant::now();
    client.say("123456789 123456789 123456789").await;
    client.until("response.output_audio.delta").await;
    assert!(before.elapsed() >= Duration::from_millis(150));
    client.until("response.done").await;
    // 2.04 s of audio in six deltas, each 200 ms at twice real time.
    assert!(before.elapsed() >= Duration::from_millis(1_350), "{:?}", before.elapsed());
    running.stop().await;
}

#[actix_rt::test]
async fn reporting_errors() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "error_code=server_error").await;
    client.ready(json!({})).await;
    let error = client.error().await;
    assert_eq!((&error["code"], &error["type"]), (&json!("server_error"), &json!("server_error")));

    let mut client = Client::connect(&running, "fail_code=rate_limit_exceeded").await;
    client.ready(json!({})).await;
    client.say(LONG).await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(done["status"], "failed");
    assert_eq!(done["status_details"]["error"]["code"], "rate_limit_exceeded");
    running.stop().await;
}

#[actix_rt::test]
async fn running_out_of_time() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "session_limit_s=1").await;
    assert_eq!(client.error().await["code"], "session_expired");
    client.until_closed().await;
    assert_eq!(client.closed, Some(1_001));
    assert_eq!(running.sessions()[0].ended.as_deref(), Some("expired"));
    running.stop().await;
}

#[actix_rt::test]
async fn the_control_endpoint_changes_the_sessions_that_follow() {
    let running = start(fast()).await;
    let http = awc::Client::new();
    let at = |path: &str| format!("http://{}{path}", running.addr());
    let changed = http.post(at("/control")).send_json(&json!({"refuse": 503})).await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_eq!(refused(&running, "").await, 503);
    let wrong = http.post(at("/control")).send_json(&json!({"refus": 503})).await.unwrap();
    assert_eq!(wrong.status(), 400);
    assert_eq!(http.post(at("/control/reset")).send().await.unwrap().status(), 200);
    assert_eq!(running.knobs(), Knobs { ..fast() });

    let mut client = Client::connect(&running, "").await;
    client.ready(json!({})).await;
    client.say("Hi.").await;
    client.until("response.done").await;
    let list: Value = http.get(at("/control/sessions")).send().await.unwrap().json().await.unwrap();
    let session = &list[0];
    assert_eq!((&session["number"], &session["model"]), (&json!(1), &json!("test-model")));
    let kinds: Vec<&str> =
        session["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["session.update", "response.create"]);
    assert_eq!(session["responses"][0]["status"], "completed");
    running.stop().await;
}
