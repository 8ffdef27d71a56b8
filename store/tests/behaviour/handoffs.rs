//! A call that was put through to a human, and how that ended.

use crate::support::{at, call, sid, started, tenant};
use trunkline_store::{HandoffOutcome, HandoffRow, Record, Scope, Status};

fn ended(name: &str, outcome: Status, ms: i64) -> Record {
    Record::HandoffEnded(HandoffOutcome {
        call_sid: sid(name),
        tenant_id: tenant("salon"),
        outcome,
        talk_s: Some(42),
        at: at(ms),
    })
}

on_both_databases! {
    fn the_first_word_stays(database) {
        let call = call("CA1", "salon");
        let handoff = |reason: &str, ms| {
            HandoffRow::to_human(call.call_sid.clone(), call.tenant_id.clone(), reason, at(ms))
        };
        let batch = [
            started(&call),
            Record::HandedOff(handoff("agent_request", 5)),
            Record::HandedOff(handoff("something_else", 6)),
        ];
        database.apply(&batch);
        let read = |owner: &str| database.store.handoff(Scope::Tenant(&tenant(owner)), &call.call_sid).unwrap();
        assert_eq!(read("salon"), Some(handoff("agent_request", 5)));
        assert_eq!(read("garage"), None);

        // Another tenant's word is nothing.
        database.apply(&[Record::HandoffEnded(HandoffOutcome {
            call_sid: call.call_sid.clone(),
            tenant_id: tenant("garage"),
            outcome: Status::Failed,
            talk_s: None,
            at: at(8),
        })]);
        let batch = [ended("CA1", Status::Completed, 9), ended("CA1", Status::Busy, 10)];
        database.apply(&batch);
        // A journal may hand over the same again.
        database.apply(&batch);
        let row = read("salon").unwrap();
        assert_eq!((row.outcome, row.outcome_at, row.talk_s), (Some(Status::Completed), Some(at(9)), Some(42)));
        assert_eq!((row.reason.as_str(), row.target.as_str()), ("agent_request", "human"));
    }

    fn a_report_of_no_handoff_of_ours_is_no_mistake(database) {
        database.apply(&[ended("CA9", Status::NoAnswer, 1)]);
        let nobody = HandoffRow::to_human(sid("CA9"), tenant("salon"), "agent_request", at(1));
        database.apply(&[Record::HandedOff(nobody)]);
        let read = database.store.handoff(Scope::AllTenants, &sid("CA9")).unwrap();
        assert_eq!(read, None, "there is no such call");
    }

    fn only_a_last_word_is_an_outcome(database) {
        let call = call("CA1", "salon");
        let handoff = HandoffRow::to_human(call.call_sid.clone(), call.tenant_id.clone(), "silence", at(1));
        database.apply(&[started(&call), Record::HandedOff(handoff)]);
        let refused = database.store.apply(&[ended("CA1", Status::Ringing, 2)]).unwrap().refused;
        assert_eq!(refused.len(), 1);
        let text = serde_json::to_string(&ended("CA1", Status::Busy, 3)).unwrap();
        database.apply(&[serde_json::from_str(&text).unwrap()]);
        let row = database.store.handoff(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
        assert_eq!(row.outcome, Some(Status::Busy));
    }
}
