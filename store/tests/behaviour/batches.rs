//! A batch is one transaction, and one bad record does not hold up the rest.

use crate::support::{call, event, said, sid, started};
use trunkline_core::pii::Personal;
use trunkline_store::{CallChange, Payload, Record, Refused, Scope, Speaker};

on_both_databases! {
    fn a_record_that_cannot_be_stored_is_left_out_and_named(database) {
        let good = call("CA1", "salon");
        let never_began = call("CA2", "salon");
        let refused = database.store.apply(&[
            started(&good),
            Record::Transcript(said(&never_began, 0, Speaker::Caller, "my name is Ada")),
            Record::Event(event(&good, 1, "answered")),
            Record::CallChanged(Box::new(CallChange::new(sid("CA3"), crate::support::at(1)))),
            Record::Event(event(&good, 2, "")),
            Record::Event(event(&good, 3, "ended")),
        ]).unwrap().refused;

        assert_eq!(refused.iter().map(|r| r.index).collect::<Vec<_>>(), [1, 3, 4]);
        assert!(refused[0].reason.to_lowercase().contains("foreign key"), "{refused:?}");
        assert_eq!(refused[1], Refused { index: 3, reason: "there is no such call".to_owned() });
        assert!(!format!("{refused:?}").contains("Ada"), "{refused:?}");
        let events = database.store.events(Scope::AllTenants, &good.call_sid).unwrap();
        assert_eq!(events.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>(), ["answered", "ended"]);
    }

    fn a_database_that_fails_is_not_blamed_on_the_record(database) {
        database.execute("DROP TABLE transcripts").unwrap();
        let call = call("CA1", "salon");
        let batch = [started(&call), Record::Transcript(said(&call, 0, Speaker::Agent, "hello"))];
        let error = database.store.apply(&batch).unwrap_err();
        assert!(!error.blames_record() && error.to_string().contains("transcripts"), "{error}");
        assert_eq!(database.store.call(Scope::AllTenants, &call.call_sid).unwrap(), None);
    }

    fn a_long_run_of_events_is_stored_in_order(database) {
        let call = call("CA1", "salon");
        let mut batch = vec![started(&call)];
        batch.extend((0..1_234).map(|seq| Record::Event(event(&call, seq, "step"))));
        database.apply(&batch);
        let events = database.store.events(Scope::AllTenants, &call.call_sid).unwrap();
        assert!(events.iter().map(|e| e.seq).eq(0..1_234));
    }

    fn a_zero_byte_does_not_block_a_batch(database) {
        let mut call = call("CA1", "salon");
        call.error = Some("bad\0byte".to_owned());
        call.captured_fields = Payload(serde_json::json!({"text": "a\0b"}));
        let mut transcript = said(&call, 0, Speaker::Caller, "one\0two");
        transcript.heard = Some(Personal::new("\0"));
        database.apply(&[started(&call), Record::Transcript(transcript)]);
        let row = database.store.call(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
        assert_eq!(row.error.as_deref(), Some("bad\u{FFFD}byte"));
        assert_eq!(row.captured_fields, call.captured_fields);
        let said = database.store.transcript(Scope::AllTenants, &call.call_sid).unwrap();
        assert_eq!(said[0].generated.expose(), "one\u{FFFD}two");
    }
}
