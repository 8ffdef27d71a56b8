//! The process is told to end while calls live.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use trunkline_simulator::carrier::EventKind;

use crate::support::{
    DatabaseLock, GOODBYE, HUMAN, RawStream, Webhook, World, assert_human, assert_whole, new_call,
    wait_for,
};

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
    world.server.lives_on(Duration::from_secs(1)).await;
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
    world.server.lives_on(Duration::from_millis(300)).await;
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
    world.server.signal("INT");
    assert_eq!(world.server.wait().await, Some(2));
    let sid = call.sid.clone();
    drop(call.report().await);
    world.server.start_again();
    let stored = world.stored(&sid).await;
    assert_eq!(stored["call"]["error"], "node_lost", "{stored:#}");
}

#[actix_rt::test]
async fn a_second_signal_waits_for_no_database() {
    let mut world = World::start().await;
    let (_, stream) = world.live_by_hand().await;
    let lock = DatabaseLock::take(world.server.database_url());
    // Something to be written, so that a thread is inside the database.
    world.place("wait greeting\nhangup").await;
    world.server.signal("TERM");
    draining(&world).await;
    let since = Instant::now();
    world.server.signal("TERM");
    assert_eq!(world.server.wait().await, Some(2));
    // Threads inside the database wait for five seconds.
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    drop(lock);
    drop(stream);
    world.server.start_again();
}

#[actix_rt::test]
async fn whoever_is_answered_while_the_process_ends_is_on_record() {
    let mut world = World::start().await;
    let lock = DatabaseLock::take(world.server.database_url());
    world.server.signal("TERM");
    draining(&world).await;
    // The last records wait for the database, and callers go on ringing until
    // nobody answers any more.
    let mut lock = Some(lock);
    let mut answered = Vec::new();
    // No faster than the database takes them: a flood would wait in the journal.
    let mut ring = tokio::time::interval(Duration::from_millis(25));
    loop {
        ring.tick().await;
        let sid = new_call();
        let Some(answer) = Webhook::new("/twilio/voice", &sid).try_send(&world.server).await else {
            break;
        };
        assert_eq!(answer.dialled().1, HUMAN);
        answered.push(sid);
        if answered.len() == 20 {
            lock.take();
        }
    }
    assert!(lock.is_none(), "the process did not wait for its records");
    assert_eq!(world.server.wait().await, Some(0));
    for sid in &answered {
        let row = world.server.row(sid, |_| true).await;
        assert!(row.ended_at.is_some(), "{row:?}");
        assert_eq!(row.handoff_reason.as_deref(), Some("draining"));
    }
}

#[actix_rt::test]
async fn whoever_is_answered_as_http_stops_is_on_record() {
    let mut world = World::start().await;
    let sid = new_call();
    let request = Webhook::new("/twilio/voice", &sid).as_http();
    let (most, rest) = request.split_at(request.len() - 10);
    let mut carrier = TcpStream::connect((Ipv4Addr::LOCALHOST, world.server.port())).unwrap();
    carrier.write_all(most.as_bytes()).unwrap();
    // Whoever connected before this was answered is not turned away any more.
    world.get("/ready").await;
    world.server.signal("TERM");
    wait_for("the first records to be committed", async || {
        let said = world.server.logged("the records are committed: HTTP stops");
        (!said.is_empty()).then_some(())
    })
    .await;
    let lock = DatabaseLock::take(world.server.database_url());
    carrier.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    carrier.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(HUMAN), "{answer}");
    wait_for("HTTP to stop", async || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, world.server.port())).is_err().then_some(())
    })
    .await;
    // Long enough for a process that waited for nothing more to be gone.
    world.server.lives_on(Duration::from_millis(500)).await;
    drop(lock);
    assert_eq!(world.server.wait().await, Some(0));
    let row = world.server.row(&sid, |row| row.ended_at.is_some()).await;
    assert_eq!(row.handoff_reason.as_deref(), Some("draining"), "{row:?}");
}

#[actix_rt::test]
async fn a_promised_stream_that_does_not_come_by_the_deadline_is_the_humans() {
    let mut world = World::plan().env("DRAIN_DEADLINE_MS", 300).start().await;
    let (call_sid, token) = world.reserved().await;
    world.server.signal("TERM");
    let row = world.server.row(&call_sid, |row| row.ended_at.is_some()).await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("transferred"), "{row:?}");
    assert_eq!(row.handoff_reason.as_deref(), Some("draining"));
    // It comes after all: the carrier is still told what to do with its caller.
    let mut stream = RawStream::open(&world.server).await;
    stream.start(&call_sid, None, Some(&token)).await;
    assert_eq!(stream.closed(Duration::from_secs(5)).await.1, "token_used");
    assert_eq!(world.what_next(&call_sid).await.dialled().1, HUMAN);
    assert_eq!(world.server.wait().await, Some(0));
}

#[actix_rt::test]
async fn an_idle_process_ends_at_once() {
    let mut world = World::start().await;
    world.place("wait greeting\nhangup").await;
    world.assert_idle().await;
    world.server.signal("INT");
    assert_eq!(world.server.wait().await, Some(0));
}
