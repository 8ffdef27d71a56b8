//! The audit log cannot be rewritten, whoever tries.

use crate::support::{call, event, started};
use trunkline_store::{Record, Scope};

on_both_databases! {
    fn an_event_is_neither_changed_nor_deleted(database) {
        let call = call("CA1", "salon");
        database.apply(&[started(&call), Record::Event(event(&call, 1, "answered"))]);
        for sql in [
            "UPDATE call_events SET kind = 'nothing'",
            "DELETE FROM call_events",
            "DELETE FROM call_events WHERE kind = 'answered'",
        ] {
            let error = database.execute(sql).unwrap_err().to_string();
            assert!(error.contains("append-only"), "{sql}: {error}");
        }
        let events = database.store.events(Scope::AllTenants, &call.call_sid).unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].kind, "answered");
    }
}

#[test]
fn the_log_is_not_truncated() {
    let database = crate::support::Database::postgres();
    let error = database.execute("TRUNCATE call_events").unwrap_err().to_string();
    assert!(error.contains("append-only"), "{error}");
}
