//! The carrier's recordings of calls: asked for, told of as often as the carrier likes,
//! fetched once, kept for whoever may hear them, and gone when they are due.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::ids::CallSid;
use trunkline_simulator::carrier::recordings::{Recordings, audio};
use trunkline_simulator::carrier::{CallReport, place_call};
use trunkline_store::{RecordingRow, RecordingState, Scope};

use crate::erase::{about, free_journal, place};
use crate::support::{
    ACCOUNT, AUTH_TOKEN, OPS_TOKEN, ServerProcess, Webhook, World, WorldPlan, client, new_call,
    wait_for,
};

/// A tenant whose calls are recorded.
const RECORDED: &str = "consent = \"This call may be recorded.\"\nrecording.enabled = true";
const BRANCH: &str = "company = \"Branch\"\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\n\
    human_number = \"none\"\nrecord = true\n\
    [credentials]\ntwilio_auth_token_env = \"BRANCH_TOKEN\"\n";
const BRANCH_TOKEN: &str = "auth-token-of-the-branch";

/// A world whose carrier records, and is asked again after a moment.
fn plan(shop: &str, recordings: &Recordings) -> WorldPlan {
    World::plan()
        .shop(shop)
        .env("TWILIO_API_URL", recordings.base())
        .env("RECORDINGS_RETRY_MS", 50)
        .tenant("branch", BRANCH)
        .env("BRANCH_TOKEN", BRANCH_TOKEN)
}

fn serve() -> Recordings {
    Recordings::serve(AUTH_TOKEN).expect("the simulated carrier's API")
}

/// The same, for a server that has each call recorded.
fn serve_expecting() -> Recordings {
    let recordings = serve();
    recordings.expect();
    recordings
}

/// Places a call of which the carrier makes recordings.
async fn recorded(world: &World, recordings: &Recordings, from: &str) -> CallReport {
    let mut plan = world.call("wait greeting\nwait 1s\nhangup");
    plan.recordings = Some(recordings.clone());
    plan.from = from.to_owned();
    place_call(&plan, None).await
}

fn rows(world: &World, call: &str) -> Vec<RecordingRow> {
    let call = CallSid::parse(call).unwrap();
    world.server.store().recordings(Scope::AllTenants, &call).unwrap()
}

/// The recording of a call once it has come so far.
async fn in_state(world: &World, call: &str, state: RecordingState) -> RecordingRow {
    let what = format!("the recording to be {state}");
    wait_for(&what, async || rows(world, call).into_iter().find(|row| row.state == state)).await
}

/// A call's events of a kind.
async fn events(world: &World, call: &str, kind: &str, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} events {kind}"), async || {
        let stored = world.get(&format!("/api/v1/calls/{call}")).await;
        let all = stored["events"].as_array()?.iter();
        let found: Vec<Value> = all.filter(|event| event["kind"] == kind).cloned().collect();
        (found.len() >= count).then_some(found)
    })
    .await
}

/// Asks for a call's recording: status, kind and body.
async fn ask(server: &ServerProcess, path: &str, token: Option<&str>) -> (u16, String, Vec<u8>) {
    let mut request =
        client().get(format!("{}{path}", server.base())).timeout(Duration::from_secs(10));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let mut answer = request.send().await.expect("an answer");
    let body = answer.body().limit(1 << 24).await.expect("a whole answer").to_vec();
    let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
    (answer.status().as_u16(), kind.unwrap_or_default().to_owned(), body)
}

async fn heard(server: &ServerProcess, call: &str, query: &str) -> (u16, String, Vec<u8>) {
    ask(server, &format!("/api/v1/calls/{call}/recording{query}"), Some(OPS_TOKEN)).await
}

/// Every file of recordings.
fn files(world: &World) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                walk(&entry.path(), found)
            } else {
                found.push(entry.path())
            }
        }
    }
    let mut found = Vec::new();
    let env = world.server.environment();
    let (_, folder) = env.iter().find(|(name, _)| *name == "RECORDINGS_DIR").unwrap();
    walk(Path::new(folder), &mut found);
    found
}

async fn counted(world: &World, result: &str, count: f64) {
    wait_for(&format!("{count} recordings {result}"), async || {
        let metrics = world.metrics().await;
        let labels = [("tenant", "shop"), ("result", result)];
        (metrics.with("trunkline_call_recordings_total", &labels) == count).then_some(())
    })
    .await;
}

#[actix_rt::test]
async fn a_call_is_recorded_told_of_often_fetched_once_and_heard() {
    let recordings = serve_expecting();
    recordings.tell_often(5);
    recordings.fail_next(2);
    let world = plan(RECORDED, &recordings).start().await;
    let report = recorded(&world, &recordings, "+15550179123").await;
    assert!(report.errors.is_empty(), "every callback is answered 200: {:?}", report.errors);
    let call = &report.call_sid;
    let row = in_state(&world, call, RecordingState::Stored).await;

    let made = recordings.made();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(
        (made[0].source, made[0].channels, made[0].fetched),
        ("StartCallRecordingAPI", 2, 1)
    );
    assert_eq!(
        made[0].callback.as_deref(),
        Some("https://voice.test/twilio/recording?tenant=shop")
    );
    assert_eq!((&made[0].call, row.recording_sid.as_str()), (call, made[0].sid.as_str()));
    assert_eq!((row.attempts, row.channels, row.error), (3, Some(2), None));
    counted(&world, "announced", 5.0).await;
    for (result, count) in [("started", 1.0), ("retried", 2.0), ("stored", 1.0), ("failed", 0.0)] {
        counted(&world, result, count).await;
    }

    let failures = events(&world, call, "recording_failed", 2).await;
    assert_eq!(failures[0]["data"]["error"], "http_404");
    assert_eq!(failures[1]["data"]["last"], false);
    assert_eq!(events(&world, call, "recording_stored", 1).await.len(), 1);
    assert_eq!(events(&world, call, "recording", 1).await.len(), 1);
    let stored = world.get(&format!("/api/v1/calls/{call}")).await;
    assert_eq!(stored["recordings"].as_array().map(Vec::len), Some(1), "{stored}");
    assert_eq!(stored["recordings"][0]["state"], "stored");

    let whole = audio(&made[0].sid, 2);
    assert_eq!(row.bytes, i64::try_from(whole.len()).ok());
    for query in ["", "?tenant=shop", &format!("?recording={}", made[0].sid)] {
        let (status, kind, body) = heard(&world.server, call, query).await;
        assert_eq!((status, kind.as_str()), (200, "audio/wav"), "{query}");
        assert!(body == whole, "{query}: {} bytes", body.len());
    }
    for query in ["?tenant=branch", "?tenant=nobody", "?recording=RE9"] {
        assert_eq!(heard(&world.server, call, query).await.0, 404, "{query}");
    }
    let path = format!("/api/v1/calls/{call}/recording");
    assert_eq!(ask(&world.server, &path, None).await.0, 401);
    assert_eq!(ask(&world.server, &path, Some("wrong")).await.0, 401);

    let files = files(&world);
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(files[0].ends_with(format!("{call}/{}.wav", made[0].sid)), "{files:?}");
}

#[actix_rt::test]
async fn a_human_who_is_dialled_is_recorded_where_the_tenant_wants_that() {
    let recordings = serve();
    let world = plan("record = true", &recordings).no_model().start().await;
    let report = recorded(&world, &recordings, "+15550179123").await;
    assert_eq!(report.dialled[0].record.as_deref(), Some("record-from-answer"));
    let row = in_state(&world, &report.call_sid, RecordingState::Stored).await;
    assert_eq!((recordings.made()[0].source, row.channels), ("DialVerb", Some(1)));
    let (status, _, body) = heard(&world.server, &report.call_sid, "").await;
    assert!(status == 200 && body == audio(row.recording_sid.as_str(), 1));
}

#[actix_rt::test]
async fn a_caller_whose_call_is_recorded_already_is_not_recorded_once_more() {
    let recordings = serve_expecting();
    let world = plan(RECORDED, &recordings).knobs(|knobs| knobs.refuse = Some(401)).start().await;
    let report = recorded(&world, &recordings, "+15550179123").await;
    assert_eq!(report.dialled.len(), 1, "{:?}", report.dialled);
    assert_eq!(report.dialled[0].record, None, "the recording of the call goes on");
    in_state(&world, &report.call_sid, RecordingState::Stored).await;
    assert_eq!(recordings.made().len(), 1);
}

#[actix_rt::test]
async fn what_cannot_be_had_is_given_up_and_says_so_on_the_call() {
    let recordings = serve_expecting();
    recordings.fail_next(u32::MAX);
    let world = plan(RECORDED, &recordings).env("RECORDINGS_ATTEMPTS", 3).start().await;
    let report = recorded(&world, &recordings, "+15550179123").await;
    let row = in_state(&world, &report.call_sid, RecordingState::Failed).await;
    assert_eq!((row.attempts, row.error.as_deref()), (3, Some("http_404")));
    let failures = events(&world, &report.call_sid, "recording_failed", 3).await;
    assert_eq!(failures.iter().filter(|event| event["data"]["last"] == true).count(), 1);
    counted(&world, "retried", 2.0).await;
    counted(&world, "failed", 1.0).await;
    let (status, _, why) = heard(&world.server, &report.call_sid, "").await;
    assert!(status == 404 && String::from_utf8_lossy(&why).contains("could not be had"));
    assert_eq!(files(&world), Vec::<PathBuf>::new());

    recordings.leave_out(1);
    let report = recorded(&world, &recordings, "+15550179123").await;
    let row = in_state(&world, &report.call_sid, RecordingState::Failed).await;
    assert_eq!((row.attempts, row.error.as_deref()), (0, Some("absent_16101")));
}

#[actix_rt::test]
async fn a_carrier_that_does_not_begin_to_record_disturbs_no_call() {
    let world = World::plan().shop(RECORDED).start().await;
    let report = world.place("wait greeting\nhangup").await;
    assert!(report.errors.is_empty(), "{:?}", report.errors);
    let failed = events(&world, &report.call_sid, "recording_not_started", 1).await;
    assert_eq!(failed[0]["data"]["error"], "no_connection");
    counted(&world, "not_started", 1.0).await;
}

#[actix_rt::test]
async fn whatever_is_signed_is_answered_200_and_only_what_makes_sense_is_kept() {
    let recordings = serve();
    let world = plan(RECORDED, &recordings).start().await;
    let report = world.place("wait greeting\nhangup").await;
    let call = &report.call_sid;
    world.stored(call).await;
    let good = recordings.make((ACCOUNT, call), 1, "StartCallRecordingAPI", None);
    let (named, plain) = ("/twilio/recording?tenant=shop", "/twilio/recording");
    let nobodys = new_call();
    let useless = [
        Webhook::recorded(named, call, "../../../../Keys"),
        Webhook::recorded(named, call, ""),
        Webhook::recorded(named, "", "RE1"),
        Webhook::recorded(named, call, "RE1").with("AccountSid", ".."),
        Webhook::recorded(named, call, "RE1").with("RecordingStatus", "in-progress"),
        Webhook::recorded(named, call, "RE1").with("RecordingStatus", ""),
        Webhook::recorded(named, &nobodys, "RE1"),
        Webhook::recorded(plain, &nobodys, "RE1"),
        // Another tenant's account speaks of a call that is not its own.
        Webhook::recorded("/twilio/recording?tenant=branch", call, "RE1").token(BRANCH_TOKEN),
        Webhook::recorded(plain, call, "RE1").token(BRANCH_TOKEN),
        Webhook::bare(named),
    ];
    for webhook in useless {
        let answer = webhook.send(&world.server).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    }
    for forged in [
        Webhook::recorded(named, call, &good).unsigned(),
        Webhook::recorded(plain, call, &good).unsigned(),
        Webhook::recorded(named, call, &good).token("guess"),
        // The right token of the wrong tenant.
        Webhook::recorded(named, call, &good).token(BRANCH_TOKEN),
        Webhook::recorded("/twilio/recording?tenant=branch", call, &good),
    ] {
        assert_eq!(forged.send(&world.server).await.status, 403);
    }
    // An address of ours without the tenant finds it by the call, and where the
    // carrier says that the audio is, nobody looks.
    for _ in 0..10 {
        assert_eq!(Webhook::recorded(plain, call, &good).send(&world.server).await.status, 200);
        assert_eq!(Webhook::recorded(named, call, &good).send(&world.server).await.status, 200);
    }
    let row = in_state(&world, call, RecordingState::Stored).await;
    assert_eq!((row.recording_sid.as_str(), row.duration_s), (good.as_str(), Some(7)));
    let all = rows(&world, call);
    assert_eq!(all.len(), 1, "{all:?}");
    let one = recordings.made().into_iter().find(|made| made.sid == good).unwrap();
    assert_eq!(one.fetched, 1);
    counted(&world, "announced", 22.0).await;
}

#[actix_rt::test]
async fn a_tenant_that_records_nothing_keeps_nothing() {
    let recordings = serve();
    let world = plan("", &recordings).start().await;
    let report = recorded(&world, &recordings, "+15550179123").await;
    assert_eq!(recordings.made(), [], "nobody asked");
    let call = &report.call_sid;
    world.stored(call).await;
    let answer =
        Webhook::recorded("/twilio/recording?tenant=shop", call, "RE1").send(&world.server).await;
    assert_eq!(answer.status, 200);
    counted(&world, "unwanted", 1.0).await;
    assert_eq!(rows(&world, call), []);
}

#[actix_rt::test]
async fn two_nodes_fetch_each_recording_once_and_a_killed_one_goes_on() {
    let recordings = serve();
    recordings.fail_next(u32::MAX);
    let mut world = plan(RECORDED, &recordings).start().await;
    let report = world.place("wait greeting\nhangup").await;
    let call = report.call_sid.clone();
    world.stored(&call).await;
    let made: Vec<String> = (0..8)
        .map(|_| recordings.make((ACCOUNT, &call), 1, "StartCallRecordingAPI", None))
        .collect();
    let other = world.server.beside("another-node");
    for name in &made {
        for server in [&world.server, &other] {
            let answer =
                Webhook::recorded("/twilio/recording?tenant=shop", &call, name).send(server).await;
            assert_eq!(answer.status, 200);
        }
    }
    wait_for("all to be asked for", async || {
        let all = rows(&world, &call);
        (all.len() == 8 && all.iter().all(|row| row.attempts > 0)).then_some(())
    })
    .await;
    world.server.signal("KILL");
    world.server.wait().await;
    recordings.fail_next(0);
    world.server.start_again();
    wait_for("all to be fetched", async || {
        let all = rows(&world, &call);
        all.iter().all(|row| row.state == RecordingState::Stored).then_some(())
    })
    .await;
    for one in recordings.made().iter().filter(|one| one.call == call && one.callback.is_none()) {
        assert_eq!(one.fetched, 1, "{one:?}");
    }
    assert_eq!(files(&world).len(), 8);
    // One that has a folder of its own says where it is.
    let far = world.server.beside_with("far-node", |folder| {
        vec![("RECORDINGS_DIR".to_owned(), folder.join("own").display().to_string())]
    });
    let (status, _, why) = heard(&far, &call, &format!("?recording={}", made[3])).await;
    assert_eq!(status, 421);
    assert!(String::from_utf8_lossy(&why).contains("node"), "{why:?}");
    for server in [&world.server, &other] {
        // Both have the same folder.
        let (status, _, body) = heard(server, &call, &format!("?recording={}", made[3])).await;
        assert!(status == 200 && body == audio(&made[3], 1), "{status}");
    }
}

#[actix_rt::test]
async fn a_persons_recordings_are_exported_and_erased_and_not_fetched_again() {
    const PERSON: &str = "+15558675309";
    let recordings = serve_expecting();
    let plan = plan(RECORDED, &recordings).env("PRIVACY_KEY", "k".repeat(32));
    let mut world = plan.start().await;
    let theirs = recorded(&world, &recordings, PERSON).await.call_sid;
    let others = recorded(&world, &recordings, "+15550179123").await.call_sid;
    for call in [&theirs, &others] {
        world.stored(call).await;
        in_state(&world, call, RecordingState::Stored).await;
    }
    let (code, held) = about(&world, "export", PERSON, &[]).await;
    assert_eq!(code, Some(0), "{held}");
    assert_eq!(held["calls"][0]["recordings"][0]["state"], "stored", "{held:#}");
    assert_eq!(held["audio_files"][0]["call_sid"], theirs, "{held:#}");
    assert_eq!(held["audio_files"].as_array().map(Vec::len), Some(1));

    free_journal(&mut world).await;
    let (code, erased) = about(&world, "erase", PERSON, &["--json"]).await;
    assert_eq!(code, Some(0), "{erased:#}");
    for name in ["audio_files", "call_recordings"] {
        assert_eq!(place(&erased, name)["removed"], 1, "{name}: {erased:#}");
    }
    assert_eq!(rows(&world, &theirs), []);
    assert_eq!(rows(&world, &others).len(), 1);
    let left = files(&world);
    assert!(left.len() == 1 && left[0].to_string_lossy().contains(&others), "{left:?}");
    let (_, again) = about(&world, "erase", PERSON, &["--json"]).await;
    assert_eq!(place(&again, "audio_files")["found"], 0, "{again:#}");
}

#[actix_rt::test]
async fn a_recording_goes_with_the_words_of_its_call() {
    let recordings = serve_expecting();
    let shop = format!("{RECORDED}\n[privacy]\ntranscript_days = 5");
    let world = plan(&shop, &recordings).env("RETENTION_SWEEP_MS", 300).start().await;
    let call = recorded(&world, &recordings, "+15550179123").await.call_sid;
    world.stored(&call).await;
    in_state(&world, &call, RecordingState::Stored).await;
    let kept = files(&world).remove(0);
    // One of a call that nobody knows any more, and one that a process left half done.
    let folder = kept.ancestors().nth(2).unwrap().join("CA0");
    std::fs::create_dir_all(&folder).unwrap();
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(200 * 86_400);
    for name in ["RE1.wav", "RE2.x.part"] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    wait_for("what is nobody's to go", async || (files(&world) == [kept.clone()]).then_some(()))
        .await;

    // Its call grows old.
    let store = world.server.store();
    let due = trunkline_store::Retention {
        tenant: Some(trunkline_core::ids::TenantId::parse("shop").unwrap()),
        words_before: Some(chrono::Utc::now() + chrono::TimeDelta::hours(1)),
        numbers_before: None,
    };
    let key = trunkline_store::PrivacyKey::parse(&"k".repeat(32)).unwrap();
    assert_eq!(store.retain(&due, &key, chrono::Utc::now()).unwrap().call_recordings, 1);
    wait_for("its file to go", async || files(&world).is_empty().then_some(())).await;
    assert_eq!(heard(&world.server, &call, "").await.0, 404);
    // The carrier tells of it once more.
    let sid = recordings.made()[0].sid.clone();
    let again =
        Webhook::recorded("/twilio/recording?tenant=shop", &call, &sid).send(&world.server).await;
    assert_eq!(again.status, 200);
    counted(&world, "announced", 2.0).await;
    let (status, stored) =
        world.server.send("GET", &format!("/api/v1/calls/{call}"), &json!({})).await;
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!((status, &stored["recordings"]), (200, &json!([])));
    assert_eq!(recordings.made()[0].fetched, 1);
}
