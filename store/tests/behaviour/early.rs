//! What the carrier tells of a call may be stored before the call's row: it waits, is
//! stored once with the row, and is given up in the end.

use std::thread;

use chrono::{DateTime, Duration, Utc};
use trunkline_core::ids::{AccountSid, RecordingSid};
use trunkline_store::{
    CallChange, HandoffOutcome, HandoffRow, HandshakeRow, Outcome, Record, RecordingForOneOf,
    RecordingRow, Scope, Settled, Status, StatusReport,
};

use crate::support::{Database, at, call, sid, started, tenant};

fn recording(name: &str, owner: &str) -> RecordingRow {
    let ids = (AccountSid::parse("AC1").unwrap(), RecordingSid::parse("RE1").unwrap());
    RecordingRow::to_fetch((tenant(owner), sid(name)), ids, at(100))
}

fn recorded(name: &str, owner: &str) -> Record {
    Record::Recorded(Box::new(recording(name, owner)))
}

fn of_one_of(name: &str, owners: &[&str]) -> Record {
    let tenants = owners.iter().map(|owner| tenant(owner)).collect();
    let recording = recording(name, owners[0]);
    Record::RecordedForOneOf(Box::new(RecordingForOneOf { tenants, recording }))
}

fn report(name: &str, status: Status) -> Record {
    let (call_sid, tenant_id) = (sid(name), Some(tenant("salon")));
    Record::StatusReported(StatusReport { call_sid, tenant_id, status, at: at(50) })
}

fn ended(name: &str) -> Record {
    let mut change = CallChange::new(sid(name), at(60));
    change.outcome = Some(Outcome::Abandoned);
    change.ended_at = Some(at(60));
    Record::CallChanged(Box::new(change))
}

fn handed_off(name: &str) -> Record {
    Record::HandedOff(HandoffRow::to_human(sid(name), tenant("salon"), "draining", at(40)))
}

fn handoff_ended(name: &str) -> Record {
    Record::HandoffEnded(HandoffOutcome {
        call_sid: sid(name),
        tenant_id: tenant("salon"),
        outcome: Status::Busy,
        talk_s: None,
        at: at(70),
    })
}

/// Everything that may come before the call's row, the last first.
fn all(name: &str) -> Vec<Record> {
    let handshake = HandshakeRow {
        call_sid: sid(name),
        tenant_id: tenant("salon"),
        elapsed_ms: None,
        first_audio_ms: None,
        fell_back: true,
        error_message: None,
        started_at: at(1),
    };
    vec![
        recorded(name, "salon"),
        handoff_ended(name),
        report(name, Status::Completed),
        report(name, Status::InProgress),
        ended(name),
        handed_off(name),
        Record::Handshake(handshake),
    ]
}

/// A row as it is, with what is in the table beside it.
fn assert_told(database: &Database, name: &str) {
    let (store, sid) = (&database.store, sid(name));
    let row = store.call(Scope::AllTenants, &sid).unwrap().unwrap();
    assert_eq!((row.status, row.outcome), (Status::Completed, Some(Outcome::Abandoned)));
    assert_eq!(row.ended_at, Some(at(60)));
    assert_eq!(store.recordings(Scope::AllTenants, &sid).unwrap().len(), 1);
    let handoff = store.handoff(Scope::AllTenants, &sid).unwrap().unwrap();
    assert_eq!((handoff.reason.as_str(), handoff.outcome), ("draining", Some(Status::Busy)));
    assert!(store.handshake(Scope::AllTenants, &sid).unwrap().unwrap().fell_back);
    let events = store.events(Scope::AllTenants, &sid).unwrap();
    assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["recording"]);
}

/// A time before which nothing of these tests was kept.
fn long_ago() -> DateTime<Utc> {
    Utc::now() - Duration::days(1)
}

fn settle(database: &Database) -> Settled {
    database.store.settle_early(long_ago()).unwrap()
}

/// Puts a record by although its call is there, as when both came at the same moment.
fn slipped_by(database: &Database, name: &str, records: &[Record]) {
    database.apply(records);
    let row = call(name, "salon");
    database
        .execute(&format!(
            "INSERT INTO calls (id, call_sid, tenant_id, direction, channel, from_number, to_number, \
             status, phase, mode, handoff, turn_count, barge_in_count, tool_call_count, \
             captured_fields, created_at, updated_at) \
             VALUES ('{}', '{name}', 'salon', 'inbound', 'phone', '+1', '+2', 'ringing', 'answering', \
             'realtime', false, 0, 0, 0, '{{}}', '2030-01-01 10:00:00', '2030-01-01 10:00:00')",
            row.id
        ))
        .unwrap();
}

on_both_databases! {
    fn what_came_before_its_call_is_stored_with_it_and_once(database) {
        for _ in 0..3 {
            database.apply(&all("CA1"));
        }
        assert_eq!(settle(database), Settled { waiting: 7, ..Settled::default() });
        database.apply(&[started(&call("CA1", "salon"))]);
        assert_told(database, "CA1");
        // The journal hands it over once more, and the carrier tells it again.
        database.apply(&[started(&call("CA1", "salon"))]);
        database.apply(&all("CA1"));
        assert_told(database, "CA1");
        assert_eq!(settle(database), Settled::default());
    }

    fn in_one_batch_the_order_does_not_matter(database) {
        let mut batch = all("CA1");
        batch.push(started(&call("CA1", "salon")));
        database.apply(&batch);
        assert_told(database, "CA1");
        assert_eq!(settle(database), Settled::default());
    }

    fn what_slipped_by_is_found_and_stored_by_one_of_many(database) {
        slipped_by(database, "CA1", &all("CA1"));
        let settled: Vec<Settled> = thread::scope(|scope| {
            let rounds: Vec<_> = (0..4).map(|_| scope.spawn(|| settle(database))).collect();
            rounds.into_iter().map(|round| round.join().unwrap()).collect()
        });
        assert!(settled.iter().all(|s| s.refused.is_empty() && s.given_up.is_empty()));
        // How the handoff ended can only be found behind the handoff.
        let last = settle(database);
        let all = settled.iter().chain([&last]);
        assert_eq!(all.flat_map(|s| s.stored.values()).sum::<usize>(), 7, "{settled:?} {last:?}");
        assert_eq!(settle(database), Settled::default());
        assert_told(database, "CA1");
    }

    fn whoever_does_not_have_the_call_gets_nothing_and_takes_nobodys_place(database) {
        database.apply(&[recorded("CA1", "garage"), recorded("CA1", "salon")]);
        database.apply(&[of_one_of("CA2", &["garage", "studio"]), of_one_of("CA3", &["garage", "salon"])]);
        for name in ["CA1", "CA2", "CA3"] {
            database.apply(&[started(&call(name, "salon"))]);
        }
        let owners = |name: &str| -> Vec<String> {
            let rows = database.store.recordings(Scope::AllTenants, &sid(name)).unwrap();
            rows.iter().map(|row| row.tenant_id.to_string()).collect()
        };
        // One account's recording has one name: that of CA3 is the first's again.
        assert_eq!((owners("CA1"), owners("CA2")), (vec!["salon".to_owned()], Vec::new()));
        let settled = settle(database);
        assert_eq!(settled.refused.get("recorded"), Some(&2), "{settled:?}");
        assert_eq!((settled.waiting, settled.stored.len()), (0, 0), "{settled:?}");
    }

    fn of_several_tenants_the_calls_own_gets_its_recording(database) {
        database.apply(&[of_one_of("CA1", &["garage", "salon"])]);
        database.apply(&[started(&call("CA1", "salon"))]);
        let rows = database.store.recordings(Scope::AllTenants, &sid("CA1")).unwrap();
        assert_eq!(rows, [RecordingRow { id: rows[0].id, ..recording("CA1", "salon") }]);
        // As it lies in a journal.
        let text = serde_json::to_string(&of_one_of("CA1", &["salon"])).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap().kind(), "recorded");
    }

    fn a_call_that_does_not_come_is_given_up(database) {
        database.apply(&all("CA1"));
        let in_time = Utc::now() + Duration::minutes(1);
        let settled = database.store.settle_early(in_time).unwrap();
        assert_eq!(settled.given_up.get("recorded"), Some(&1), "{settled:?}");
        assert_eq!(settled.given_up.values().sum::<usize>(), 7);
        assert_eq!((settled.waiting, settled.stored.len()), (0, 0));
        database.apply(&[started(&call("CA1", "salon"))]);
        let row = database.store.call(Scope::AllTenants, &sid("CA1")).unwrap().unwrap();
        assert_eq!(row.status, Status::Ringing);
    }

    fn what_another_version_wrote_waits_for_it_and_holds_up_nobody(database) {
        database.apply(&[recorded("CA1", "salon")]);
        database.execute("UPDATE early_records SET record = '{\"of_tomorrow\":1}'").unwrap();
        slipped_by(database, "CA1", &[report("CA1", Status::Completed)]);
        let settled = settle(database);
        assert_eq!(settled.stored.get("status_reported"), Some(&1), "{settled:?}");
        assert_eq!(settled.waiting, 1);
    }

    fn there_is_no_room_for_any_number(database) {
        database.apply(&[report("CA0", Status::Completed)]);
        let copies = match database.store.backend() {
            trunkline_store::Backend::Sqlite => "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)",
            trunkline_store::Backend::Postgres => "WITH n AS (SELECT generate_series(1, 20000) AS n)",
        };
        database.execute(&format!(
            "INSERT INTO early_records {copies} \
             SELECT 'x' || n.n, 'CX' || n.n, tenant_id, kind, subject, record, kept_at FROM early_records, n"
        )).unwrap();
        let refused = database.store.apply(&[report("CA1", Status::Completed), recorded("CA1", "salon")]).unwrap().refused;
        // What is of another kind has its own room.
        assert_eq!(refused.iter().map(|r| r.index).collect::<Vec<_>>(), [0], "{refused:?}");
        assert!(refused[0].reason.contains("too many"), "{refused:?}");
        assert_eq!(settle(database).waiting, 20_002);
    }
}
