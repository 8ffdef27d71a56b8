//! Five hundred callers come at once to two nodes of one fleet, and one of the nodes
//! is killed among them: as the carrier counts its open streams there are never more
//! than the tenant may have, and the dead node's are free within the lease.

use std::time::{Duration, Instant};

use trunkline_fleet::testing::PrivateRedis;
use trunkline_simulator::carrier::CallPlan;

use crate::support::{Crowd, Past, World, wait_for};

/// What the tenant may have at once.
const CAP: usize = 50;
const ARRIVALS: usize = 500;
const LEASE: Duration = Duration::from_secs(6);

/// Most streams that were open at one moment, as their carrier saw it.
fn most_at_once(past: &[Past]) -> usize {
    let mut changes: Vec<(Instant, i64)> = Vec::new();
    for past in past {
        for stream in &past.report.streams {
            if let Some(at_ms) = stream.started_at_ms {
                changes.push((past.began + Duration::from_millis(at_ms), 1));
                changes.push((past.began + Duration::from_millis(stream.ended_at_ms), -1));
            }
        }
    }
    // What ends at a moment is over before what begins at it.
    changes.sort_unstable();
    let mut open = 0;
    let open = changes.iter().map(|(_, change)| {
        open += change;
        open
    });
    usize::try_from(open.max().unwrap_or_default()).expect("a count")
}

fn first_stream(past: &[Past], after: Instant) -> Vec<Instant> {
    let opened = past.iter().filter_map(|past| {
        let stream = past.report.streams.first()?;
        Some(past.began + Duration::from_millis(stream.started_at_ms?))
    });
    let mut opened: Vec<Instant> = opened.filter(|at| *at > after).collect();
    opened.sort_unstable();
    opened
}

#[actix_rt::test]
async fn never_more_than_the_cap_live_and_a_dead_nodes_slots_are_free_within_the_lease() {
    let redis = PrivateRedis::start().expect("a Redis");
    let world = World::plan()
        .for_crowd()
        .tenant("small", &SMALL_FILE.replace("CAP", &CAP.to_string()))
        .env("REDIS_URL", redis.url())
        .env("FLEET_DEADLINE_MS", 10_000)
        .env("STREAM_START_TIMEOUT_MS", 30_000)
        .env("FLEET_LEASE_MS", LEASE.as_millis());
    let mut world = world.start().await;
    let mut other = world.server.beside("another-node");
    wait_for("both nodes to know of each other", async || {
        (world.get("/ready").await["nodes"] == 2).then_some(())
    })
    .await;

    let to = |server: String, script: &str| CallPlan {
        server,
        to: SMALL.to_owned(),
        ..world.call(script)
    };
    let here = to(world.server.base(), "hold 60\nhangup");
    let there = to(other.base(), "hold 60\nhangup");
    let plans: Vec<CallPlan> = [here, there].into_iter().cycle().take(ARRIVALS).collect();
    let crowd = Crowd::at_once(plans);
    // Some of them are still to be answered.
    wait_for("calls at the node that dies", async || {
        let metrics = crate::support::Metrics::parse(&other.text("/metrics").await);
        (metrics.sum("trunkline_calls_live") >= 10.0).then_some(())
    })
    .await;
    let at_death = Instant::now();
    other.signal("KILL");
    assert_eq!(other.wait().await, None);
    // Others go on calling the node that is left, which has only its own slots.
    let more = Crowd::for_a_while(vec![to(world.server.base(), "hold 60\nhangup")], CAP, LEASE * 3);
    let full = wait_for("all of the cap at the node that is left", async || {
        let live = world.metrics().await.sum("trunkline_calls_live");
        (live == CAP as f64).then(Instant::now)
    })
    .await;
    world.server.signal("TERM");
    wait_for("the drain to begin", async || {
        (world.get("/ready").await["draining"] == true).then_some(())
    })
    .await;
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(2));
    let (mut past, more) = (crowd.reports().await, more.reports().await);
    let freed = first_stream(&more, at_death);
    past.extend(more);

    let most = most_at_once(&past);
    let took = full - at_death;
    eprintln!(
        "FIGURES {ARRIVALS} arrivals, never more than {most} of {CAP} live; a node killed among them, \
         all of the cap at the other {:.1} s later (lease {} s), {} streams since",
        took.as_secs_f64(),
        LEASE.as_secs(),
        freed.len(),
    );
    assert!(most <= CAP, "{most} live at once");
    // The lease; half a lease between two looks; and what the machine is late.
    assert!(took < LEASE * 3, "{took:?}");
    world.server.start_again();
    other.start_again();
    drop(other);
}

const SMALL: &str = "+15550170003";
const SMALL_FILE: &str = r#"company = "The Small Shop"
numbers = ["+15550170003"]
persona = "shop"
human_number = "+15550170097"
silence.nudge_ms = 0
[limits]
concurrent_calls = CAP
watchdog_ms = 30000
"#;
