//! Neither a password nor a person is printed by accident.

use crate::support::{CALLER, Database, call, said, started};
use trunkline_store::{CallRow, Mode, Record, Scope, Speaker, Store};

on_both_databases! {
    fn rows_print_without_the_person(database) {
        let call = call("CA1", "salon");
        let said = said(&call, 0, Speaker::Caller, "my name is Ada");
        let records = [started(&call), Record::Transcript(said)];
        database.apply(&records);
        let row = database.store.call(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
        let said = database.store.transcript(Scope::AllTenants, &call.call_sid).unwrap();
        assert_eq!(row.from_number.expose(), CALLER);
        assert_eq!(said[0].generated.expose(), "my name is Ada");
        let printed = format!("{records:?} {row:?} {said:?}");
        assert!(!printed.contains("415555") && !printed.contains("Ada"), "{printed}");
    }

    fn a_refused_row_is_not_quoted(database) {
        let call = CallRow { turn_count: -1, error: Some("Ada".to_owned()), ..call("CA1", "salon") };
        let refused = database.store.apply(&[started(&call)]).unwrap().refused;
        assert_eq!(refused.len(), 1);
        let reason = &refused[0].reason;
        assert!(reason.contains("turn_count"), "{reason}");
        assert!(!reason.contains("415555") && !reason.contains("Ada"), "{reason}");
    }
}

#[test]
fn a_store_prints_without_its_password() {
    let url = Database::postgres().url.replacen("trunkline@", "trunkline:hunter2@", 1);
    let store = Store::open(&url, 1).unwrap();
    assert!(!format!("{store:?}").contains("hunter2"), "{store:?}");
}

#[test]
fn a_url_that_cannot_be_read_is_not_quoted() {
    for url in [
        "postgres://ann:hunter2%zz@127.0.0.1:1/x",
        "postgres://ann:hunter2@127.0.0.1:port/x",
        "postgres://ann:hunter2@127.0.0.1:1/x?nonsense=1",
        "postgres://ann@127.0.0.1:1/x?password=hunter2",
        "postgres://ann:hunt/er2@127.0.0.1:1/x",
        "mysql://ann:hunter2@127.0.0.1/x",
        "host=127.0.0.1 password=hunter2",
    ] {
        let error = Store::open(url, 1).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("hunt"), "{url}: {shown}");
    }
}

on_both_databases! {
    fn an_error_prints_without_the_row(database) {
        // Taken behind the store's back, so that reading fails on a value.
        let call = call("CA1", "salon");
        database.apply(&[started(&call)]);
        assert_eq!(call.mode, Mode::Realtime);
        database.execute("UPDATE calls SET tenant_id = 'not a name'").unwrap();
        let error = database.store.call(Scope::AllTenants, &call.call_sid).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("415555"), "{error:?}");
    }
}
