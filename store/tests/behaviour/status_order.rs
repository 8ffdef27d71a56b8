//! Callbacks arrive in any order; the carrier's status only goes forward.

use crate::support::{Database, at, call, started};
use trunkline_core::ids::CallSid;
use trunkline_store::{Applied, Record, Scope, Status, StatusReport};

fn report(database: &Database, call_sid: &CallSid, status: Status, ms: i64) -> Applied {
    let report = StatusReport { call_sid: call_sid.clone(), tenant_id: None, status, at: at(ms) };
    database.store.apply(&[Record::StatusReported(report)]).unwrap()
}

on_both_databases! {
    fn a_status_never_goes_back(database) {
        for (number, (arrivals, last)) in [
            (vec![Status::InProgress, Status::Completed], Status::Completed),
            (vec![Status::Completed, Status::InProgress], Status::Completed),
            (vec![Status::InProgress, Status::Initiated, Status::Queued], Status::InProgress),
            (vec![Status::Completed, Status::Failed], Status::Completed),
            (vec![Status::NoAnswer, Status::Ringing, Status::Canceled], Status::NoAnswer),
            (vec![Status::Queued], Status::Ringing),
        ].into_iter().enumerate() {
            let call = call(&format!("CA{number}"), "salon");
            database.apply(&[started(&call)]);
            for (ms, status) in (1..).zip(&arrivals) {
                assert_eq!(report(database, &call.call_sid, *status, ms), Applied::default());
            }
            let row = database.store.call(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
            assert_eq!(row.status, last, "{arrivals:?}");
        }
    }

    fn a_report_of_a_call_that_is_not_stored_is_passed_over(database) {
        let call = call("CA1", "salon");
        database.apply(&[started(&call)]);
        let stranger = CallSid::parse("CA2").unwrap();
        assert_eq!(report(database, &stranger, Status::Completed, 1), Applied::default());
        let stored = |sid: &CallSid| database.store.call(Scope::AllTenants, sid).unwrap();
        assert_eq!(stored(&stranger), None);
        assert_eq!(stored(&call.call_sid).unwrap().status, Status::Ringing);
    }
}
