//! A call's own actor dies: that call alone is lost, its caller reaches a human,
//! and its slot is free within a second.

use std::time::{Duration, Instant};

use serde_json::json;
use trunkline_simulator::carrier::EventKind;

use crate::support::{GOODBYE, World, assert_human, event, wait_for};

#[actix_rt::test]
async fn a_call_actor_that_dies_takes_only_its_own_call_with_it() {
    let world = World::start().await;
    let neighbour = world.ongoing(GOODBYE).await;
    for (fault, exit) in [("panic", "panicked"), ("kill", "error")] {
        let mut call = world.ongoing("hold 30").await;
        call.until(EventKind::AgentSpeaks).await;
        assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 2.0);
        let since = Instant::now();
        world.fault("call", Some(&call.sid), json!(fault)).await;
        wait_for("the slot to be given back", async || {
            let held = world.metrics().await.sum("trunkline_slots_held");
            (held == 1.0).then_some(())
        })
        .await;
        assert!(since.elapsed() < Duration::from_secs(1), "{fault}: {:?}", since.elapsed());

        let report = call.report().await;
        assert_human(&report);
        assert_eq!(report.said, ["Connecting you to an agent now."]);
        let stored = world.stored(&report.call_sid).await;
        let row = &stored["call"];
        assert_eq!(row["outcome"], "failed", "{fault}: {stored:#}");
        assert_eq!(row["mode"], "bridge");
        assert_eq!(row["phase"], "ended");
        assert_eq!(row["handoff"], true);
        assert_eq!(row["handoff_reason"], "call_actor_died");
        assert!(!row["error"].is_null());
        assert_eq!(event(&stored, "call_actor_died")["data"], json!({ "exit": exit }));

        let path = format!("/ops/actors?call={}", report.call_sid);
        wait_for("the call's children to be gone", async || {
            let actors = world.get(&path).await;
            actors["live"].as_array().is_some_and(Vec::is_empty).then_some(())
        })
        .await;
        let died = [("kind", "call"), ("exit", exit)];
        assert_eq!(world.metrics().await.with("trunkline_actor_exits_total", &died), 1.0);
    }
    world.assert_undisturbed(&neighbour.report().await).await;
    let failed = [("tenant", "shop"), ("outcome", "failed")];
    assert_eq!(world.metrics().await.with("trunkline_calls_total", &failed), 2.0);
    world.assert_idle().await;
}
