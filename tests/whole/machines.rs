//! A machine answers, as the carrier reports it.

use trunkline_simulator::carrier::EventKind;

use crate::support::{Webhook, World, assert_heard_whole, new_call, response, wait_for};

const MESSAGE: &str = "This is the shop. Please call us back.";

async fn reported(world: &World, call_sid: &str, who: &str) -> u16 {
    let report = Webhook::new("/twilio/amd", call_sid)
        .with("AnsweredBy", who)
        .with("MachineDetectionDuration", "4200");
    report.send(&world.server).await.status
}

#[actix_rt::test]
async fn after_the_beep_the_tenants_message_is_left() {
    let voicemail = format!("voicemail = \"{MESSAGE}\"");
    let world = World::plan().shop(&voicemail).start().await;
    let mut call = world.ongoing("hold 30").await;
    call.until(EventKind::StreamStarted).await;
    let sid = call.sid.clone();
    wait_for("the call to be live", async || world.is_live(&sid).await.then_some(())).await;
    for _ in 0..2 {
        assert_eq!(reported(&world, &sid, "machine_end_beep").await, 204);
    }
    let report = call.report().await;
    let session = world.sessions().remove(0);
    assert_heard_whole(&report, response(&session, MESSAGE));
    let stored = world.stored(&sid).await;
    assert_eq!(stored["call"]["outcome"], "voicemail", "{stored:#}");
    assert_eq!(stored["call"]["captured_fields"]["end_reason"], "answering_machine");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn without_a_message_the_machine_is_hung_up_on() {
    let world = World::start().await;
    let (call, _stream) = world.live_by_hand().await;
    assert_eq!(reported(&world, &call, "machine_start").await, 204);
    let stored = world.stored(&call).await;
    assert_eq!(stored["call"]["outcome"], "abandoned", "{stored:#}");
    assert_eq!(stored["call"]["captured_fields"]["end_reason"], "answering_machine");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_report_of_no_call_of_ours_is_no_error_and_one_that_says_nothing_is() {
    let world = World::start().await;
    assert_eq!(reported(&world, &new_call(), "human").await, 204);
    assert_eq!(Webhook::new("/twilio/amd", &new_call()).send(&world.server).await.status, 400);
}
