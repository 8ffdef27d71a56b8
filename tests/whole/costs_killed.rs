//! The process is killed in mid-call: what was last known of the call's cost is billed.

use serde_json::Value;
use trunkline_simulator::carrier::EventKind;

use crate::commands::{told, trunkline};
use crate::costs::{BYE, HOURS, PIPELINE, Priced, pipeline, placed, priced, script};
use crate::support::{World, wait_for};

/// The greeting, one question and a minute of the line, in billionths of a dollar: see
/// the table of the five calls. What the recogniser heard comes to it.
const KNOWN: u64 = 96_400_000;

async fn cost_of(world: &World, call_sid: &str, so: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/calls/{call_sid}");
    wait_for("the call's bill", async || {
        let cost = world.get(&path).await["cost"].take();
        so(&cost).then_some(cost)
    })
    .await
}

#[actix_rt::test]
async fn what_was_last_known_of_a_killed_call_is_billed_as_incomplete() {
    let Priced { mut world, prices: _prices } = priced(pipeline(), PIPELINE).await;
    let mut call =
        world.ongoing(&script(&["wait greeting", HOURS, "wait reply", "hold 120"])).await;
    call.until(EventKind::AgentSpeaks).await;
    let sid = call.sid.clone();
    // While it lasts it says so, and the day has it.
    let live = cost_of(&world, &sid, |cost| cost["nanos"].as_u64() >= Some(KNOWN)).await;
    assert_eq!(live["incomplete"], true, "{live:#}");
    world.server.signal("KILL");
    assert_eq!(world.server.wait().await, None);
    drop(call.report().await);

    world.server.start_again();
    let stored = world.stored(&sid).await;
    assert_eq!(stored["call"]["error"], "node_lost", "{stored:#}");
    let cost = &stored["cost"];
    assert_eq!((&cost["incomplete"], &cost["unpriced"]), (&true.into(), &false.into()), "{cost:#}");
    let nanos = cost["nanos"].as_u64().expect("a bill");
    assert!(nanos >= KNOWN, "{cost:#}");
    let lines = cost["lines"].as_array().expect("lines");
    let sum: u64 = lines.iter().filter_map(|line| line["nanos"].as_u64()).sum();
    assert_eq!(sum, nanos, "{cost:#}");

    let day = world.get("/api/v1/costs?tenant=shop").await;
    let row = &day["costs"][0];
    assert_eq!((&row["calls"], &row["incomplete_calls"]), (&1.into(), &1.into()), "{day:#}");
    assert_eq!(day["total_nanos"], nanos);
    // A call of the new life comes to its end.
    let (_, stored) = placed(&world, &script(&["wait greeting", BYE, "expect hangup"])).await;
    assert_eq!(stored["cost"]["incomplete"], false, "{stored:#}");
    let both = nanos + stored["cost"]["nanos"].as_u64().expect("a bill");
    let day = world.get("/api/v1/costs?tenant=shop").await;
    let row = &day["costs"][0];
    assert_eq!((&row["calls"], &row["incomplete_calls"]), (&2.into(), &1.into()), "{day:#}");
    assert_eq!(day["total_nanos"], both);
    let printed = trunkline(&["costs", "--tenant", "shop"], &world.server.environment()).await;
    let (code, out, complaints) = told(&printed);
    assert_eq!(code, Some(0), "{complaints}");
    assert!(out.contains("and more: 1 call has not come to its end"), "{out}");
}

#[actix_rt::test]
async fn a_survivor_finds_the_bill_of_a_node_that_does_not_come_back() {
    let plan = pipeline().env("NODE_LEASE_MS", 2_000);
    let Priced { mut world, prices: _prices } = priced(plan, PIPELINE).await;
    let other = world.server.beside("survivor");
    let mut call = world.ongoing("hold 120").await;
    call.until(EventKind::AgentSpeaks).await;
    let sid = call.sid.clone();
    cost_of(&world, &sid, |cost| cost["incomplete"] == true).await;
    world.server.signal("KILL");
    assert_eq!(world.server.wait().await, None);
    drop(call.report().await);
    let row = other.row(&sid, |row| row.ended_at.is_some()).await;
    assert_eq!(row.error.as_deref(), Some("node_lost"));
    let found = other.get(&format!("/api/v1/calls/{sid}")).await;
    assert_eq!(found["cost"]["incomplete"], true, "{found:#}");
    let day = other.get("/api/v1/costs?tenant=shop").await;
    assert_eq!(day["costs"][0]["nanos"], found["cost"]["nanos"], "{day:#}");
    world.server.start_again();
}
