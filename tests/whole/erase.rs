//! A person asks: what there is of them is shown, and taken out everywhere.

use serde_json::Value;
use trunkline_fleet::testing::PrivateRedis;
use trunkline_simulator::carrier::place_call;
use trunkline_store::Backend;

use crate::commands::{told, trunkline};
use crate::support::{CALLER, RawStream, World, wait_for};

const PERSON: &str = "+15558675309";

/// Runs a command about a number beside the server: exit code, JSON, complaints.
pub async fn about(
    world: &World,
    command: &str,
    number: &str,
    more: &[&str],
) -> (Option<i32>, Value) {
    let arguments = [&[command, "--number", number], more].concat();
    let (code, out, complaints) = told(&trunkline(&arguments, &world.server.environment()).await);
    let answer = serde_json::from_str(&out).unwrap_or(Value::String(format!("{out}{complaints}")));
    (code, answer)
}

pub fn place<'a>(report: &'a Value, name: &str) -> &'a Value {
    let places = report["places"].as_array().unwrap_or_else(|| panic!("{report}"));
    places.iter().find(|place| place["place"] == name).unwrap_or_else(|| panic!("{report:#}"))
}

fn found(report: &Value) -> u64 {
    report["places"].as_array().unwrap().iter().map(|p| p["found"].as_u64().unwrap()).sum()
}

/// Ends the server where its journal must be free.
pub async fn free_journal(world: &mut World) {
    if world.server.store().backend() == Backend::Postgres {
        world.server.signal("TERM");
        assert_eq!(world.server.wait().await, Some(0));
    }
}

#[actix_rt::test]
async fn a_person_is_exported_and_erased_and_found_no_more() {
    let redis = PrivateRedis::start().expect("a Redis");
    let plan = World::plan().env("REDIS_URL", redis.url()).env("RECORDER_KEEP", "all");
    let plan = plan.env("PRIVACY_KEY", "k".repeat(32)).env("FLEET_DEADLINE_MS", 10_000);
    let mut world = plan.env("VOICE_CALLS_PER_NUMBER_PER_HOUR", 5).start().await;
    let script =
        "wait greeting\nsay Hello, what are your opening hours on Saturday?\nwait reply\nhangup";
    let mut plan = world.call(script);
    plan.from = PERSON.to_owned();
    let report = place_call(&plan, None).await;
    let other = world.place("wait greeting\nhangup").await;
    for sid in [&report.call_sid, &other.call_sid] {
        world.stored(sid).await;
    }
    wait_for("recordings", async || (world.server.recordings().len() == 2).then_some(())).await;

    let (code, held) = about(&world, "export", PERSON, &[]).await;
    assert_eq!(code, Some(0), "{held}");
    assert_eq!((&held["format"], &held["number"]), (&1.into(), &PERSON.into()));
    assert_eq!(held["calls"].as_array().unwrap().len(), 1);
    let call = &held["calls"][0];
    assert_eq!(call["call"]["call_sid"], report.call_sid);
    assert!(call["transcript"].to_string().contains("Saturday"), "{call:#}");
    assert!(call["events"].as_array().unwrap().len() > 3 && call["handshake"].is_object());
    assert_eq!(held["flight_recordings"][0]["call_sid"], report.call_sid);
    assert_eq!(held["redis_keys"], 2, "the window of the number and the call's card");

    let (code, looked) = about(&world, "erase", PERSON, &["--dry-run", "--json"]).await;
    assert_eq!(code, Some(0), "{looked}");
    assert_eq!(place(&looked, "recordings")["found"], 1);
    assert!(looked["remaining"].as_u64().unwrap() > 3 && !looked.to_string().contains("8675309"));
    let (_, elsewhere) =
        about(&world, "erase", PERSON, &["--dry-run", "--json", "--tenant", "x"]).await;
    assert_eq!(place(&elsewhere, "calls")["found"], 0);

    free_journal(&mut world).await;
    let (code, erased) = about(&world, "erase", PERSON, &["--json"]).await;
    assert_eq!(code, Some(0), "{erased:#}");
    for name in ["calls", "transcripts", "recordings", "redis"] {
        assert!(place(&erased, name)["removed"].as_u64().unwrap() > 0, "{name}: {erased:#}");
    }
    let (code, again) = about(&world, "erase", PERSON, &["--json"]).await;
    assert_eq!((code, found(&again)), (Some(0), 0), "{again:#}");
    let (_, held) = about(&world, "export", PERSON, &[]).await;
    assert_eq!(held["calls"], Value::Array(Vec::new()));
    let left = world.server.recordings();
    assert!(left.len() == 1 && left[0].to_string_lossy().contains(&other.call_sid), "{left:?}");
    let (_, of_other) = about(&world, "export", "+15550179123", &[]).await;
    assert_eq!(of_other["calls"].as_array().unwrap().len(), 1, "another's stay");
    if let Some(path) = world.server.database_url().strip_prefix("sqlite://") {
        for file in [path.to_owned(), format!("{path}-wal")] {
            let bytes = std::fs::read(&file).unwrap_or_default();
            for word in [PERSON, "opening hours on Saturday"] {
                let there = bytes.windows(word.len()).any(|window| window == word.as_bytes());
                assert!(!there, "{word} is in {file}");
            }
        }
    }
}

#[actix_rt::test]
async fn a_live_call_stays_until_it_is_over_and_what_is_no_person_is_refused() {
    let mut world = World::start().await;
    let (call, token) = world.reserved().await;
    let mut stream = RawStream::open(&world.server).await;
    stream.start(&call, None, Some(&token)).await;
    stream.first_media().await;
    world.server.row(&call, |row| row.stream_started_at.is_some()).await;
    let (code, report) = about(&world, "erase", CALLER, &["--json"]).await;
    assert_eq!(code, Some(1), "{report:#}");
    assert!(place(&report, "calls")["note"].as_str().unwrap().contains("not over"), "{report:#}");
    assert!(world.is_live(&call).await, "nobody is cut off for it");
    stream.hang_up(&call).await;
    world.stored(&call).await;
    world.status(&call, "completed").await;
    world.assert_idle().await;
    free_journal(&mut world).await;
    let (code, report) = about(&world, "erase", CALLER, &["--json"]).await;
    assert_eq!((code, &report["remaining"]), (Some(0), &0.into()), "{report:#}");

    let (code, why) = about(&world, "erase", crate::support::SHOP, &[]).await;
    assert!(code == Some(1) && why.to_string().contains("belongs to a tenant"), "{why}");
    let (code, why) = about(&world, "export", "5550100", &[]).await;
    assert!(code == Some(2) && why.to_string().contains("8 to 15 digits"), "{why}");
}

#[actix_rt::test]
async fn an_export_into_a_file_is_for_its_owners_eyes() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("person.json");
    let out = file.display().to_string();
    let (code, printed) = about(&world, "export", PERSON, &["--out", &out]).await;
    assert_eq!((code, printed), (Some(0), Value::String(String::new())));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let held: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(held["calls"], Value::Array(Vec::new()));
    let (code, _) = about(&world, "export", PERSON, &["--out", &out]).await;
    assert_eq!(code, Some(1), "what is there is not overwritten");
}
