//! The process is told to end while calls live.

use std::time::Duration;

use trunkline_simulator::carrier::EventKind;

use crate::support::{GOODBYE, HUMAN, RawStream, World, assert_human, assert_whole, wait_for};

async fn draining(world: &World) {
    wait_for("the drain to begin", async || {
        let ready = world.get("/ready").await;
        (ready["draining"] == true).then(|| assert_eq!(ready["ready"], false))
    })
    .await;
}

#[actix_rt::test]
async fn live_calls_finish_and_new_ones_go_to_the_human() {
    let mut world = World::start().await;
    let mut call = world.ongoing(GOODBYE).await;
    call.until(EventKind::AgentSpeaks).await;
    world.server.signal("TERM");
    draining(&world).await;
    let refused = world.place("hold 5").await;
    assert_human(&refused);
    assert!(refused.streams.is_empty());
    let finished = call.report().await;
    assert_eq!(finished.failure(), None, "{finished:?}");
    assert_eq!(finished.verbs.last().map(String::as_str), Some("Hangup"));
    assert_eq!(world.server.wait().await, Some(0));

    world.server.start_again();
    let stored = world.stored(&finished.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    assert_whole(&stored);
    let stored = world.stored(&refused.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert_eq!(stored["call"]["handoff_reason"], "draining");
}

#[actix_rt::test]
async fn calls_that_outlast_the_deadline_are_handed_to_the_human() {
    let mut world = World::plan().env("DRAIN_DEADLINE_MS", 1_000).start().await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        let mut call = world.ongoing("hold 40").await;
        call.until(EventKind::AgentSpeaks).await;
        calls.push(call);
    }
    world.server.signal("TERM");
    let mut sids = Vec::new();
    for call in calls {
        let report = call.report().await;
        assert_human(&report);
        sids.push(report.call_sid);
    }
    assert_eq!(world.server.wait().await, Some(0));
    world.server.start_again();
    for sid in sids {
        let stored = world.stored(&sid).await;
        assert_eq!(stored["call"]["outcome"], "transferred", "{stored:#}");
        assert_eq!(stored["call"]["handoff_reason"], "draining");
        assert!(stored["call"]["error"].is_null());
        assert_whole(&stored);
    }
}

#[actix_rt::test]
async fn the_carrier_is_told_what_follows_a_call_that_was_handed_over() {
    let mut world = World::plan().env("DRAIN_DEADLINE_MS", 300).start().await;
    let (call_sid, mut stream) = world.live_by_hand().await;
    world.server.signal("TERM");
    stream.closed(Duration::from_secs(10)).await;
    // A carrier far away takes its time to ask.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (said, dialled) = world.what_next(&call_sid).await.dialled();
    assert_eq!((said.as_str(), dialled.as_str()), ("Connecting you to an agent now.", HUMAN));
    assert_eq!(world.server.wait().await, Some(0));
}

#[actix_rt::test]
async fn a_stream_that_was_promised_is_waited_for() {
    let mut world = World::start().await;
    let (call_sid, token) = world.reserved().await;
    world.server.signal("TERM");
    draining(&world).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut stream = RawStream::open(&world.server).await;
    stream.start(&call_sid, None, Some(&token)).await;
    wait_for("the call to be live", async || world.is_live(&call_sid).await.then_some(())).await;
    drop(stream);
    assert_eq!(world.server.wait().await, Some(0));
}

#[actix_rt::test]
async fn a_second_signal_ends_the_process_at_once() {
    let mut world = World::start().await;
    let mut call = world.ongoing("hold 5").await;
    call.until(EventKind::AgentSpeaks).await;
    world.server.signal("TERM");
    draining(&world).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.server.signal("INT");
    assert_eq!(world.server.wait().await, Some(2));
    let sid = call.sid.clone();
    drop(call.report().await);
    world.server.start_again();
    let stored = world.stored(&sid).await;
    assert_eq!(stored["call"]["error"], "node_lost", "{stored:#}");
}

#[actix_rt::test]
async fn an_idle_process_ends_at_once() {
    let mut world = World::start().await;
    world.place("wait greeting\nhangup").await;
    world.assert_idle().await;
    world.server.signal("INT");
    assert_eq!(world.server.wait().await, Some(0));
}
