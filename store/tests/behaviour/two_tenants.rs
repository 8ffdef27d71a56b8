//! Every query of a tenant's data says whose: two tenants with the same things, each
//! read in both names, and a look at the store's own code, so that a new function
//! without a tenant fails here.

use std::fs;
use std::path::Path;

use chrono::Duration;
use serde_json::json;
use trunkline_core::block_list::Blocked;
use trunkline_core::ids::{AccountSid, RecordingSid, ResourceId, TenantId};
use trunkline_core::pii::{Personal, PhoneNumber};
use trunkline_store::{
    AppointmentQuery, BlockedRow, EffectKey, HandoffRow, HandshakeRow, NewAppointment, NewHold,
    NumberForms, PrivacyKey, Record, RecordingRow, Scope, Speaker, Status, StatusReport,
    SwitchChange, TimeSlot, When,
};
use uuid::Uuid;

use crate::support::{CALLER, Database, at, call, event, said, sid, started, tenant};

/// Functions of the store whose signature names no tenant, and why that is right.
const FOR_ALL: &[(&str, &str)] = &[
    ("apply", "records say themselves whose they are"),
    ("backend", "nobody's data"),
    ("block_number", "the row says whose"),
    ("claim_recording", "a node fetches for all tenants"),
    ("close_calls_of_lost", "a lost node had calls of all tenants"),
    ("close_open_calls", "a process had calls of all tenants"),
    ("migrate", "nobody's data"),
    ("nodes", "nodes serve all tenants"),
    ("nodes_with_calls", "nodes serve all tenants"),
    ("overwrite_deleted", "nobody's data"),
    ("ping", "nobody's data"),
    ("recording_failed", "the claimed row says whose"),
    ("recording_stored", "the claimed row says whose"),
    ("release_recordings", "a node fetches for all tenants"),
    ("retain", "what is due says whose"),
    ("set_switch", "the change says whose"),
    ("settle_early", "a node stores what waits for calls of all tenants"),
    ("take_over_effect", "the row says whose, and was read by its key"),
    ("tenants_with_calls", "retention looks for tenants without a file"),
    ("words_of", "retention looks for the calls of files, and is told their tenants"),
];

/// What says whose in a signature.
const SAY_WHOSE: [&str; 3] = ["Scope<", "TenantId", "&EffectKey"];

#[test]
fn every_function_says_whose_data_it_is_about() {
    let mut found = Vec::new();
    functions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 40, "the code is read: {found:?}");
    let mut unscoped: Vec<&str> = found
        .iter()
        .filter(|(_, signature)| !SAY_WHOSE.iter().any(|word| signature.contains(word)))
        .map(|(name, _)| name.as_str())
        .collect();
    unscoped.sort_unstable();
    let known: Vec<&str> = FOR_ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(unscoped, known, "take a Scope or a tenant, or say in FOR_ALL why not");
}

/// The public functions of `impl Store` in a folder, with their signatures.
fn functions(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
            continue;
        }
        let code = fs::read_to_string(&path).unwrap();
        for block in code.split("\nimpl Store {\n").skip(1) {
            let block = block.split("\n}\n").next().unwrap();
            for function in block.split("\n    pub fn ").skip(1) {
                let name: String =
                    function.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                // What is asked, not what is answered.
                let signature = function.split(") ->").next().unwrap().to_owned();
                if signature.contains("&self") {
                    found.push((name, signature));
                }
            }
        }
    }
}

fn key() -> PrivacyKey {
    PrivacyKey::parse(&"1".repeat(32)).unwrap()
}

fn chair() -> ResourceId {
    ResourceId::parse("chair").unwrap()
}

/// Everything that a tenant can have, the same as every other but for the calls' names.
fn fill(database: &Database, owner: &str, name: &str) {
    let (store, owner) = (&database.store, tenant(owner));
    let mut row = call(name, owner.as_str());
    row.ended_at = Some(at(1));
    let mut of_no_call = event(&row, 9, "odd");
    of_no_call.call_sid = None;
    of_no_call.data.0 = json!({ "number": CALLER });
    let account = AccountSid::parse("AC1").unwrap();
    let recording = RecordingSid::parse(&format!("RE{name}")).unwrap();
    let (sid, id) = (row.call_sid.clone(), owner.clone());
    database.apply(&[
        started(&row),
        Record::Event(event(&row, 1, "answered")),
        Record::Event(of_no_call),
        Record::Transcript(said(&row, 0, Speaker::Caller, "hello")),
        Record::HandedOff(HandoffRow::to_human(sid.clone(), id.clone(), "why", at(0))),
        Record::Recorded(Box::new(RecordingRow::to_fetch((id, sid), (account, recording), at(0)))),
        Record::Handshake(HandshakeRow {
            call_sid: row.call_sid.clone(),
            tenant_id: owner.clone(),
            elapsed_ms: None,
            first_audio_ms: None,
            fell_back: false,
            error_message: None,
            started_at: at(0),
        }),
    ]);
    let effect = EffectKey::new(owner.clone(), row.call_sid, "send_sms", &json!({}));
    store.begin_effect(&effect, Uuid::new_v4(), at(0)).unwrap();
    let slot = |hour: i64| TimeSlot::new(at(0) + Duration::hours(hour), 30).unwrap();
    let wanted = NewAppointment {
        when: When::At(chair(), slot(1)),
        customer_name: Personal::new("Ada"),
        phone_number: PhoneNumber::new(CALLER),
        email: None,
        service: None,
        call_sid: None,
        request: None,
    };
    store.book(&owner, &wanted, at(0)).unwrap();
    let hold =
        NewHold { resource: chair(), slot: slot(2), expires_at: at(999_999), call_sid: None };
    store.hold(&owner, &hold, at(0)).unwrap();
    let line = BlockedRow {
        tenant_id: Some(owner.clone()),
        pattern: Blocked::parse(CALLER).unwrap(),
        created_at: at(0),
        created_by: "ops".to_owned(),
    };
    store.block_number(&line).unwrap();
    let change: SwitchChange =
        serde_json::from_value(json!({ "tenant_id": owner, "bridge_only": true })).unwrap();
    store.set_switch(&change, "ops", at(0)).unwrap();
}

/// How much of a call, and of everything else, is found within a scope.
fn found(database: &Database, scope: Scope<'_>, name: &str) -> Vec<usize> {
    let (store, sid) = (&database.store, sid(name));
    let person = NumberForms::new(&PhoneNumber::new(CALLER), &[key()]);
    let held = store.held_about(scope, &person).unwrap();
    let of_call = [
        store.call(scope, &sid).unwrap().into_iter().count(),
        store.events(scope, &sid).unwrap().len().min(1),
        store.transcript(scope, &sid).unwrap().len(),
        store.handshake(scope, &sid).unwrap().into_iter().count(),
        store.handoff(scope, &sid).unwrap().into_iter().count(),
        store.recordings(scope, &sid).unwrap().len(),
        store.effects(scope, &sid).unwrap().len(),
    ];
    let of_tenant = [
        store.calls(scope, 10, None).unwrap().len(),
        store.handshakes(scope, at(0), 10).unwrap().len(),
        usize::try_from(store.counts(scope, at(0)).unwrap().total).unwrap(),
        store.switches(scope).unwrap().len(),
        store.blocked_numbers(scope).unwrap().len(),
        store.calls_of_person(scope, &person).unwrap().len(),
        held.calls.len(),
        held.appointments.len(),
        held.blocked_by.len(),
        store.look_for_person(scope, &person).unwrap().removed.calls,
    ];
    of_call.into_iter().chain(of_tenant).collect()
}

on_both_databases! {
    fn each_finds_its_own_and_nothing_of_the_other(database) {
        fill(database, "salon", "CA1");
        fill(database, "garage", "CA2");
        let (salon, garage) = (tenant("salon"), tenant("garage"));
        let nobody = tenant("nobody");
        for (owner, own, other) in [(&salon, "CA1", "CA2"), (&garage, "CA2", "CA1")] {
            let mut expected = vec![1; 17];
            assert_eq!(found(database, Scope::Tenant(owner), own), expected, "{owner}");
            expected[..7].fill(0);
            assert_eq!(found(database, Scope::Tenant(owner), other), expected, "{owner}");
            assert_eq!(found(database, Scope::Tenant(&nobody), own), [0; 17]);
            let mut all = vec![2; 17];
            all[..7].fill(1);
            assert_eq!(found(database, Scope::AllTenants, own), all);
        }
        let (store, day) = (&database.store, (at(0), at(0) + Duration::days(1)));
        let all = AppointmentQuery { limit: 10, ..AppointmentQuery::default() };
        let calendar = |owner: &TenantId| {
            let appointments = store.appointments(owner, &all).unwrap();
            let numbers = appointments.iter().map(|row| row.confirmation_number);
            let own = numbers.filter(|n| store.appointment(owner, *n).unwrap().is_some()).count();
            let taken = store.taken_times(owner, &chair(), day, at(1)).unwrap().len();
            let free = store.free_times(owner, &chair(), day, at(1)).unwrap().len();
            [own, store.holds(owner, at(1)).unwrap().len(), taken, free]
        };
        assert_eq!(calendar(&salon), [1, 1, 2, 3]);
        assert_eq!(calendar(&garage), [1, 1, 2, 3]);
        assert_eq!(calendar(&nobody), [0, 0, 0, 1]);
        let theirs = store.holds(&garage, at(1)).unwrap().remove(0);
        assert!(!store.release_hold(&salon, theirs.id).unwrap());

        // What one has taken out stays with the other.
        let person = NumberForms::new(&PhoneNumber::new(CALLER), &[key()]);
        store.erase(Scope::Tenant(&salon), &person, at(5)).unwrap();
        let left = found(database, Scope::Tenant(&garage), "CA2");
        assert_eq!(left, [1; 17]);
        assert_eq!(calendar(&garage), [1, 1, 2, 3]);
    }

    fn nobody_reports_on_anothers_call(database) {
        let open = call("CA1", "salon");
        database.apply(&[started(&open)]);
        let status = || database.store.call(Scope::AllTenants, &sid("CA1")).unwrap().unwrap().status;
        let before = status();
        let report = |owner: Option<&str>| Record::StatusReported(StatusReport {
            call_sid: sid("CA1"),
            tenant_id: owner.map(tenant),
            status: Status::Completed,
            at: at(1),
        });
        database.apply(&[report(Some("garage"))]);
        assert_eq!(status(), before);
        database.apply(&[report(Some("salon"))]);
        assert_eq!(status(), Status::Completed);
        // As it lies in a journal from before.
        let mut old = serde_json::to_value(report(None)).unwrap();
        old["status_reported"].as_object_mut().unwrap().remove("tenant_id");
        assert_eq!(serde_json::from_value::<Record>(old).unwrap(), report(None));
    }
}
