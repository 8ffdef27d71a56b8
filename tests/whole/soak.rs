//! Short calls in a row: what the server needs does not grow with the calls it has
//! had. `WHOLE_CALLS=10000` makes the row longer.

use trunkline_simulator::carrier::CallPlan;

use crate::support::{Crowd, World, new_call};

/// Calls in the row where the environment does not say otherwise.
const CALLS: usize = 1_500;
/// Calls at a time.
const AT_A_TIME: usize = 40;
/// What the server may grow by from the middle of the row to its end, in KiB: what
/// its allocator has taken for the busiest moment so far.
const ALLOWED_KIB: u64 = 3_072;
/// And for each call of the second half: its token and what follows its stream are
/// kept for minutes, because the carrier may ask twice.
const ALLOWED_BYTES_A_CALL: u64 = 512;

/// One round of the row. All but the two forged ones have a slot for a while.
fn round(world: &World) -> Vec<CallPlan> {
    let forger = CallPlan { auth_token: Some("not-the-token".to_owned()), ..world.call("hold 5") };
    let mut plans = world.calls(12, "wait 300ms\nhangup");
    plans.extend(world.calls(2, "wait speaking 200ms\nhangup"));
    plans.extend(world.calls(1, "drop"));
    plans.extend(world.calls(1, "wait speaking 100ms\ndrop"));
    plans.extend(world.calls(1, "never-start"));
    plans.extend(world.calls(1, "never-start\nwait 100ms\ndrop"));
    plans.extend([forger.clone(), forger]);
    plans
}

/// So many calls, and one in twenty more whose stream never comes.
async fn run(world: &World, calls: usize) {
    let round = round(world);
    let plans: Vec<CallPlan> = round.iter().cycle().take(calls).cloned().collect();
    let crowd = Crowd::in_a_row(plans, AT_A_TIME);
    for _ in 0..calls / 20 {
        world.rings(&new_call()).await.stream();
    }
    let past = crowd.reports().await;
    assert_eq!(past.len(), calls);
    for past in &past {
        let forged = past.number % round.len() >= round.len() - 2;
        assert_eq!(past.report.failure().is_some(), forged, "{:?}", past.report);
    }
    world.assert_idle().await;
}

#[actix_rt::test]
async fn short_calls_in_a_row_leave_nothing_behind_and_memory_stays_flat() {
    let calls = std::env::var("WHOLE_CALLS").map_or(CALLS, |n| n.parse().expect("a number"));
    let world = World::plan()
        .for_crowd()
        .env("RESERVATION_TTL_MS", 1_000)
        .env("STREAM_TOKEN_TTL_MS", 2_000)
        .env("STREAM_START_TIMEOUT_MS", 500)
        .start()
        .await;
    world.learn_greeting().await;

    run(&world, calls / 2).await;
    let middle = world.server.memory_kib();
    run(&world, calls - calls / 2).await;
    let end = world.server.memory_kib();
    eprintln!("{calls} calls in a row: {middle} KiB in the middle, {end} KiB at the end");
    let allowed = ALLOWED_KIB + ALLOWED_BYTES_A_CALL * (calls as u64 / 2) / 1_024;
    assert!(end <= middle + allowed, "{middle} KiB, then {end} KiB; {allowed} allowed");

    let metrics = world.metrics().await;
    assert_eq!(metrics.with("trunkline_actor_exits_total", &[("exit", "panicked")]), 0.0);
    assert_eq!(metrics.sum("trunkline_records_dropped_total"), 0.0);
}
