//! The voice webhook: whatever is in it, and however often it comes, the carrier
//! gets instructions that it can follow.

use futures_util::future::join_all;
use serde_json::json;
use trunkline_simulator::carrier::Verb;

use crate::support::{HUMAN, Webhook, World, new_call};

#[actix_rt::test]
async fn a_call_sid_alone_is_enough() {
    let world = World::plan().env("DEFAULT_TENANT", "shop").start().await;
    let call = new_call();
    let answer = Webhook::bare("/twilio/voice").with("CallSid", &call).send(&world.server).await;
    let stream = answer.stream();
    assert_eq!(stream.url, "wss://voice.test/twilio/stream");
    let parameter = |name: &str| {
        stream.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    assert_eq!(parameter("callSid"), Some(call.clone()));
    assert_eq!(parameter("tenant").as_deref(), Some("shop"));
    assert!(parameter("token").is_some_and(|token| token.len() >= 43), "256 bits");
    let row = world.server.row(&call, |_| true).await;
    assert_eq!(row.tenant_id.as_str(), "shop");
}

#[actix_rt::test]
async fn a_number_that_nobody_owns_is_rejected() {
    let world = World::start().await;
    for unowned in [
        Webhook::new("/twilio/voice", &new_call()).with("To", "+15550179999"),
        Webhook::bare("/twilio/voice").with("CallSid", &new_call()),
    ] {
        let answer = unowned.send(&world.server).await;
        assert_eq!(answer.verbs(), [Verb::Reject { busy: false }]);
    }
    let refused = world.server.audited("call_refused", 2).await;
    assert!(refused.iter().all(|event| event.data.0["reason"] == "unknown_number"));
    let labels = [("tenant", "none"), ("reason", "unknown_number")];
    assert_eq!(world.metrics().await.with("trunkline_calls_refused_total", &labels), 2.0);
    assert_eq!(world.server.rows(), 0);
}

#[actix_rt::test]
async fn what_is_no_webhook_is_said_to_be_none() {
    let world = World::start().await;
    let long = "x".repeat(20_000);
    for path in [
        "/twilio/voice",
        "/twilio/fallback",
        "/twilio/status",
        "/twilio/connect-action",
        "/twilio/menu",
    ] {
        let whole = Webhook::new(path, &new_call());
        for (bad, complaint) in [
            (
                Webhook::bare(path).with("To", "+15550170001").with("CallStatus", "ringing"),
                "no CallSid",
            ),
            (whole.clone().with("CallSid", ""), "no CallSid"),
            (whole.clone().with("CallSid", "CA1\nlevel=ERROR"), "bad identifier"),
            (whole.clone().with("Huge", &long), "longer than 16384"),
        ] {
            let answer = bad.send(&world.server).await;
            assert_eq!(answer.status, 400, "{path}: {}", answer.text);
            assert!(answer.text.contains(complaint), "{path}: {}", answer.text);
        }
    }
    let (status, _) = world.server.send("GET", "/twilio/voice", &json!({})).await;
    assert!((400..500).contains(&status), "{status}");
    assert_eq!(world.server.rows(), 0);
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 0.0);
}

#[actix_rt::test]
async fn a_redelivered_webhook_gets_the_same_answer_and_no_second_slot() {
    let world = World::plan().shop("[limits]\nconcurrent_calls = 2").start().await;
    let (first, second) = (new_call(), new_call());
    // Ten deliveries of each of two calls, all at once.
    let rings = (0..20).map(|n| world.rings(if n % 2 == 0 { &first } else { &second }));
    let answers = join_all(rings).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer, &answers[n % 2], "delivery {n}");
    }
    assert_ne!(answers[0].stream_token(), answers[1].stream_token());
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 2.0);
    world.server.row(&first, |_| true).await;
    world.server.row(&second, |_| true).await;
    assert_eq!(world.server.rows(), 2);
    // The answer that was lost on the way still opens the stream.
    assert_eq!(world.rings(&first).await, answers[0]);
}

#[actix_rt::test]
async fn a_webhook_that_comes_after_the_call_starts_nothing() {
    let world = World::start().await;
    let report = world.place("wait greeting\nhangup").await;
    world.assert_idle().await;
    let late = world.rings(&report.call_sid).await;
    assert_eq!(late.verbs(), [Verb::Hangup]);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "abandoned", "{stored:#}");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_reservation_without_a_stream_is_given_back() {
    let plan = World::plan().env("RESERVATION_TTL_MS", 500).env("STREAM_TOKEN_TTL_MS", 1_000);
    let world = plan.start().await;
    let (waiting, _) = world.reserved().await;
    let (hung_up, _) = world.reserved().await;
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 2.0);
    // The caller hangs up before the stream opens: the slot does not wait.
    assert_eq!(world.status(&hung_up, "completed").await, 204);
    world.slots(1.0).await;
    let over = |row: &trunkline_store::CallRow| row.ended_at.is_some();
    let row = world.server.row(&hung_up, over).await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("abandoned"));
    world.slots(0.0).await;
    let row = world.server.row(&waiting, over).await;
    assert_eq!(row.error.as_deref(), Some("no_stream"));
    assert_eq!((row.outcome.map(|o| o.as_str()), row.phase.as_str()), (Some("abandoned"), "ended"));
    let abandoned = [("tenant", "shop"), ("outcome", "abandoned")];
    assert_eq!(world.metrics().await.with("trunkline_calls_total", &abandoned), 2.0);
    world.assert_not_dialled();
}

#[actix_rt::test]
async fn a_call_that_cannot_be_answered_goes_to_a_human() {
    let world = World::start().await;
    world.fault("limiter", None, json!({ "stall": { "ms": 3_500 } })).await;
    let call = new_call();
    let (said, number) = world.rings(&call).await.dialled();
    assert_eq!((said.as_str(), number.as_str()), ("Connecting you to an agent now.", HUMAN));
    let row = world.server.row(&call, |row| row.ended_at.is_some()).await;
    assert_eq!(row.mode.as_str(), "bridge");
    assert_eq!(row.handoff_reason.as_deref(), Some("internal_error"));
    let lines = world.server.logged("a call could not be answered");
    assert_eq!(lines.len(), 1, "{lines:?}");
    // The limiter comes back, and what it was asked meanwhile holds no slot.
    world.reserved().await;
    assert_eq!(world.metrics().await.sum("trunkline_slots_held"), 1.0);
}

#[actix_rt::test]
async fn the_fallback_url_leads_to_a_human_and_gives_the_slot_back() {
    let world = World::start().await;
    let (call, _) = world.reserved().await;
    let failed = Webhook::new("/twilio/fallback", &call)
        .with("ErrorCode", "11200")
        .with("ErrorUrl", "https://voice.test/twilio/voice");
    for _ in 0..2 {
        let (said, number) = failed.send(&world.server).await.dialled();
        assert_eq!((said.as_str(), number.as_str()), ("Connecting you to an agent now.", HUMAN));
    }
    world.slots(0.0).await;
    let row = world.server.row(&call, |row| row.ended_at.is_some()).await;
    assert_eq!(row.handoff_reason.as_deref(), Some("webhook_fallback"));
    assert_eq!(row.mode.as_str(), "bridge");
    let lines = world.server.logged("the carrier could not use our answer");
    assert_eq!(lines[0]["error_code"], 11_200, "{lines:?}");

    // Of a number that nobody owns there is no human to be had.
    let unowned = Webhook::new("/twilio/fallback", &new_call()).with("To", "+15550179999");
    assert!(unowned.send(&world.server).await.last_words().contains("nobody can take your call"));
}
