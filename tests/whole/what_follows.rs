//! What follows a stream: asked twice, of calls that nobody knows, and of calls
//! of another process.

use chrono::Utc;
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_simulator::carrier::Verb;
use trunkline_store::{CallRow, Outcome, Record};

use crate::support::{CALLER, HUMAN, SHOP, Webhook, World, new_call};

fn to_a_human() -> (String, String) {
    ("Connecting you to an agent now.".to_owned(), HUMAN.to_owned())
}

#[actix_rt::test]
async fn the_question_may_be_asked_twice_and_of_another_process() {
    let world = World::start().await;
    let other = world.server.beside("another-node");
    let done = world
        .place("wait greeting\nsay Sorry, that is all I needed, thank you. Goodbye!\nexpect hangup within 20s")
        .await;
    let moved = world.place("wait greeting\npress 0\nwait 5s").await;
    assert_eq!(moved.numbers_dialled(), [HUMAN], "{moved:?}");
    world.stored(&done.call_sid).await;
    world.stored(&moved.call_sid).await;
    for server in [&world.server, &world.server, &other] {
        let ask = |call: &str| Webhook::new("/twilio/connect-action", call);
        assert_eq!(ask(&done.call_sid).send(server).await.verbs(), [Verb::Hangup]);
        assert_eq!(ask(&moved.call_sid).send(server).await.dialled(), to_a_human());
    }
    assert_eq!(world.server.rows(), 2);
}

#[actix_rt::test]
async fn a_call_that_nobody_knows_goes_to_a_human() {
    let world = World::start().await;
    assert_eq!(world.what_next(&new_call()).await.dialled(), to_a_human());
    assert_eq!(world.server.rows(), 0);
}

#[actix_rt::test]
async fn a_call_that_went_wrong_elsewhere_goes_to_a_human() {
    let world = World::start().await;
    for (outcome, error) in [
        (Outcome::Failed, Some("node_lost")),
        (Outcome::Failed, None),
        (Outcome::Abandoned, Some("no_stream")),
    ] {
        let number = PhoneNumber::new;
        let mut row = CallRow::inbound(
            CallSid::parse(&new_call()).unwrap(),
            TenantId::parse("shop").unwrap(),
            number(CALLER),
            number(SHOP),
            Utc::now(),
        );
        row.outcome = Some(outcome);
        row.error = error.map(str::to_owned);
        row.ended_at = Some(Utc::now());
        let call = row.call_sid.as_str().to_owned();
        world.server.store().apply(&[Record::CallStarted(Box::new(row))]).unwrap();
        assert_eq!(world.what_next(&call).await.dialled(), to_a_human(), "{outcome:?} {error:?}");
    }
}

#[actix_rt::test]
async fn a_stream_that_could_not_be_opened_leads_to_a_human_at_once() {
    let world = World::start().await;
    let (call, _) = world.reserved().await;
    let ask = Webhook::new("/twilio/connect-action", &call).with("ErrorCode", "31920");
    for _ in 0..3 {
        assert_eq!(ask.send(&world.server).await.dialled(), to_a_human());
    }
    world.slots(0.0).await;
    let stored = world.stored(&call).await;
    assert_eq!(stored["call"]["mode"], "bridge");
    assert_eq!(stored["call"]["handoff_reason"], "stream_not_opened");
    assert_eq!(stored["handshake"]["fell_back"], true);
    let labels = [("reason", "stream_not_opened")];
    assert_eq!(world.metrics().await.with("trunkline_calls_bridged_total", &labels), 1.0);
    world.assert_not_dialled();
}
