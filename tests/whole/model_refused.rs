//! A speech model that cannot be reached: the caller gets the human, within the
//! watchdog's time, and the row says why.

use serde_json::Value;
use trunkline_simulator::carrier::CallReport;

use crate::support::{World, assert_human, assert_whole};

/// The caller reached the human in time; answers what was stored.
pub(crate) async fn bridged(world: &World, report: &CallReport, reason: &str) -> Value {
    assert_human(report);
    assert_eq!(report.said, ["Connecting you to an agent now."]);
    let started = report.streams[0].started_at_ms.unwrap();
    let took = report.dialled[0].at_ms - started;
    assert!(took < 4_000, "the watchdog's three seconds, and the way: {took} ms");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert_eq!(stored["call"]["handoff"], true);
    assert_eq!(stored["call"]["handoff_reason"], reason, "{stored:#}");
    assert_eq!(stored["call"]["outcome"], "transferred");
    assert_eq!(stored["call"]["captured_fields"]["stream_fallback"], true, "{stored:#}");
    assert_eq!(stored["handshake"]["fell_back"], true, "{stored:#}");
    assert!(!stored["handshake"]["started_at"].is_null());
    assert_whole(&stored);
    let bridged = [("tenant", "shop"), ("reason", reason)];
    assert_eq!(world.metrics().await.with("trunkline_calls_bridged_total", &bridged), 1.0);
    stored
}

pub(crate) fn error_of(stored: &Value) -> &str {
    stored["handshake"]["error_message"].as_str().unwrap_or_default()
}

#[actix_rt::test]
async fn a_refused_key_leads_to_the_human_at_once() {
    let world = World::plan().knobs(|k| k.refuse = Some(401)).start().await;
    let report = world.place("hold 20").await;
    let stored = bridged(&world, &report, "model_lost").await;
    assert!(error_of(&stored).contains("401"), "{stored:#}");
    assert!(stored["handshake"]["elapsed_ms"].is_null());
    assert_eq!(world.providers.refused(), 1, "a refused key stays refused");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_service_that_is_down_is_dialled_again_and_then_the_human() {
    let world = World::plan().knobs(|k| k.refuse = Some(503)).start().await;
    let report = world.place("hold 20").await;
    let stored = bridged(&world, &report, "model_lost").await;
    assert!(error_of(&stored).contains("503"), "{stored:#}");
    assert_eq!(world.providers.refused(), 4);
    assert_eq!(world.metrics().await.sum("trunkline_model_redials_total"), 3.0);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_service_that_comes_back_in_time_answers_the_call() {
    let world = World::plan().knobs(|k| k.refuse = Some(503)).start().await;
    let call = world.ongoing("wait greeting\nhangup").await;
    crate::support::wait_for("a refusal", async || (world.providers.refused() > 0).then_some(()))
        .await;
    world.model(|_| {});
    let report = call.report().await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "realtime", "{stored:#}");
    assert_eq!(stored["handshake"]["fell_back"], false);
    assert_eq!(stored["transcript"][0]["generated"], stored["transcript"][0]["heard"]);
}

#[actix_rt::test]
async fn without_a_key_the_webhook_itself_leads_to_the_human() {
    let world = World::plan().no_model().start().await;
    assert_eq!(world.get("/health").await["status"], "ok");
    assert_eq!(world.get("/ready").await["ready"], true);
    let report = world.place("hold 5").await;
    assert_human(&report);
    assert!(report.streams.is_empty(), "no stream is opened: {report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert_eq!(stored["call"]["handoff_reason"], "model_unavailable");
    assert_eq!(stored["call"]["outcome"], "transferred");
    assert_eq!(stored["handshake"]["fell_back"], true);
    assert_eq!(stored["handshake"]["error_message"], "model_unavailable");
    let log = world.server.log();
    assert!(log.contains("OPENAI_API_KEY"), "the log says why: {log}");
    assert!(log.contains("model_unavailable"), "{log}");
    world.assert_idle().await;
}
