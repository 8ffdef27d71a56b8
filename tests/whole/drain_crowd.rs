//! The process is told to end while two hundred calls live.

use std::time::{Duration, Instant};

use trunkline_core::ids::CallSid;
use trunkline_simulator::carrier::CallReport;
use trunkline_store::{CallRow, Scope, Store};

use crate::support::{Crowd, HUMAN, World, WorldPlan, assert_human, new_call, wait_for};

/// Callers who stay until they are sent away.
const STAY: usize = 150;
/// Callers who hang up after the signal and well before the deadline.
const LEAVE: usize = 50;
/// What the server is given for its drain. Those who leave do so after half of it.
const DEADLINE: Duration = Duration::from_secs(20);

fn plan(deadline: Duration) -> WorldPlan {
    World::plan().for_crowd().env("DRAIN_DEADLINE_MS", deadline.as_millis())
}

#[actix_rt::test]
async fn none_of_two_hundred_calls_is_cut_before_the_deadline_and_every_book_is_closed() {
    let mut world = plan(DEADLINE).start().await;
    world.learn_greeting().await;
    let stay = Crowd::at_once(world.calls(STAY, "hold 600"));
    world.live(STAY).await;
    let leave = Crowd::at_once(world.calls(LEAVE, "wait greeting\nwait 6s\nhangup"));
    let (promised, _) = world.reserved().await;
    world.live(STAY + LEAVE).await;

    let signalled = Instant::now();
    world.server.signal("TERM");
    let unready = wait_for("the server to be unready", async || {
        let ready = world.get("/ready").await;
        (ready["ready"] == false).then(Instant::now)
    })
    .await;
    let late = new_call();
    let (_, dialled) = world.rings(&late).await.dialled();
    assert_eq!(dialled, HUMAN);
    assert_eq!(world.metrics().await.sum("trunkline_calls_live"), (STAY + LEAVE) as f64);
    assert!(unready < signalled + DEADLINE / 4, "{:?}", unready - signalled);

    let left = leave.reports().await;
    assert!(Instant::now() < signalled + DEADLINE, "the callers took too long to say anything");
    for past in &left {
        assert_eq!(past.report.failure(), None, "{:?}", past.report);
        assert!(past.report.dialled.is_empty(), "{:?}", past.report);
    }
    let stayed = stay.reports().await;
    for past in &stayed {
        assert_human(&past.report);
        // `as_millis` rounds down.
        let cut = past.cut() + Duration::from_millis(2);
        assert!(cut >= signalled + DEADLINE, "cut {:?} too early", signalled + DEADLINE - cut);
    }
    assert_eq!(world.server.wait().await, Some(0));
    assert_in_order(&world);

    let store = world.server.store();
    for past in &left {
        assert_books(&store, &past.report, "abandoned", None);
    }
    for past in &stayed {
        assert_books(&store, &past.report, "transferred", Some("draining"));
    }
    for sid in [&late, &promised] {
        let row = row(&store, sid);
        assert_eq!(row.outcome.map(|o| o.as_str()), Some("transferred"), "{row:?}");
        assert_eq!(row.handoff_reason.as_deref(), Some("draining"));
        assert!(row.ended_at.is_some());
    }
    // The one that taught the greeting, the two without a stream, and the crowd.
    assert_eq!(world.server.rows(), STAY + LEAVE + 3);
}

#[actix_rt::test]
async fn a_second_signal_leaves_two_hundred_calls_and_the_next_life_closes_their_books() {
    let mut world = plan(Duration::from_secs(600)).start().await;
    world.learn_greeting().await;
    let crowd = Crowd::at_once(world.calls(STAY + LEAVE, "hold 600"));
    world.live(STAY + LEAVE).await;
    // The second signal waits for no commit: what is asked for later is there by now.
    let store = world.server.store();
    wait_for("every call's beginning to be committed", async || {
        let calls = store.calls(Scope::AllTenants, 1_000, None).expect("rows are read");
        let begun = calls.iter().filter(|row| !events(&store, row.call_sid.as_str()).0.is_empty());
        (begun.count() > STAY + LEAVE).then_some(())
    })
    .await;
    drop(store);
    world.server.signal("TERM");
    wait_for("the drain to begin", async || {
        (world.get("/ready").await["draining"] == true).then_some(())
    })
    .await;
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(2));
    let past = crowd.reports().await;

    world.server.start_again();
    let store = world.server.store();
    for past in &past {
        let row = row(&store, &past.report.call_sid);
        assert_eq!(row.outcome.map(|o| o.as_str()), Some("failed"), "{row:?}");
        assert_eq!(row.error.as_deref(), Some("node_lost"));
        assert!(row.ended_at.is_some());
        // What was written is a true beginning of the story.
        let (mut seqs, mut kinds) = events(&store, &past.report.call_sid);
        // And this is what its next life added.
        assert_eq!((seqs.pop(), kinds.pop().as_deref()), (Some(0), Some("node_lost")));
        assert!(seqs.iter().copied().eq(0..seqs.len()), "{seqs:?}");
        assert_eq!(kinds.first().map(String::as_str), Some("call_started"));
    }
    assert_eq!(world.server.rows(), STAY + LEAVE + 1);
}

/// Unready and closed to new calls, then the calls, then the records, then HTTP.
fn assert_in_order(world: &World) {
    let log = world.server.log();
    let place = |message: &str| {
        let found = log.find(&format!("\"message\":\"{message}\""));
        found.unwrap_or_else(|| panic!("never logged: {message}"))
    };
    let steps = [
        "draining",
        "the deadline passed: calls are handed over",
        "the records are committed: HTTP stops",
        "stopped",
    ];
    assert!(steps.map(place).is_sorted(), "{log}");
    let end = &world.server.logged("stopped")[0];
    assert_eq!((&end["ended"], &end["flushed"]), (&true.into(), &true.into()), "{end}");
}

/// The call's row is closed as it should be, and each of its events is there.
fn assert_books(store: &Store, report: &CallReport, outcome: &str, reason: Option<&str>) {
    let row = row(store, &report.call_sid);
    assert_eq!(row.outcome.map(|o| o.as_str()), Some(outcome), "{row:?}");
    assert_eq!(row.handoff_reason.as_deref(), reason, "{row:?}");
    assert!(row.ended_at.is_some() && row.error.is_none(), "{row:?}");
    let (seqs, kinds) = events(store, &report.call_sid);
    assert!(seqs.iter().copied().eq(0..seqs.len()), "{seqs:?}");
    assert_eq!(kinds.first().map(String::as_str), Some("call_started"));
    assert_eq!(kinds.last().map(String::as_str), Some("call_ended"));
}

fn row(store: &Store, call_sid: &str) -> CallRow {
    let sid = CallSid::parse(call_sid).expect("a SID");
    store.call(Scope::AllTenants, &sid).expect("a row is read").expect("the call has a row")
}

/// The numbers of a call's own events, and their kinds, in order.
fn events(store: &Store, call_sid: &str) -> (Vec<usize>, Vec<String>) {
    let sid = CallSid::parse(call_sid).expect("a SID");
    let events = store.events(Scope::AllTenants, &sid).expect("events are read");
    events.into_iter().map(|e| (usize::try_from(e.seq).expect("a count"), e.kind)).unzip()
}
