//! A speech model that is there and says nothing: the watchdog gives the caller
//! to the human after three seconds.

use trunkline_simulator::providers::Knobs;

use crate::model_refused::{bridged, error_of};
use crate::support::World;

async fn a_mute_model(change: impl FnOnce(&mut Knobs)) -> (World, serde_json::Value, &'static str) {
    let world = World::plan().knobs(change).start().await;
    let report = world.place("hold 20").await;
    let handshake = world.stored(&report.call_sid).await["handshake"]["elapsed_ms"].is_null();
    let reason = if handshake { "handshake_timeout" } else { "model_mute" };
    let stored = bridged(&world, &report, reason).await;
    let started = report.streams[0].started_at_ms.unwrap();
    assert!(report.dialled[0].at_ms - started >= 2_900, "not before its time");
    world.assert_idle().await;
    (world, stored, reason)
}

#[actix_rt::test]
async fn a_handshake_that_hangs_is_given_three_seconds() {
    let (_, stored, reason) = a_mute_model(|k| k.hang = true).await;
    assert_eq!(reason, "handshake_timeout");
    assert_eq!(error_of(&stored), "Handshake timeout (>3000ms)");
}

#[actix_rt::test]
async fn a_session_that_never_becomes_ready_is_given_three_seconds() {
    let (world, stored, reason) = a_mute_model(|k| k.mute_before_ready = true).await;
    assert_eq!(reason, "handshake_timeout");
    assert_eq!(error_of(&stored), "Handshake timeout (>3000ms)");
    assert_eq!(world.sessions().len(), 1);
}

#[actix_rt::test]
async fn a_ready_session_that_says_nothing_is_given_three_seconds() {
    let (_, stored, reason) = a_mute_model(|k| k.mute = true).await;
    assert_eq!(reason, "model_mute");
    assert_eq!(error_of(&stored), "Model mute (>3000ms)");
    assert!(stored["handshake"]["elapsed_ms"].as_i64().unwrap() < 3_000);
    assert!(stored["handshake"]["first_audio_ms"].is_null());
}

#[actix_rt::test]
async fn a_tenant_may_have_more_patience_or_less() {
    let plan = World::plan().shop("[limits]\nwatchdog_ms = 700").knobs(|k| k.hang = true);
    let world = plan.start().await;
    let report = world.place("hold 20").await;
    let stored = bridged(&world, &report, "handshake_timeout").await;
    assert_eq!(error_of(&stored), "Handshake timeout (>700ms)");
    assert!(stored["call"]["duration_ms"].as_i64().unwrap() < 2_500);
}

/// A world that has the greeting at hand.
async fn greeted() -> World {
    let world = World::start().await;
    let first = world.place("wait greeting\nhangup").await;
    assert_eq!(first.failure(), None);
    world.assert_idle().await;
    world
}

#[actix_rt::test]
async fn a_kept_greeting_is_no_sign_of_life() {
    let world = greeted().await;
    world.model(|k| k.hang = true);
    let report = world.place("hold 20").await;
    assert!(report.first_audio_ms().unwrap() < 1_000, "the greeting is heard");
    let stored = bridged(&world, &report, "handshake_timeout").await;
    assert_eq!(error_of(&stored), "Handshake timeout (>3000ms)");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn after_a_kept_greeting_a_mute_model_is_found_out_at_the_first_answer() {
    let world = greeted().await;
    world.model(|k| k.mute = true);
    let report =
        world.place("wait greeting\nsay Yes, please.\nexpect dial +15550170099 within 10s").await;
    crate::support::assert_human(&report);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert_eq!(stored["call"]["handoff_reason"], "model_mute");
    assert_eq!(stored["handshake"]["fell_back"], true, "{stored:#}");
    assert!(error_of(&stored).starts_with("Model mute"), "{stored:#}");
    world.assert_idle().await;
}
