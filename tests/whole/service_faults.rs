//! A service of the node dies: it is rebuilt and nobody notices. One that cannot
//! be kept alive ends the process, in order.

use std::time::Duration;

use serde_json::json;
use trunkline_simulator::carrier::EventKind;

use crate::support::{GOODBYE, World, assert_human, wait_for};

const SERVICES: [&str; 3] = ["limiter", "registry", "persistence"];

#[actix_rt::test]
async fn services_that_die_are_rebuilt_and_calls_and_records_do_not_notice() {
    let world = World::start().await;
    let mut before = world.ongoing(GOODBYE).await;
    before.until(EventKind::AgentSpeaks).await;
    for kind in SERVICES {
        for (fault, exit) in [("panic", "panicked"), ("kill", "error")] {
            world.fault(kind, None, json!(fault)).await;
            wait_for("its end", async || {
                let died = [("kind", kind), ("exit", exit)];
                let exits = world.metrics().await.with("trunkline_actor_exits_total", &died);
                (exits == 1.0).then_some(())
            })
            .await;
        }
    }
    let after = world.ongoing(GOODBYE).await;
    world.assert_undisturbed(&before.report().await).await;
    world.assert_undisturbed(&after.report().await).await;
    let metrics = world.metrics().await;
    for kind in SERVICES {
        let of_kind = [("kind", kind)];
        assert_eq!(metrics.with("trunkline_actor_restarts_total", &of_kind), 2.0, "{kind}");
        assert_eq!(metrics.with("trunkline_actors_live", &of_kind), 1.0, "{kind}");
    }
    assert_eq!(metrics.sum("trunkline_records_dropped_total"), 0.0);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_service_that_keeps_dying_ends_the_process_after_its_calls() {
    for kind in SERVICES {
        let mut world = World::plan().env("DRAIN_DEADLINE_MS", 1_500).start().await;
        let mut call = world.ongoing("hold 30").await;
        call.until(EventKind::AgentSpeaks).await;
        for _ in 0..6 {
            world.fault(kind, None, json!("panic")).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(world.get("/ready").await["draining"], true, "{kind}");
        let sid = call.sid.clone();
        // No new call is taken, and the one that lives goes to the human.
        assert_human(&world.place("hold 5").await);
        assert_human(&call.report().await);
        assert_eq!(world.server.wait().await, Some(1), "{kind}");
        assert!(world.server.log().contains("cannot be kept alive"), "{kind}");
        world.server.start_again();
        world.stored(&sid).await;
    }
}
