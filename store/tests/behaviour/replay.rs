//! A journal may hand over the same records again.

use crate::support::{Database, at, call, event, said, started};
use trunkline_core::ids::{AccountSid, NodeId, StreamSid};
use trunkline_core::pii::Personal;
use trunkline_store::{
    CallChange, CallRow, HandshakeRow, Mode, Outcome, Payload, Record, Scope, Speaker,
    TranscriptHeard,
};

/// Every field set, so that a column that is written to another shows.
fn full_call() -> CallRow {
    CallRow {
        account_sid: Some(AccountSid::parse("AC1").unwrap()),
        stream_sid: Some(StreamSid::parse("MZ1").unwrap()),
        phase: "greeting".to_owned(),
        outcome: Some(Outcome::Handoff),
        mode: Mode::Pipeline,
        handoff: true,
        handoff_reason: Some("asked for it".to_owned()),
        error: Some("none to speak of".to_owned()),
        turn_count: 1,
        barge_in_count: 2,
        tool_call_count: 3,
        duration_ms: Some(4),
        realtime_provider: Some("openai".to_owned()),
        model: Some("gpt-realtime".to_owned()),
        voice: Some("marin".to_owned()),
        persona: Some("receptionist".to_owned()),
        node_id: Some(NodeId::parse("n1").unwrap()),
        seed: Some(u64::MAX.cast_signed()),
        captured_fields: Payload(
            serde_json::json!({"handshake_ms": 847, "stream_fallback": false}),
        ),
        stream_started_at: Some(at(5)),
        ended_at: Some(at(6)),
        updated_at: at(7),
        ..call("CA1", "salon")
    }
}

fn change(call: &CallRow) -> CallChange {
    CallChange {
        stream_sid: Some(StreamSid::parse("MZ2").unwrap()),
        phase: Some("ended".to_owned()),
        outcome: Some(Outcome::Booked),
        mode: Some(Mode::Bridge),
        handoff: Some(false),
        handoff_reason: Some("changed".to_owned()),
        error: Some("changed".to_owned()),
        turn_count: Some(11),
        barge_in_count: Some(12),
        tool_call_count: Some(13),
        duration_ms: Some(14),
        realtime_provider: Some("simulated".to_owned()),
        model: Some("m".to_owned()),
        voice: Some("v".to_owned()),
        persona: Some("p".to_owned()),
        node_id: Some(NodeId::parse("n2").unwrap()),
        seed: Some(-1),
        captured_fields: Some(Payload(serde_json::json!({"a": [1, 2]}))),
        stream_started_at: Some(at(15)),
        ended_at: Some(at(16)),
        ..CallChange::new(call.call_sid.clone(), at(17))
    }
}

type Everything = (
    Option<CallRow>,
    Vec<trunkline_store::EventRow>,
    Vec<trunkline_store::TranscriptRow>,
    Option<HandshakeRow>,
);

fn everything(database: &Database, call: &CallRow) -> Everything {
    let (store, scope, sid) = (&database.store, Scope::AllTenants, &call.call_sid);
    (
        store.call(scope, sid).unwrap(),
        store.events(scope, sid).unwrap(),
        store.transcript(scope, sid).unwrap(),
        store.handshake(scope, sid).unwrap(),
    )
}

on_both_databases! {
    fn what_is_written_is_read_back(database) {
        let call = full_call();
        database.apply(&[started(&call)]);
        assert_eq!(everything(database, &call).0.as_ref(), Some(&call));

        database.apply(&[Record::CallChanged(Box::new(CallChange::new(call.call_sid.clone(), at(8))))]);
        let touched = CallRow { updated_at: at(8), ..call.clone() };
        assert_eq!(everything(database, &call).0, Some(touched));

        let change = change(&call);
        database.apply(&[Record::CallChanged(Box::new(change.clone()))]);
        let row = everything(database, &call).0.unwrap();
        let read_as_change = CallChange {
            call_sid: row.call_sid.clone(),
            at: row.updated_at,
            stream_sid: row.stream_sid,
            phase: Some(row.phase),
            outcome: row.outcome,
            mode: Some(row.mode),
            handoff: Some(row.handoff),
            handoff_reason: row.handoff_reason,
            error: row.error,
            turn_count: Some(row.turn_count),
            barge_in_count: Some(row.barge_in_count),
            tool_call_count: Some(row.tool_call_count),
            duration_ms: row.duration_ms,
            realtime_provider: row.realtime_provider,
            model: row.model,
            voice: row.voice,
            persona: row.persona,
            node_id: row.node_id,
            seed: row.seed,
            captured_fields: Some(row.captured_fields),
            stream_started_at: row.stream_started_at,
            ended_at: row.ended_at,
        };
        assert_eq!(read_as_change, change);
    }

    fn a_batch_applied_again_changes_nothing(database) {
        let call = full_call();
        let reply = said(&call, 1, Speaker::Agent, "of course, tomorrow at nine");
        let batch = [
            started(&call),
            Record::Event(event(&call, 1, "answered")),
            Record::Transcript(said(&call, 0, Speaker::Caller, "tomorrow?")),
            Record::Transcript(reply.clone()),
            Record::Handshake(HandshakeRow {
                call_sid: call.call_sid.clone(),
                tenant_id: call.tenant_id.clone(),
                elapsed_ms: Some(1),
                first_audio_ms: Some(2),
                fell_back: false,
                error_message: None,
                started_at: at(1),
            }),
            Record::CallChanged(Box::new(change(&call))),
            Record::TranscriptHeard(TranscriptHeard {
                id: reply.id,
                heard: Personal::new("of course"),
                interrupted: true,
                ended_at: at(3),
            }),
            Record::Event(event(&call, 2, "ended")),
        ];
        database.apply(&batch);
        let before = everything(database, &call);
        database.apply(&batch);
        database.apply(&batch[4..]);
        assert_eq!(everything(database, &call), before);
        assert_eq!((before.1.len(), before.2.len()), (2, 2));
    }

    fn a_journal_can_hold_a_record(database) {
        let call = full_call();
        let batch = vec![started(&call), Record::CallChanged(Box::new(change(&call))), Record::Event(event(&call, 1, "x"))];
        let text = serde_json::to_string(&batch).unwrap();
        let read: Vec<Record> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, batch);
        database.apply(&read);
        assert!(everything(database, &call).0.is_some());
    }
}
