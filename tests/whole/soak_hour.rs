//! Calls of every kind come and go for as long as it takes: what the server needs
//! does not creep up, and nothing of any call stays. `FAULTS_SOAK_MINUTES` and
//! `FAULTS_SOAK_CALLS` say how long and how many at a time.

use std::time::{Duration, Instant};

use trunkline_simulator::carrier::CallPlan;

use crate::support::{Crowd, GOODBYE, World, scaled};

/// What a core holds of the optimised build, another one making the load: with 280
/// of these calls the server used 0.58 of one. Seven tenths of it are soaked.
const CAPACITY: usize = 480;

fn number(name: &str, otherwise: f64) -> f64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn plans(world: &World) -> Vec<CallPlan> {
    let mut plans = world.calls(4, GOODBYE);
    plans.extend(world.calls(4, "wait greeting\nwait 2s\nhangup"));
    plans.extend(world.calls(2, "hold 10\nhangup"));
    plans.extend(world.calls(2, "wait 300ms\nhangup"));
    plans.extend(world.calls(1, "wait speaking 100ms\ndrop"));
    plans.extend(world.calls(1, "never-start"));
    plans.extend(world.calls(1, "no-stream"));
    plans
}

/// The middle of a row of samples.
fn median(mut samples: Vec<u64>) -> f64 {
    samples.sort_unstable();
    samples[samples.len() / 2] as f64
}

#[actix_rt::test]
async fn memory_does_not_creep_up_and_nothing_stays() {
    let minutes = number("FAULTS_SOAK_MINUTES", scaled(0.3, 60.0));
    let calls = number("FAULTS_SOAK_CALLS", scaled(12.0, CAPACITY as f64 * 0.7)) as usize;
    let world = World::plan()
        .for_crowd()
        .env("RESERVATION_TTL_MS", 3_000)
        .env("STREAM_TOKEN_TTL_MS", 5_000)
        .env("STREAM_START_TIMEOUT_MS", 1_000)
        .start()
        .await;
    world.learn_greeting().await;
    let whole = Duration::from_secs_f64(minutes * 60.0);
    let crowd = Crowd::for_a_while(plans(&world), calls, whole);
    let (began, mut samples) = (Instant::now(), Vec::new());
    while began.elapsed() < whole {
        tokio::time::sleep(whole.min(Duration::from_secs(60)) / 60).await;
        samples
            .push((began.elapsed().as_secs_f64() / whole.as_secs_f64(), world.server.memory_kib()));
    }
    let past = crowd.reports().await;
    let failed: Vec<_> = past.iter().filter_map(|past| past.report.failure()).collect();
    assert_eq!(failed, Vec::<String>::new());
    world.assert_idle().await;
    // A quarter for what is learnt and for the busiest moment.
    let of = |from: f64, to: f64| {
        let within = samples.iter().filter(|(at, _)| *at >= from && *at < to);
        median(within.map(|(_, kib)| *kib).collect())
    };
    let (early, late) = (of(0.25, 0.4), of(0.85, 1.0));
    let drift = (late / early - 1.0) * 100.0;
    eprintln!(
        "FIGURES {minutes:.1} minutes, {calls} at a time, {} calls: {early:.0} KiB, then {late:.0} KiB, drift {drift:.2} %; nothing left",
        past.len()
    );
    // In some seconds the first of everything is half of the growth.
    assert!(drift < scaled(30.0, 5.0), "{drift:.2} %");
    let metrics = world.metrics().await;
    assert_eq!(metrics.with("trunkline_actor_exits_total", &[("exit", "panicked")]), 0.0);
    assert_eq!(metrics.sum("trunkline_records_dropped_total"), 0.0);
}
