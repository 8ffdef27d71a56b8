//! What has been kept for long enough goes by itself.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::pii::{Personal, PhoneNumber};
use trunkline_store::{
    CallRow, Channel, EventRow, Payload, PrivacyKey, Record, Scope, Speaker, Store, TranscriptRow,
};
use uuid::Uuid;

use crate::support::{CALLER, SHOP, World, new_call, wait_for};

/// Puts a call of so many days ago into the database, with words.
fn a_call_of(store: &Store, tenant: &str, days: i64) -> CallSid {
    let at = Utc::now() - TimeDelta::days(days) - TimeDelta::minutes(1);
    let sid = CallSid::parse(&new_call()).unwrap();
    let tenant = TenantId::parse(tenant).unwrap();
    let [from, to] = [CALLER, SHOP].map(PhoneNumber::new);
    let mut call = CallRow::inbound(sid.clone(), tenant.clone(), from, to, at);
    call.ended_at = Some(at);
    let records = [
        Record::CallStarted(Box::new(call)),
        Record::Transcript(TranscriptRow {
            id: Uuid::now_v7(),
            call_sid: sid.clone(),
            tenant_id: tenant.clone(),
            turn: 1,
            speaker: Speaker::Caller,
            generated: Personal::new("my name is Ada"),
            heard: None,
            item_id: None,
            interrupted: false,
            started_at: at,
            ended_at: None,
        }),
        Record::Event(EventRow {
            id: Uuid::now_v7(),
            call_sid: Some(sid.clone()),
            tenant_id: Some(tenant),
            seq: 1,
            at,
            at_us: 0,
            kind: "bridge".to_owned(),
            channel: Channel::Phone,
            data: Payload(json!({"error": "Ada", "ms": 3})),
        }),
    ];
    assert_eq!(store.apply(&records).unwrap().refused, []);
    sid
}

struct Left {
    from: String,
    words: usize,
    event: serde_json::Value,
}

fn left(store: &Store, sid: &CallSid) -> Left {
    let call = store.call(Scope::AllTenants, sid).unwrap().expect("the call stays");
    let words = store.transcript(Scope::AllTenants, sid).unwrap().len();
    let event = store.events(Scope::AllTenants, sid).unwrap().remove(0).data.0;
    Left { from: call.from_number.expose().to_owned(), words, event }
}

#[actix_rt::test]
async fn old_calls_lose_their_words_and_numbers_as_their_tenants_say() {
    let secret = "k".repeat(32);
    let forever = "company = \"Ever\"\npersona = \"shop\"\nhuman_number = \"none\"\n\
        [privacy]\ntranscript_days = 0\nnumber_days = 0\n";
    let plan = World::plan().shop("[privacy]\ntranscript_days = 5\n").tenant("ever", forever);
    let plan = plan.env("NUMBER_DAYS", 20).env("PRIVACY_KEY", &secret);
    let world = plan.env("RETENTION_SWEEP_MS", 300).start().await;
    let store = world.server.store();
    let young = a_call_of(&store, "shop", 4);
    let older = a_call_of(&store, "shop", 6);
    let oldest = a_call_of(&store, "shop", 21);
    let kept = a_call_of(&store, "ever", 900);
    let nobodys = a_call_of(&store, "gone", 91);

    wait_for("what is due to go", async || {
        let gone = [&older, &oldest, &nobodys].iter().all(|sid| left(&store, sid).words == 0);
        (gone && left(&store, &nobodys).from.starts_with("hash:")).then_some(())
    })
    .await;
    let hash = PrivacyKey::parse(&secret).unwrap().hash(&PhoneNumber::new(CALLER));
    let bare = json!({"ms": 3, "redacted": true});
    let oldest = left(&store, &oldest);
    assert_eq!((oldest.from, oldest.event), (hash, bare.clone()));
    let older = left(&store, &older);
    assert_eq!((older.from.as_str(), older.event), (CALLER, bare), "words go before numbers");
    for sid in [young, kept] {
        let left = left(&store, &sid);
        assert_eq!((left.from.as_str(), left.words), (CALLER, 1));
        assert_eq!(left.event["error"], "Ada");
    }
    wait_for("the metrics to say so", async || {
        let metrics = world.metrics().await;
        let transcripts =
            metrics.with("trunkline_privacy_removed_total", &[("what", "transcripts")]);
        let ran = metrics.sum("trunkline_privacy_last_run_timestamp_seconds") > 0.0;
        (transcripts >= 3.0 && ran).then_some(())
    })
    .await;
    let all = store.events_without_call(Scope::AllTenants, DateTime::UNIX_EPOCH, 100).unwrap();
    assert!(all.iter().any(|event| event.kind == "retention"), "it is written down: {all:?}");
}

#[actix_rt::test]
async fn a_recording_goes_with_the_words_of_its_call() {
    let plan = World::plan().shop("flight_recorder = \"all\"\n[privacy]\ntranscript_days = 5");
    let world = plan.env("RETENTION_SWEEP_MS", 300).start().await;
    let report = world.place("wait greeting\nhangup").await;
    world.stored(&report.call_sid).await;
    wait_for("the recording", async || (world.server.recordings().len() == 1).then_some(())).await;
    let store = world.server.store();
    let old = a_call_of(&store, "shop", 6);
    let folder = world.server.recordings()[0].parent().unwrap().to_owned();
    std::fs::write(folder.join(format!("20200101T000000000Z-{old}.flight")), "sealed").unwrap();
    let of_old =
        || world.server.recordings().iter().any(|f| f.to_string_lossy().contains(old.as_str()));
    wait_for("the old recording to go", async || (!of_old()).then_some(())).await;
    assert_eq!(world.server.recordings().len(), 1, "the young call's stays");
}
