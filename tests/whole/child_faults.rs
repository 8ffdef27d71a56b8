//! A child of a call dies in mid-call: the call goes on with a new one, or the
//! caller reaches a human, and the call beside it does not notice.

use serde_json::{Value, json};
use trunkline_simulator::carrier::EventKind;

use crate::support::{GOODBYE, World, assert_human, assert_whole, event, kinds, wait_for};

/// The children that are rebuilt.
const REBUILT: [&str; 4] = ["realtime_session", "barge_in", "turn_manager", "tool_runner"];

#[actix_rt::test]
async fn a_child_that_dies_is_rebuilt_and_the_call_goes_on() {
    for kind in REBUILT {
        let world = World::start().await;
        let neighbour = world.ongoing(GOODBYE).await;
        let mut calls = Vec::new();
        for fault in ["panic", "kill"] {
            let mut call = world.ongoing(GOODBYE).await;
            call.until(EventKind::AgentSpeaks).await;
            world.fault(kind, Some(&call.sid), json!(fault)).await;
            calls.push((fault, call));
        }
        for (fault, call) in calls {
            let exit = if fault == "panic" { "panicked" } else { "error" };
            let report = call.report().await;
            assert_eq!(report.failure(), None, "{kind} {fault}: {report:?}");
            let stored = world.stored(&report.call_sid).await;
            assert_eq!(stored["call"]["outcome"], "completed", "{kind} {fault}: {stored:#}");
            assert_eq!(stored["call"]["mode"], "realtime");
            assert_eq!(stored["call"]["tool_call_count"], 1);
            assert_whole(&stored);
            let death = &event(&stored, "child_exited")["data"];
            assert_eq!(*death, json!({ "child": kind, "exit": exit, "rebuilt": true }));
            assert_eq!(exits(&world, kind, &report.call_sid).await, [exit, "normal"]);
            let totals = world.metrics().await;
            let exited = [("kind", kind), ("exit", exit)];
            assert_eq!(totals.with("trunkline_actor_exits_total", &exited), 1.0);
        }
        world.assert_undisturbed(&neighbour.report().await).await;
        world.assert_idle().await;
        let metrics = world.metrics().await;
        assert_eq!(metrics.with("trunkline_actor_restarts_total", &[("kind", kind)]), 2.0);
    }
}

/// How a call's actors of this kind ended, in the order of their beginnings.
async fn exits(world: &World, kind: &str, call_sid: &str) -> Vec<String> {
    let path = format!("/ops/actors?kind={kind}&call={call_sid}");
    let ended = wait_for("the last one's end", async || {
        let actors = world.get(&path).await;
        let none_left = actors["live"].as_array().is_some_and(Vec::is_empty);
        none_left.then(|| actors["ended"].as_array().expect("a list").clone())
    })
    .await;
    let mut ended: Vec<Value> = ended;
    ended.sort_by_key(|actor| actor["restarts"].as_u64());
    ended.iter().map(|actor| actor["last_exit"].as_str().unwrap_or_default().to_owned()).collect()
}

#[actix_rt::test]
async fn a_media_stream_that_dies_leads_to_the_human() {
    let world = World::start().await;
    let neighbour = world.ongoing(GOODBYE).await;
    for (fault, exit) in [("panic", "panicked"), ("kill", "error")] {
        let mut call = world.ongoing("hold 30").await;
        call.until(EventKind::AgentSpeaks).await;
        world.fault("twilio_stream", Some(&call.sid), json!(fault)).await;
        let report = call.report().await;
        // The carrier logs that the stream vanished, and asks what follows.
        assert_eq!(report.numbers_dialled(), [crate::support::HUMAN], "{fault}: {report:?}");
        let stored = world.stored(&report.call_sid).await;
        assert_eq!(stored["call"]["mode"], "bridge", "{fault}: {stored:#}");
        assert_eq!(stored["call"]["handoff_reason"], "stream_lost");
        assert_eq!(stored["call"]["outcome"], "transferred");
        assert_whole(&stored);
        let death = &event(&stored, "child_exited")["data"];
        assert_eq!((&death["child"], &death["exit"]), (&json!("twilio_stream"), &json!(exit)));
    }
    world.assert_undisturbed(&neighbour.report().await).await;
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_session_that_keeps_dying_leads_to_the_human() {
    let world = World::start().await;
    let neighbour = world.ongoing(GOODBYE).await;
    let mut call = world.ongoing("hold 30").await;
    call.until(EventKind::AgentSpeaks).await;
    for deaths in 1..=4 {
        world.fault("realtime_session", Some(&call.sid), json!("kill")).await;
        wait_for("the death to be noticed", async || {
            let stored = world.get(&format!("/api/v1/calls/{}", call.sid)).await;
            let noticed = kinds(&stored).iter().filter(|k| *k == "child_exited").count();
            (noticed >= deaths).then_some(())
        })
        .await;
    }
    let report = call.report().await;
    assert_human(&report);
    assert_eq!(report.said, ["Connecting you to an agent now."]);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert_eq!(stored["call"]["handoff_reason"], "model_lost");
    assert_whole(&stored);
    world.assert_undisturbed(&neighbour.report().await).await;
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_call_goes_on_without_a_detector_that_keeps_dying() {
    let world = World::start().await;
    let mut calls = Vec::new();
    for kind in ["turn_manager", "barge_in"] {
        let mut call = world.ongoing(GOODBYE).await;
        call.until(EventKind::AgentSpeaks).await;
        for _ in 0..4 {
            world.fault(kind, Some(&call.sid), json!("kill")).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        calls.push((kind, call));
    }
    for (kind, call) in calls {
        let report = call.report().await;
        assert_eq!(report.failure(), None, "{kind}: {report:?}");
        let stored = world.stored(&report.call_sid).await;
        assert_eq!(stored["call"]["outcome"], "completed", "{kind}: {stored:#}");
        let events = stored["events"].as_array().unwrap();
        let deaths = events.iter().filter(|e| e["kind"] == "child_exited");
        let rebuilt: Vec<bool> = deaths.map(|e| e["data"]["rebuilt"] == true).collect();
        assert_eq!(rebuilt, [true, true, true, false], "{kind}: {stored:#}");
    }
    world.assert_idle().await;
}

#[actix_rt::test]
async fn an_actor_that_stalls_for_a_moment_ends_no_call() {
    let world = World::plan().shop("[limits]\nconcurrent_calls = 0").start().await;
    let neighbour = world.ongoing(GOODBYE).await;
    let mut calls = Vec::new();
    for kind in REBUILT.iter().chain(&["twilio_stream", "call"]) {
        let mut call = world.ongoing(GOODBYE).await;
        call.until(EventKind::AgentSpeaks).await;
        world.fault(kind, Some(&call.sid), json!({ "stall": { "ms": 500 } })).await;
        calls.push((kind, call));
    }
    for (kind, call) in calls {
        let report = call.report().await;
        assert_eq!(report.failure(), None, "{kind}: {report:?}");
        let stored = world.stored(&report.call_sid).await;
        assert_eq!(stored["call"]["outcome"], "completed", "{kind}: {stored:#}");
        assert!(!kinds(&stored).contains(&"child_exited".to_owned()), "{kind}: {stored:#}");
    }
    world.assert_undisturbed(&neighbour.report().await).await;
    world.assert_idle().await;
}
