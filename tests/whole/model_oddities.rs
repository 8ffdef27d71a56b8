//! A speech model that sends what it should not, in shapes that it may or may
//! not, and errors of every class.

use trunkline_simulator::providers::Knobs;

use crate::model_refused::{bridged, error_of};
use crate::support::{GOODBYE, World, event, wait_for};

#[actix_rt::test]
async fn what_does_no_harm_is_not_noticed() {
    type Oddity = (&'static str, fn(&mut Knobs));
    let oddities: [Oddity; 5] = [
        ("garbage", |k| k.garbage = true),
        ("fragments", |k| k.fragment = true),
        ("a message of more than 100 KB", |k| k.big = true),
        ("both", |k| (k.fragment, k.big) = (true, true)),
        ("a benign error", |k| k.error_code = Some("response_cancel_not_active".to_owned())),
    ];
    let world = World::start().await;
    let mut calls = Vec::new();
    for (what, change) in oddities {
        world.model(change);
        let sessions = world.sessions().len();
        let call = world.ongoing(GOODBYE).await;
        wait_for("its session", async || (world.sessions().len() > sessions).then_some(())).await;
        calls.push((what, call));
    }
    for (what, call) in calls {
        let report = call.report().await;
        assert_eq!(report.failure(), None, "{what}: {report:?}");
        world.assert_undisturbed(&report).await;
        let stored = world.stored(&report.call_sid).await;
        assert_eq!(stored["handshake"]["fell_back"], false, "{what}");
        if what == "a benign error" {
            let code = &event(&stored, "model_error")["data"]["code"];
            assert_eq!(*code, "response_cancel_not_active");
        }
    }
    assert_eq!(world.sessions().len(), 5, "none was dialled again");
    let read = world.metrics().await.with("trunkline_bad_messages_total", &[("peer", "model")]);
    assert!(read >= 3.0, "the garbage is counted: {read}");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn an_error_that_no_retry_mends_leads_to_the_human_at_once() {
    let fatal = |k: &mut Knobs| k.error_code = Some("insufficient_quota".to_owned());
    let world = World::plan().knobs(fatal).start().await;
    let report = world.place("hold 20").await;
    let stored = bridged(&world, &report, "model_lost").await;
    assert_eq!(error_of(&stored), "insufficient_quota");
    assert_eq!(world.sessions().len(), 1);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn responses_that_fail_are_asked_for_again_and_then_the_human() {
    let failing = |k: &mut Knobs| k.fail_code = Some("server_error".to_owned());
    let world = World::plan().knobs(failing).start().await;
    let report = world.place("hold 20").await;
    let stored = bridged(&world, &report, "model_failed").await;
    assert!(error_of(&stored).contains("server_error"), "{stored:#}");
    assert_eq!(world.sessions()[0].responses.len(), 4);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_session_that_expires_is_replaced_in_mid_call() {
    let world = World::plan().knobs(|k| k.session_limit_s = 2).start().await;
    let call = world.ongoing(GOODBYE).await;
    wait_for("the first session", async || (!world.sessions().is_empty()).then_some(())).await;
    world.model(|_| {});
    let report = call.report().await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    assert_eq!(event(&stored, "model_lost")["data"]["reason"], "session_expired");
    assert_eq!(world.sessions().len(), 2);
    world.assert_idle().await;
}
