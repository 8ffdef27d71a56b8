//! What is known of people goes when it is due, and when one of them asks.

use chrono::Duration;
use serde_json::json;
use trunkline_core::pii::PhoneNumber;
use trunkline_store::{
    BlockedRow, CallRow, EffectKey, NumberForms, Payload, PrivacyKey, Record, Removed, Retention,
    Scope, Speaker, Store,
};
use uuid::Uuid;

use crate::support::{CALLER, Database, at, call, event, said, sid, started, tenant};

fn key(digit: &str) -> PrivacyKey {
    PrivacyKey::parse(&digit.repeat(32)).unwrap()
}

fn caller() -> NumberForms {
    NumberForms::new(&PhoneNumber::new(CALLER), &[key("1"), key("0")])
}

/// A call with everything that can belong to one.
fn a_full_call(database: &Database, name: &str, owner: &str, from: &str, over: bool) -> CallRow {
    let mut row = call(name, owner);
    row.from_number = PhoneNumber::new(from);
    row.ended_at = over.then(|| at(60_000));
    row.handoff_reason = Some("Ada is angry".to_owned());
    row.captured_fields = Payload(json!({"name": "Ada"}));
    let mut personal = event(&row, 1, "bridge");
    personal.data = Payload(json!({"error": "Ada said so", "ms": 7, "outcome": "handoff"}));
    let mut zero = event(&row, 3, "odd");
    zero.data = Payload(json!({"error": "Ada\u{0}", "ms": 7}));
    database.apply(&[
        started(&row),
        Record::Event(personal),
        Record::Event(event(&row, 2, "answered")),
        Record::Event(zero),
        Record::Transcript(said(&row, 1, Speaker::Caller, "I am Ada")),
        Record::Transcript(said(&row, 1, Speaker::Agent, "Hello Ada")),
    ]);
    let effect = EffectKey::new(tenant(owner), sid(name), "send_sms", &json!({"to": from}));
    let store = &database.store;
    store.begin_effect(&effect, Uuid::new_v4(), at(0)).unwrap();
    store.finish_effect(&effect, &Payload(json!({"to": from})), at(1)).unwrap();
    row
}

fn everything(days: i64) -> Retention {
    let before = Some(at(0) + Duration::days(days));
    Retention { tenant: Some(tenant("salon")), words_before: before, numbers_before: before }
}

/// Retains until nothing is due any more.
fn retain_all(store: &Store, due: &Retention) -> Removed {
    let mut all = Removed::default();
    loop {
        let some = store.retain(due, &key("1"), at(9)).unwrap();
        if some.total() == 0 {
            return all;
        }
        all.add(some);
    }
}

/// Whether a text stands anywhere in the database.
fn stands_anywhere(database: &Database, text: &str) -> Vec<String> {
    let places = [
        "SELECT from_number || to_number || coalesce(handoff_reason, '') || captured_fields AS name FROM calls",
        "SELECT data AS name FROM call_events",
        "SELECT generated || coalesce(heard, '') AS name FROM transcripts",
        "SELECT key || coalesce(result, '') AS name FROM side_effects",
        "SELECT customer_name || phone_number || coalesce(email, '') AS name FROM appointments",
        "SELECT pattern AS name FROM blocked_numbers",
    ];
    places.iter().flat_map(|sql| database.names(sql)).filter(|row| row.contains(text)).collect()
}

on_both_databases! {
    fn what_is_due_goes_and_the_rest_stays(database) {
        let old = a_full_call(database, "CA1", "salon", CALLER, true);
        let mut young = call("CA2", "salon");
        young.created_at = at(0) + Duration::days(2);
        database.apply(&[started(&young), Record::Transcript(said(&young, 1, Speaker::Caller, "new"))]);
        a_full_call(database, "CA3", "garage", CALLER, true);
        let store = &database.store;
        assert_eq!(retain_all(store, &everything(0)), Removed::default(), "nothing began before");

        let removed = retain_all(store, &everything(1));
        // Its words are counted once, its numbers once.
        assert_eq!(removed, Removed { calls: 2, transcripts: 2, events: 2, side_effects: 1, ..Removed::default() });
        let row = store.call(Scope::AllTenants, &old.call_sid).unwrap().unwrap();
        assert_eq!(row.from_number.expose(), key("1").hash(&PhoneNumber::new(CALLER)));
        assert!(row.to_number.expose().starts_with("hash:") && !row.to_number.is_e164());
        assert_eq!((row.captured_fields, row.handoff_reason), (Payload::default(), None));
        assert_eq!(row.ended_at, Some(at(60_000)), "the call itself stays");
        let events = store.events(Scope::AllTenants, &old.call_sid).unwrap();
        assert_eq!(events[0].data.0, json!({"ms": 7, "outcome": "handoff", "redacted": true}));
        assert_eq!(events[2].data.0, json!({"redacted": true}));
        assert_eq!(events[1].data.0, json!({"number": 2}), "what is nobody's stays as it is");
        assert_eq!(store.transcript(Scope::AllTenants, &old.call_sid).unwrap(), []);
        // Younger calls, and other tenants'.
        assert_eq!(store.transcript(Scope::AllTenants, &young.call_sid).unwrap().len(), 1);
        assert_eq!(store.transcript(Scope::AllTenants, &sid("CA3")).unwrap().len(), 2);
        let mut known = store.words_of(&[sid("CA1"), sid("CA2"), sid("CA9")]).unwrap();
        known.sort();
        assert_eq!(known, [(sid("CA1"), tenant("salon"), true), (sid("CA2"), tenant("salon"), false)]);
        // For ever is for ever.
        let never = Retention { words_before: None, numbers_before: None, ..everything(900) };
        assert_eq!(retain_all(store, &never), Removed::default());
    }

    fn many_go_in_batches(database) {
        for number in 0..120 {
            let row = call(&format!("CA{number}"), "salon");
            database.apply(&[started(&row), Record::Transcript(said(&row, 1, Speaker::Caller, "Ada"))]);
        }
        let first = database.store.retain(&everything(1), &key("1"), at(9)).unwrap();
        assert_eq!(first.transcripts, 50, "no more at once");
        assert_eq!(retain_all(&database.store, &everything(1)).transcripts, 70);
    }

    fn a_person_is_erased_everywhere_and_found_no_more(database) {
        let store = &database.store;
        a_full_call(database, "CA1", "salon", CALLER, true);
        a_full_call(database, "CA2", "garage", CALLER, true);
        a_full_call(database, "CA3", "salon", "+14155550777", true);
        a_full_call(database, "CA4", "salon", CALLER, false);
        // One whose number was hashed with the key before.
        let mut hashed = call("CA5", "salon");
        hashed.from_number = PhoneNumber::new(&key("0").hash(&PhoneNumber::new(CALLER)));
        hashed.ended_at = Some(at(5));
        database.apply(&[started(&hashed)]);
        let pattern = trunkline_core::block_list::Blocked::parse(CALLER).unwrap();
        let line = BlockedRow { tenant_id: None, pattern, created_at: at(3), created_by: "ops".into() };
        assert!(store.block_number(&line).unwrap());

        let mut naming = event(&hashed, 1, "number_blocked");
        (naming.call_sid, naming.data) = (None, Payload(json!({"pattern": CALLER})));
        database.apply(&[Record::Event(naming)]);

        let held = store.held_about(Scope::AllTenants, &caller()).unwrap();
        assert_eq!(held.calls.len(), 4);
        let shown = serde_json::to_string(&held).unwrap();
        assert!(shown.contains("I am Ada") && shown.contains("send_sms") && shown.contains(CALLER));
        assert_eq!((held.blocked_by, held.events.len()), (vec!["*".to_owned()], 1));

        // One tenant's are one tenant's.
        let garage = tenant("garage");
        let only = Scope::Tenant(&garage);
        assert_eq!(store.look_for_person(only, &caller()).unwrap().removed.calls, 1);
        let looked = store.look_for_person(Scope::AllTenants, &caller()).unwrap();
        assert_eq!(store.call(Scope::AllTenants, &sid("CA1")).unwrap().unwrap().from_number.expose(), CALLER);
        let erased = store.erase(Scope::AllTenants, &caller(), at(9)).unwrap();
        assert_eq!(erased, looked, "what was looked for is what went");
        assert_eq!((erased.removed.calls, erased.live), (3, 1));
        assert_eq!((erased.removed.transcripts, erased.removed.side_effects), (4, 2));
        assert_eq!((erased.removed.events, erased.removed.blocked_numbers), (5, 1));

        // The live call's own remains until it is over.
        let over = sid("CA4");
        assert_eq!(store.transcript(Scope::AllTenants, &over).unwrap().len(), 2);
        database.execute("UPDATE calls SET ended_at = created_at WHERE call_sid = 'CA4'").unwrap();
        assert_eq!(store.erase(Scope::AllTenants, &caller(), at(10)).unwrap().removed.calls, 1);
        let again = store.erase(Scope::AllTenants, &caller(), at(11)).unwrap();
        assert_eq!((again.removed.total(), again.live), (0, 0));
        assert_eq!(stands_anywhere(database, CALLER), Vec::<String>::new());
        assert_eq!(stands_anywhere(database, "Ada").len(), 5, "the other caller's alone");
        // What is written down is the hash.
        let mut written = store.events_without_call(Scope::AllTenants, at(9), 9).unwrap();
        written.retain(|event| event.kind == "erased");
        assert_eq!(written.len(), 2, "a run that found nothing says nothing");
        assert_eq!(written[0].data.0["number"], caller().hash());
        assert_eq!((written[0].kind.as_str(), &written[0].data.0["calls"]), ("erased", &json!(3)));
        assert!(store.overwrite_deleted().unwrap());
    }

    fn an_event_can_only_lose(database) {
        let row = call("CA1", "salon");
        let mut said = event(&row, 1, "bridge");
        said.data = Payload(json!({"reason": "Ada", "ms": 7}));
        database.apply(&[started(&row), Record::Event(said)]);
        for data in [
            r#"{"redacted":true,"ms":8}"#, r#"{"ms":7}"#, r#"{"redacted":false}"#, r#"{"redacted":"true"}"#,
            r#"{"redacted":true,"more":1}"#, r#"{"redacted":true,"ms":"7"}"#, r"[true]", r#""redacted""#,
        ] {
            let refused = database.execute(&format!("UPDATE call_events SET data = '{data}'"));
            assert!(refused.unwrap_err().to_string().contains("append-only"), "{data}");
        }
        let both = r#"UPDATE call_events SET data = '{"redacted":true}', seq = 9"#;
        assert!(database.execute(both).unwrap_err().to_string().contains("append-only"));
        database.execute(r#"UPDATE call_events SET data = '{"redacted":true,"ms":7}'"#).unwrap();
    }
}

#[test]
fn nothing_of_it_is_left_in_the_files() {
    let database = Database::sqlite();
    a_full_call(&database, "CA1", "salon", CALLER, true);
    let path = database.url.strip_prefix("sqlite://").unwrap().to_owned();
    let has = |text: &str| {
        [path.clone(), format!("{path}-wal")].iter().any(|file| {
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        })
    };
    assert!(has("I am Ada") && has(CALLER), "it is there to be found");
    database.store.erase(Scope::AllTenants, &caller(), at(9)).unwrap();
    assert!(database.store.overwrite_deleted().unwrap());
    for text in ["I am Ada", "Hello Ada", CALLER, "send_sms"] {
        assert!(!has(text), "{text}");
    }
}
