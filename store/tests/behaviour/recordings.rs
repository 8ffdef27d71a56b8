//! The carrier's recordings of calls: one row however often they are told of, one
//! node that fetches each, and gone with their call's words.

use std::collections::BTreeSet;
use std::thread;

use chrono::Duration;
use trunkline_core::ids::{AccountSid, NodeId, RecordingSid};
use trunkline_core::pii::PhoneNumber;
use trunkline_store::{
    FetchAgain, NumberForms, PrivacyKey, Record, RecordingRow, RecordingState, Retention, Scope,
};

use crate::support::{CALLER, Database, at, call, sid, started, tenant};

fn recording(call: &str, owner: &str, account: &str, name: &str) -> RecordingRow {
    RecordingRow::to_fetch(
        (tenant(owner), sid(call)),
        (AccountSid::parse(account).unwrap(), RecordingSid::parse(name).unwrap()),
        at(100),
    )
}

fn told(row: &RecordingRow) -> Record {
    Record::Recorded(Box::new(row.clone()))
}

fn node(name: &str) -> NodeId {
    NodeId::parse(name).unwrap()
}

fn all(database: &Database, call: &str) -> Vec<RecordingRow> {
    database.store.recordings(Scope::AllTenants, &sid(call)).unwrap()
}

fn key() -> PrivacyKey {
    PrivacyKey::parse(&"1".repeat(32)).unwrap()
}

on_both_databases! {
    fn however_often_it_is_told_of_there_is_one(database) {
        let first = recording("CA1", "salon", "AC1", "RE1");
        let again = recording("CA1", "salon", "AC1", "RE1");
        let another_accounts = recording("CA1", "salon", "AC2", "RE1");
        database.apply(&[started(&call("CA1", "salon"))]);
        database.apply(&[told(&first), told(&again), told(&another_accounts), told(&first)]);
        assert_eq!(all(database, "CA1"), [first.clone(), another_accounts]);
        let (salon, garage) = (tenant("salon"), tenant("garage"));
        assert_eq!(database.store.recordings(Scope::Tenant(&salon), &sid("CA1")).unwrap().len(), 2);
        assert_eq!(database.store.recordings(Scope::Tenant(&garage), &sid("CA1")).unwrap(), []);
        // As it lies in a journal.
        let text = serde_json::to_string(&told(&first)).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), told(&first));
    }

    fn a_call_that_is_not_there_or_anothers_has_none(database) {
        database.apply(&[started(&call("CA1", "salon"))]);
        let anothers = told(&recording("CA1", "garage", "AC1", "RE1"));
        assert_eq!(database.store.apply(&[anothers]).unwrap().refused.len(), 1);
        database.apply(&[told(&recording("CA9", "salon", "AC1", "RE1"))]);
        assert_eq!((all(database, "CA1"), all(database, "CA9")), (Vec::new(), Vec::new()));
    }

    fn what_makes_no_sense_is_refused_by_the_database(database) {
        database.apply(&[started(&call("CA1", "salon"))]);
        let good = recording("CA1", "salon", "AC1", "RE1");
        let bad = [
            RecordingRow { channels: Some(3), ..good.clone() },
            RecordingRow { duration_s: Some(-1), ..good.clone() },
            RecordingRow { next_attempt_at: None, ..good.clone() },
            RecordingRow { path: Some("x".to_owned()), ..good.clone() },
            RecordingRow { state: RecordingState::Stored, next_attempt_at: None, ..good.clone() },
            RecordingRow { state: RecordingState::Failed, next_attempt_at: None, ..good.clone() },
        ];
        for row in bad {
            if database.store.apply(&[told(&row)]).unwrap().refused.is_empty() {
                assert_eq!(all(database, "CA1"), [], "{row:?}");
            }
        }
        assert_eq!(all(database, "CA1"), []);
        database.apply(&[told(&good.absent("absent".to_owned()))]);
        assert_eq!(all(database, "CA1")[0].state, RecordingState::Failed);
    }

    fn each_is_fetched_by_one_node(database) {
        let names: Vec<String> = (0..12).map(|number| format!("RE{number}")).collect();
        database.apply(&[started(&call("CA1", "salon")), started(&call("CA2", "garage"))]);
        for (number, name) in names.iter().enumerate() {
            let (call, owner) = [("CA1", "salon"), ("CA2", "garage")][number % 2];
            database.apply(&[told(&recording(call, owner, "AC1", name))]);
        }
        let store = &database.store;
        assert_eq!(store.claim_recording(&node("a"), at(99), at(999)).unwrap(), None, "not yet");
        let claimed: Vec<String> = thread::scope(|scope| {
            let claims: Vec<_> = (0..4)
                .map(|number| {
                    scope.spawn(move || {
                        let mut mine = Vec::new();
                        let me = node(&format!("node-{number}"));
                        while let Some(row) = store.claim_recording(&me, at(200), at(900)).unwrap() {
                            assert_eq!((row.attempts, row.node_id.as_ref()), (1, Some(&me)));
                            mine.push(row.recording_sid.to_string());
                        }
                        mine
                    })
                })
                .collect();
            claims.into_iter().flat_map(|claim| claim.join().unwrap()).collect()
        });
        assert_eq!(claimed.len(), names.len(), "each once: {claimed:?}");
        assert_eq!(claimed.iter().collect::<BTreeSet<_>>(), names.iter().collect());
        // Whoever was at it is lost.
        assert!(store.claim_recording(&node("b"), at(901), at(999)).unwrap().is_some());
    }

    fn a_claim_ends_stored_failed_or_taken_over(database) {
        let (store, me) = (&database.store, node("a"));
        database.apply(&[started(&call("CA1", "salon")), told(&recording("CA1", "salon", "AC1", "RE1"))]);
        let first = store.claim_recording(&me, at(200), at(300)).unwrap().unwrap();
        assert!(store.recording_failed(&first, "404", FetchAgain::At(at(250)), at(210)).unwrap());
        let row = all(database, "CA1").remove(0);
        assert_eq!((row.state, row.node_id, row.error.as_deref()), (RecordingState::Pending, None, Some("404")));
        assert_eq!((row.attempts, row.next_attempt_at), (1, Some(at(250))));
        assert_eq!(store.release_recordings(&me, at(211)).unwrap(), 0, "it is in nobody's hand");
        assert_eq!(store.claim_recording(&me, at(249), at(300)).unwrap(), None);

        // The process dies, and begins again.
        let second = store.claim_recording(&me, at(250), at(300)).unwrap().unwrap();
        assert_eq!(store.release_recordings(&node("b"), at(260)).unwrap(), 0);
        assert_eq!(store.release_recordings(&me, at(260)).unwrap(), 1);
        let third = store.claim_recording(&node("b"), at(260), at(300)).unwrap().unwrap();
        assert_eq!(third.attempts, 3);
        assert!(!store.recording_stored(&second, ("old", 1), at(270)).unwrap(), "too late");
        assert!(!store.recording_failed(&second, "old", FetchAgain::Never, at(270)).unwrap());
        assert!(store.recording_stored(&third, ("salon/x.wav", 7), at(280)).unwrap());
        let row = all(database, "CA1").remove(0);
        assert_eq!((row.state, row.node_id), (RecordingState::Stored, Some(node("b"))));
        assert_eq!((row.path.as_deref(), row.bytes, row.error), (Some("salon/x.wav"), Some(7), None));
        assert_eq!(store.claim_recording(&me, at(9_999), at(10_000)).unwrap(), None);
        assert!(!store.recording_failed(&third, "late", FetchAgain::Never, at(290)).unwrap());
    }

    fn the_last_failure_is_the_end(database) {
        database.apply(&[started(&call("CA1", "salon")), told(&recording("CA1", "salon", "AC1", "RE1"))]);
        let claimed = database.store.claim_recording(&node("a"), at(200), at(300)).unwrap().unwrap();
        assert!(database.store.recording_failed(&claimed, "gone", FetchAgain::Never, at(210)).unwrap());
        let row = all(database, "CA1").remove(0);
        assert_eq!((row.state, row.next_attempt_at), (RecordingState::Failed, None));
        assert_eq!(database.store.claim_recording(&node("a"), at(9_999), at(10_000)).unwrap(), None);
    }

    fn it_goes_with_the_words_of_its_call_and_does_not_come_back(database) {
        let (old, person) = (recording("CA1", "salon", "AC1", "RE1"), recording("CA2", "salon", "AC1", "RE2"));
        let mut young = call("CA2", "salon");
        young.created_at = at(0) + Duration::days(2);
        young.ended_at = Some(young.created_at);
        database.apply(&[started(&call("CA1", "salon")), started(&young), told(&old), told(&person)]);
        let store = &database.store;
        let claimed = store.claim_recording(&node("a"), at(200), at(300)).unwrap().unwrap();
        assert_eq!(claimed.recording_sid, old.recording_sid);
        let due = Retention { tenant: Some(tenant("salon")), words_before: Some(at(0) + Duration::days(1)), numbers_before: None };
        assert_eq!(store.retain(&due, &key(), at(400)).unwrap().call_recordings, 1);
        assert_eq!(all(database, "CA1"), []);
        assert!(!store.recording_stored(&claimed, ("x", 1), at(410)).unwrap(), "erased while it was fetched");
        database.apply(&[told(&old)]);
        assert_eq!(all(database, "CA1"), [], "the carrier's word comes too late");

        let number = NumberForms::new(&PhoneNumber::new(CALLER), &[key()]);
        let held = store.held_about(Scope::AllTenants, &number).unwrap().calls;
        let held: Vec<_> = held.into_iter().flat_map(|call| call.recordings).collect();
        assert_eq!(held, std::slice::from_ref(&person));
        assert_eq!(store.look_for_person(Scope::AllTenants, &number).unwrap().removed.call_recordings, 1);
        assert_eq!(all(database, "CA2"), [person]);
        assert_eq!(store.erase(Scope::AllTenants, &number, at(500)).unwrap().removed.call_recordings, 1);
        assert_eq!(all(database, "CA2"), []);
    }
}
