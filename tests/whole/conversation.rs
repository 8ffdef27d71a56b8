//! A whole conversation, from the webhook to the row.

use crate::support::{World, kinds};

#[actix_rt::test]
async fn a_caller_is_greeted_answered_and_the_call_is_stored() {
    let world = World::start().await;
    let report = world
        .place(
            "wait greeting
             say Hello, what are your opening hours on Saturday?
             wait reply
             say Sorry, that is all I needed, thank you. Goodbye!
             expect hangup within 20s",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.verbs.last().map(String::as_str), Some("Hangup"));

    let stored = world.stored(&report.call_sid).await;
    let call = &stored["call"];
    assert_eq!(call["outcome"], "completed", "{stored:#}");
    assert_eq!(call["mode"], "realtime");
    assert_eq!(call["phase"], "ended");
    assert_eq!(call["tenant_id"], "shop");
    assert_eq!(call["turn_count"], 2);
    assert_eq!(call["tool_call_count"], 2);
    assert_eq!(call["handoff"], false);
    assert_eq!(call["node_id"], "node-under-test");
    assert!(call["duration_ms"].as_i64().unwrap() > 3_000);
    assert!(call["stream_sid"].as_str().unwrap().starts_with("MZ"));

    let said: Vec<(&str, &str)> = stored["transcript"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["speaker"].as_str().unwrap(), line["heard"].as_str().unwrap()))
        .collect();
    assert!(
        said.contains(&("caller", "Hello, what are your opening hours on Saturday?")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|(who, what)| *who == "agent" && what.contains("Nine to five")),
        "the tool's result reached the caller: {said:?}"
    );

    let kinds = kinds(&stored);
    for kind in
        ["call_started", "model_ready", "first_audio", "turn_ended", "tool_called", "call_ended"]
    {
        assert!(kinds.iter().any(|k| k == kind), "{kind} is missing: {kinds:?}");
    }
    let handshake = &stored["handshake"];
    assert_eq!(handshake["fell_back"], false);
    assert!(handshake["elapsed_ms"].as_i64().is_some(), "{handshake}");

    world.assert_idle().await;
    let metrics = world.metrics().await;
    let outcome = [("tenant", "shop"), ("outcome", "completed")];
    assert_eq!(metrics.with("trunkline_calls_total", &outcome), 1.0);
    assert!(metrics.with("trunkline_frames_total", &[("direction", "up")]) > 100.0);
    let history = world.get(&format!("/ops/actors?call={}", report.call_sid)).await;
    let ended = history["ended"].as_array().unwrap();
    for kind in ["call", "realtime_session", "barge_in", "turn_manager", "tool_runner"] {
        let actor = ended.iter().find(|actor| actor["kind"] == kind).expect(kind);
        assert_eq!(actor["last_exit"], "normal", "{actor}");
    }
}
