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
