//! Ways to the human: the key "0" at any moment, the agent's own tool, and the
//! operator.

use serde_json::Value;
use trunkline_simulator::carrier::{CallReport, EventKind, StreamEnd};

use crate::support::{
    HUMAN, SHOP, World, agent_line, assert_heard_whole, fact, heard, kinds, response, sent, stream,
};

fn assert_put_through(report: &CallReport) {
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.numbers_dialled(), [HUMAN]);
    assert_eq!(report.dialled[0].caller_id.as_deref(), Some(SHOP));
    assert_eq!(report.dialled[0].record, None, "a recording is asked for, never assumed");
    assert_eq!(report.said, ["Connecting you to an agent now."]);
    assert_eq!(stream(report).end, StreamEnd::ServerClosed);
}

fn assert_handed_off(stored: &Value, reason: &str) {
    let call = &stored["call"];
    assert_eq!(call["outcome"], "transferred", "{stored:#}");
    assert_eq!(call["handoff"], true);
    assert_eq!(call["handoff_reason"], reason);
    assert_eq!(call["mode"], "realtime", "the agent could serve it");
}

async fn zero(script: &str) -> (World, CallReport, Value) {
    let world = World::start().await;
    let report = world.place(&format!("{script}\npress 0\nexpect dial {HUMAN} within 10s")).await;
    assert_put_through(&report);
    let stored = world.stored(&report.call_sid).await;
    assert_handed_off(&stored, "dtmf_bridge");
    assert_eq!(fact(&stored, "dtmf")["human"], true);
    (world, report, stored)
}

#[actix_rt::test]
async fn zero_in_the_greeting_stops_it_and_dials_the_human() {
    let (world, report, stored) = zero("wait speaking 500ms").await;
    let session = world.sessions().remove(0);
    let greeting = heard(&report, response(&session, "Hello, this is Robin"));
    assert!(greeting.frames * 20 < 1_000, "{greeting:?}");
    assert_eq!(agent_line(&stored, "Hello")["interrupted"], true);
    assert_eq!(stored["call"]["barge_in_count"], 0, "a key is no interruption");
}

#[actix_rt::test]
async fn zero_before_anything_is_said_dials_the_human() {
    let (world, report, stored) = zero("").await;
    assert_eq!(stream(&report).playback.played_bytes, 0);
    assert_eq!(stored["call"]["turn_count"], 0);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn zero_in_mid_sentence_stops_it_and_dials_the_human() {
    let (world, report, stored) =
        zero("wait greeting\nsay Tell me about your services.\nwait speaking 2s").await;
    let session = world.sessions().remove(0);
    let answer = heard(&report, response(&session, "We look after homes"));
    assert!((100..150).contains(&answer.frames), "{answer:?}");
    assert_eq!(agent_line(&stored, "Of course.")["interrupted"], true);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn zero_in_a_pause_dials_the_human() {
    let (_, _, stored) = zero("wait greeting\nsay Yes, please.\nwait reply").await;
    assert_eq!(agent_line(&stored, "Wonderful")["interrupted"], false);
    assert_eq!(stored["call"]["turn_count"], 1);
}

#[actix_rt::test]
async fn another_key_is_told_to_the_model_which_answers() {
    let world = World::start().await;
    let report = world.place("wait greeting\npress 5\nwait reply\nhangup").await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.dialled, []);
    let session = world.sessions().remove(0);
    let told = session.events.iter().find(|e| e.fields.to_string().contains("the key 5"));
    assert_eq!(told.expect("the key was told").kind, "conversation.item.create");
    assert_eq!(sent(&session).iter().filter(|kind| **kind == "response.create").count(), 2);
    assert_heard_whole(&report, &session.responses[1]);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(fact(&stored, "dtmf")["human"], false);
    assert!(!fact(&stored, "dtmf").to_string().contains('5'), "keys may be secrets");
}

#[actix_rt::test]
async fn a_caller_who_asks_for_a_person_gets_one_after_the_agents_sentence() {
    let world = World::start().await;
    let report = world
        .place(&format!(
            "wait greeting\nsay Could I please speak to a real person?\nexpect dial {HUMAN} within 10s"
        ))
        .await;
    assert_put_through(&report);
    let session = world.sessions().remove(0);
    let last = session.responses.last().unwrap();
    assert_eq!(
        (last.text.as_str(), last.calls.as_slice()),
        ("Of course.", &["transfer_to_human".to_owned()][..])
    );
    assert_heard_whole(&report, last);
    assert_eq!(stream(&report).playback.unplayed_bytes, 0);
    let stored = world.stored(&report.call_sid).await;
    assert_handed_off(&stored, "agent_request");
    assert_eq!(stored["call"]["tool_call_count"], 1);
    assert!(kinds(&stored).iter().any(|kind| kind == "tool_called"));
}

#[actix_rt::test]
async fn an_operator_puts_the_caller_through_after_the_agents_sentence() {
    let world = World::start().await;
    let script = format!("wait greeting\nsay Yes, please.\nexpect dial {HUMAN} within 15s");
    let mut call = world.ongoing(&script).await;
    call.until(EventKind::AgentSpeaks).await;
    call.until(EventKind::AgentSpeaks).await;
    let path = format!("/api/v1/calls/{}/transfer", call.sid);
    let (status, body) = world.server.send("POST", &path, &serde_json::json!({})).await;
    assert_eq!(status, 202, "{body}");
    let report = call.report().await;
    assert_put_through(&report);
    assert_heard_whole(&report, response(&world.sessions()[0], "Wonderful"));
    let stored = world.stored(&report.call_sid).await;
    assert_handed_off(&stored, "operator");
}

/// What is stored of a call's way to the human, once the carrier has said how it
/// ended.
async fn handoff(world: &World, call_sid: &str) -> Value {
    crate::support::wait_for("the handoff's outcome", async || {
        let stored = world.stored(call_sid).await;
        (!stored["handoff"]["outcome"].is_null()).then(|| stored["handoff"].clone())
    })
    .await
}

#[actix_rt::test]
async fn how_it_ended_is_written_down_and_who_waited_in_vain_is_told() {
    use trunkline_simulator::carrier::{DialOutcome, place_call};
    let world = World::start().await;
    let mut plan = world.call(&format!("wait greeting\npress 0\nexpect dial {HUMAN} within 10s"));
    for (dial, outcome, said) in [
        (DialOutcome::Answered, "completed", 1),
        (DialOutcome::Busy, "busy", 2),
        (DialOutcome::NoAnswer, "no-answer", 2),
    ] {
        plan.dial = dial;
        let report = place_call(&plan, None).await;
        assert_eq!(report.said.len(), said, "{report:?}");
        let row = handoff(&world, &report.call_sid).await;
        assert_eq!(
            (&row["reason"], &row["target"], &row["outcome"]),
            (&"dtmf_bridge".into(), &"human".into(), &outcome.into()),
            "{row}"
        );
        assert_eq!(row["talk_s"].is_null(), dial != DialOutcome::Answered, "{row}");
        assert!(!row.to_string().contains("5550170099"), "the number is the tenant's business");
    }
    let report = world.place("wait greeting\nhangup").await;
    assert_eq!(world.stored(&report.call_sid).await["handoff"], Value::Null);
}

#[actix_rt::test]
async fn who_has_been_with_the_human_is_not_sent_there_again() {
    use crate::support::Webhook;
    use trunkline_simulator::carrier::Verb;
    let world = World::plan().shop("mode = \"bridge\"").start().await;
    let call = crate::support::new_call();
    assert_eq!(world.rings(&call).await.dialled().1, HUMAN);
    let over = Webhook::new("/twilio/dial-action", &call).with("DialCallStatus", "completed");
    assert_eq!(over.clone().send(&world.server).await.verbs(), [Verb::Hangup]);
    assert_eq!(over.unsigned().send(&world.server).await.status, 403);
    let failed = Webhook::new("/twilio/fallback", &call)
        .with("ErrorCode", "11205")
        .with("ErrorUrl", "https://voice.test/twilio/dial-action");
    assert_eq!(failed.send(&world.server).await.verbs(), [Verb::Hangup]);
    let row = handoff(&world, &call).await;
    assert_eq!((&row["reason"], &row["outcome"]), (&"bridge_mode".into(), &"completed".into()));
}
