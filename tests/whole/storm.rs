//! Five hundred calls at once, every kind of bad one among them: all good ones are
//! served, and nothing is left.

use trunkline_simulator::carrier::{CallPlan, Ended, StreamEnd};

use crate::support::{Crowd, GOODBYE, HUMAN, Past, World, assert_human, new_call, wait_for};

const BUSY: &str = "All lines are busy right now. Please try again in a few minutes. Goodbye.";

/// A tenant with few lines.
const SMALL: &str = "+15550170003";
const SMALL_FILE: &str = r#"company = "The Small Shop"
numbers = ["+15550170003"]
persona = "shop"
human_number = "+15550170097"
[limits]
concurrent_calls = 5
watchdog_ms = 30000
"#;
/// Calls that ring and whose stream never comes.
const NEVER_STREAMED: usize = 50;

/// What a group of callers does, how many they are, and what must become of each.
struct Group {
    count: usize,
    plan: CallPlan,
    judge: fn(&Past),
}

fn groups(world: &World) -> Vec<Group> {
    let group = |count, script, judge| Group { count, plan: world.call(script), judge };
    let forger = CallPlan { auth_token: Some("not-the-token".to_owned()), ..world.call("hold 5") };
    let to_small = CallPlan { to: SMALL.to_owned(), ..world.call("hold 10\nhangup") };
    vec![
        group(150, "wait greeting\nhangup", served),
        group(50, "wait 1s\nhangup", served),
        group(30, "wait 300ms\nhangup", served),
        group(20, GOODBYE, served),
        Group { count: 50, plan: forger, judge: turned_away },
        Group { count: 55, plan: to_small, judge: served_or_busy },
        group(30, "never-start", never_started),
        group(25, "never-start\nwait 500ms\ndrop", lost),
        group(15, "drop", lost),
        group(15, "wait speaking 500ms\ndrop", lost),
        group(10, "hold 6\ndrop", lost),
    ]
}

fn served(past: &Past) {
    let report = &past.report;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.streams.len(), 1, "{report:?}");
    assert_eq!(report.streams[0].frames_discarded, 0, "{report:?}");
    assert!(report.dialled.is_empty(), "{report:?}");
}

fn turned_away(past: &Past) {
    assert_eq!(past.report.ended, Ended::Failed, "{:?}", past.report);
    assert!(past.report.http.iter().all(|sent| sent.status == Some(403)), "{:?}", past.report);
}

fn served_or_busy(past: &Past) {
    if past.report.streams.is_empty() {
        assert_eq!(past.report.said, [BUSY], "{:?}", past.report);
    } else {
        served(past);
    }
}

fn never_started(past: &Past) {
    assert_human(&past.report);
    let close = past.report.streams[0].close.as_ref();
    assert_eq!(close.map(|close| close.1.as_str()), Some("no_start"), "{:?}", past.report);
}

fn lost(past: &Past) {
    assert_eq!(past.report.streams[0].end, StreamEnd::Reset, "{:?}", past.report);
    assert_eq!(past.report.numbers_dialled(), [HUMAN], "{:?}", past.report);
}

#[actix_rt::test]
async fn five_hundred_calls_at_once_leave_nothing_behind() {
    let world = World::plan()
        .tenant("small", SMALL_FILE)
        .for_crowd()
        .env("RESERVATION_TTL_MS", 3_000)
        .env("STREAM_TOKEN_TTL_MS", 5_000)
        .env("STREAM_START_TIMEOUT_MS", 3_000)
        .start()
        .await;
    world.learn_greeting().await;

    let groups = groups(&world);
    let plans: Vec<CallPlan> =
        groups.iter().flat_map(|group| vec![group.plan.clone(); group.count]).collect();
    assert_eq!(plans.len() + NEVER_STREAMED, 500);
    let crowd = Crowd::at_once(plans);
    let mut rung = Vec::new();
    for _ in 0..NEVER_STREAMED {
        let sid = new_call();
        world.rings(&sid).await.stream();
        rung.push(sid);
    }
    let past = crowd.reports().await;

    let mut rest = past.as_slice();
    for group in &groups {
        let (own, others) = rest.split_at(group.count);
        own.iter().for_each(group.judge);
        rest = others;
    }
    let busy = past.iter().filter(|past| past.report.said == [BUSY]).count();
    assert!(busy > 0, "the small shop was never full");
    for sid in &rung {
        let row = world.server.row(sid, |row| row.ended_at.is_some()).await;
        assert_eq!(row.error.as_deref(), Some("no_stream"), "{row:?}");
    }
    assert_sound(&world, busy).await;
    world.assert_idle().await;
}

/// Nothing died, nothing was lost, and every call that was answered has its row.
async fn assert_sound(world: &World, busy: usize) {
    wait_for("every record to be written", async || {
        (world.metrics().await.sum("trunkline_records_waiting") == 0.0).then_some(())
    })
    .await;
    let metrics = world.metrics().await;
    assert_eq!(metrics.with("trunkline_actor_exits_total", &[("exit", "panicked")]), 0.0);
    assert_eq!(metrics.sum("trunkline_records_dropped_total"), 0.0);
    let full = [("tenant", "small"), ("reason", "concurrency_limit")];
    assert_eq!(metrics.with("trunkline_calls_refused_total", &full), busy as f64);
    // All but those whose signature was wrong, and the one that taught the greeting.
    assert_eq!(world.server.rows(), 500 - 50 + 1);
}
