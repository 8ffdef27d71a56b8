//! Callbacks arrive in any order; the carrier's status only goes forward.

use crate::support::{at, call, started};
use trunkline_store::{CallChange, Record, Scope, Status};

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
                let change = CallChange {
                    status: Some(*status),
                    turn_count: Some(ms),
                    ..CallChange::new(call.call_sid.clone(), at(i64::from(ms)))
                };
                database.apply(&[Record::CallChanged(Box::new(change))]);
            }
            let row = database.store.call(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
            assert_eq!(row.status, last, "{arrivals:?}");
            // The rest of a late callback still counts.
            assert_eq!(usize::try_from(row.turn_count).unwrap(), arrivals.len());
        }
    }
}
