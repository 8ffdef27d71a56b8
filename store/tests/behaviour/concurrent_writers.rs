//! Several writers at once, in one process and in several, lose nothing.

use std::thread;

use crate::support::{at, call, event, started};
use trunkline_core::ids::NodeId;
use trunkline_store::{CallChange, CallRow, Record, Scope, Store};

/// Enough that writers meet; a lock taken too late fails the first of them.
const WRITERS: usize = 6;
const BATCHES: usize = 15;

on_both_databases! {
    fn nothing_is_lost(database) {
        // Each store has a pool of its own, as another process would.
        let other = Store::open(&database.url, 2).unwrap();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let store = if writer % 2 == 0 { &database.store } else { &other };
                scope.spawn(move || write_calls(store, writer));
            }
        });
        let calls = database.store.calls(Scope::AllTenants, 1_000, None).unwrap();
        assert_eq!(calls.len(), WRITERS * BATCHES);
        for call in calls {
            assert_eq!(call.turn_count, 1);
            assert_eq!(other.events(Scope::AllTenants, &call.call_sid).unwrap().len(), 3);
        }
    }
}

fn write_calls(store: &Store, writer: usize) {
    for batch in 0..BATCHES {
        let node_id = NodeId::parse(&format!("n{writer}")).unwrap();
        let call = CallRow {
            node_id: Some(node_id.clone()),
            ..call(&format!("CA{writer}-{batch}"), "salon")
        };
        let mut change = CallChange::new(call.call_sid.clone(), at(5));
        change.turn_count = Some(1);
        let applied = store.apply(&[
            started(&call),
            Record::Event(event(&call, 1, "answered")),
            Record::CallChanged(Box::new(change)),
            Record::Event(event(&call, 2, "ended")),
        ]);
        assert_eq!(applied.unwrap().refused, []);
        // A reader in between must neither block nor be blocked.
        assert!(store.call(Scope::AllTenants, &call.call_sid).unwrap().is_some());
        // Reads before it writes, so it must have taken the lock before it read.
        assert_eq!(store.close_open_calls(&node_id, at(1_000)).unwrap(), 1);
    }
}

#[test]
fn a_database_in_memory_is_one_for_all_threads() {
    let store = Store::open("sqlite::memory:", 4).unwrap();
    store.migrate().unwrap();
    thread::scope(|scope| {
        for writer in 0..3 {
            let store = &store;
            scope.spawn(move || write_calls(store, writer));
        }
    });
    assert_eq!(store.calls(Scope::AllTenants, 1_000, None).unwrap().len(), 3 * BATCHES);
}
