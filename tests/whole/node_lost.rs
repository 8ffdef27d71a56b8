//! The process is killed in mid-call: its next life closes the row.

use trunkline_simulator::carrier::EventKind;

use crate::support::{GOODBYE, World, wait_for};

#[actix_rt::test]
async fn a_call_that_a_killed_process_left_open_is_closed_as_failed() {
    let mut world = World::start().await;
    let whole = world.place(GOODBYE).await;
    world.stored(&whole.call_sid).await;
    let mut call = world.ongoing("hold 5").await;
    call.until(EventKind::AgentSpeaks).await;
    let path = format!("/api/v1/calls/{}", call.sid);
    wait_for("the row", async || {
        let found = world.get(&path).await;
        (found["call"]["phase"] == "greeting").then_some(())
    })
    .await;
    world.server.signal("KILL");
    assert_eq!(world.server.wait().await, None);
    let sid = call.sid.clone();
    drop(call.report().await);

    world.server.start_again();
    let stored = world.stored(&sid).await;
    assert_eq!(stored["call"]["outcome"], "failed", "{stored:#}");
    assert_eq!(stored["call"]["error"], "node_lost");
    assert_eq!(stored["call"]["phase"], "ended");
    // What was over before is as it was.
    let stored = world.stored(&whole.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed");
    assert!(stored["call"]["error"].is_null());
    // And the new life takes calls.
    world.assert_undisturbed(&world.place(GOODBYE).await).await;
}

#[actix_rt::test]
async fn the_calls_of_a_node_that_does_not_come_back_are_closed_by_another() {
    let mut world = World::plan().env("NODE_LEASE_MS", 2_000).start().await;
    let other = world.server.beside("survivor");
    let mut call = world.ongoing("hold 20").await;
    call.until(EventKind::AgentSpeaks).await;
    let lives = world.server.row(&call.sid, |row| row.stream_started_at.is_some()).await;
    assert_eq!(lives.ended_at, None);
    // Longer than a lease: as long as it gives signs of life it is left alone.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let lives = world.server.row(&call.sid, |_| true).await;
    assert_eq!((lives.ended_at, lives.error), (None, None));

    world.server.signal("KILL");
    assert_eq!(world.server.wait().await, None);
    let sid = call.sid.clone();
    drop(call.report().await);
    let row = other.row(&sid, |row| row.ended_at.is_some()).await;
    assert_eq!(row.outcome, Some(trunkline_store::Outcome::Failed));
    assert_eq!(row.error.as_deref(), Some("node_lost"));
    // The row is closed before the line about it is written.
    wait_for("it says so", async || other.log().contains("a node that is lost").then_some(()))
        .await;
    world.server.start_again();
}
