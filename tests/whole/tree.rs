//! The actor tree as an operator sees it while a call is live.

use serde_json::Value;
use trunkline_simulator::carrier::EventKind;

use crate::support::{World, wait_for};

/// Which actors a call is made of.
const CHILDREN: [&str; 5] =
    ["twilio_stream", "realtime_session", "barge_in", "turn_manager", "tool_runner"];

fn live<'a>(page: &'a Value, kind: &str) -> &'a Value {
    let live = page["live"].as_array().unwrap();
    live.iter().find(|actor| actor["kind"] == kind).unwrap_or_else(|| panic!("no {kind}: {live:?}"))
}

fn kinds(page: &Value, list: &str) -> Vec<String> {
    let actors = page[list].as_array().unwrap();
    let mut kinds: Vec<String> =
        actors.iter().map(|actor| actor["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort_unstable();
    kinds
}

#[actix_rt::test]
async fn a_live_call_is_seen_with_all_its_parts() {
    let world = World::start().await;
    let mut call = world.ongoing("wait greeting\nwait 2s\nhangup").await;
    call.until(EventKind::AgentQuiet).await;
    let page = world.get("/ops/actors").await;
    assert_eq!(page["node"], "node-under-test");
    for service in ["registry", "limiter", "persistence"] {
        let actor = live(&page, service);
        assert!(actor["parent"].is_null() && actor["call_sid"].is_null(), "{actor}");
    }
    let parent = live(&page, "call");
    assert!(parent["parent"].is_null(), "{parent}");
    for kind in CHILDREN {
        let actor = live(&page, kind);
        assert_eq!(actor["call_sid"], call.sid.as_str(), "{actor}");
        assert_eq!(actor["tenant"], "shop");
        assert_eq!(actor["state"], "running");
        assert_eq!(actor["restarts"], 0);
        assert!(actor["mailbox_depth"].as_u64().unwrap() < 5, "{actor}");
        assert!(
            actor["started_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok()
        );
        assert_eq!(actor["parent"], parent["id"], "{actor}");
    }
    assert!(live(&page, "twilio_stream")["messages_handled"].as_u64().unwrap() > 50);
    assert_eq!(page["totals"]["call"]["live"], 1);

    for (query, expected) in [
        (format!("call={}", call.sid), 6),
        ("tenant=shop".to_owned(), 6),
        ("tenant=nobody".to_owned(), 0),
        (format!("call=CA{:032}", 1), 0),
        ("kind=call".to_owned(), 1),
        (format!("kind=tool_runner&call={}&tenant=shop", call.sid), 1),
    ] {
        let page = world.get(&format!("/ops/actors?{query}")).await;
        assert_eq!(page["live"].as_array().unwrap().len(), expected, "{query}: {page:#}");
    }
    let calls = world.get("/api/v1/calls/live").await;
    assert_eq!(calls["count"], 1);
    assert_eq!(calls["calls"][0]["call_sid"], call.sid.as_str(), "{calls:#}");

    let report = call.report().await;
    world.assert_idle().await;
    let page = world.get(&format!("/ops/actors?call={}", report.call_sid)).await;
    assert_eq!(page["live"].as_array().unwrap().len(), 0);
    let mut expected = CHILDREN.map(str::to_owned).to_vec();
    expected.push("call".to_owned());
    expected.sort_unstable();
    assert_eq!(kinds(&page, "ended"), expected);
    for actor in page["ended"].as_array().unwrap() {
        assert_eq!(actor["last_exit"], "normal", "{actor}");
        assert!(!actor["ended_at"].is_null());
    }
}

#[actix_rt::test]
async fn an_unknown_kind_or_filter_is_refused() {
    let world = World::start().await;
    for query in ["kind=nothing", "colour=red"] {
        let (status, body) =
            world.server.send("GET", &format!("/ops/actors?{query}"), &Value::Null).await;
        assert_eq!(status, 400, "{query}: {body}");
    }
}

#[actix_rt::test]
async fn the_process_says_that_it_lives() {
    let world = World::start().await;
    let health = world.get("/health").await;
    assert_eq!(health["status"], "ok");
    let at: chrono::DateTime<chrono::Utc> = health["timestamp"].as_str().unwrap().parse().unwrap();
    assert!((chrono::Utc::now() - at).num_seconds().abs() < 30);
    let before = health["uptime"].as_f64().unwrap();
    wait_for("the uptime to grow", async || {
        (world.get("/health").await["uptime"].as_f64().unwrap() > before).then_some(())
    })
    .await;
    let ready = world.get("/ready").await;
    assert_eq!(ready["ready"], true, "{ready}");
}
