//! The process is killed at any moment: what happened a moment before is in the
//! database after its next start, whether or not the database was there.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};
use serde_json::Value;
use trunkline_simulator::carrier::EventKind;
use trunkline_store::testing::PrivateCluster;

use crate::support::{Books, Crowd, Dice, GOODBYE, Past, World, kinds, own_cluster, scaled, seed};

/// Lives that are cut short in each test, in the suite and in full.
const LIVES: [u64; 2] = [5, 20];
/// Live calls at each end that are old enough to be judged by all that happened.
const LIVE: usize = 3;
/// And calls that come meanwhile, of whatever age.
const YOUNG: [usize; 2] = [5, 40];
/// The end comes this much later at most, at a moment that the dice say.
const LATEST_MS: u64 = 2_000;
/// How long before the end something must have happened to be there for certain:
/// ten times what is promised.
const BEFORE: Duration = Duration::from_secs(1);

/// An event is there, each number once and without a gap from the first on. The
/// next life adds one of its own, which has no number.
fn assert_no_gap(stored: &Value) {
    let events = stored["events"].as_array().expect("a list of events");
    let own = events.iter().filter(|event| event["kind"] != "node_lost");
    let mut seqs: Vec<i64> = own.filter_map(|event| event["seq"].as_i64()).collect();
    seqs.sort_unstable();
    let wanted: Vec<i64> = (0..).take(seqs.len()).collect();
    assert_eq!(seqs, wanted, "{:?}", kinds(stored));
}

/// Calls of whatever age: what was acknowledged before the end is there, and nothing
/// is left open or in two.
fn assert_young(world: &World, young: &[Past], killed: Instant) -> usize {
    let books = Books::of(world.server.database_url());
    let mut kept = 0;
    for past in young {
        let report = &past.report;
        let answered = report.webhook_ms.map(|ms| past.began + Duration::from_millis(ms));
        let owed = answered.is_some_and(|at| at + BEFORE < killed);
        let row = books.row(&report.call_sid);
        assert!(row.is_some() || !owed, "no row: {report:?}");
        if row.is_some() {
            kept += 1;
            let (seqs, kinds) = books.events(&report.call_sid);
            assert!(seqs.iter().copied().eq(0..seqs.len() as i64), "{seqs:?} {kinds:?}");
        }
    }
    assert_eq!(books.open(), [], "every open row is closed");
    kept
}

/// Every file of SQLite's that the server left is whole. Looked at in a copy: what
/// the end left undone is for the next life to do.
fn assert_integrity(world: &World) {
    let database = world.server.database_url().strip_prefix("sqlite://").map(PathBuf::from);
    let folder = tempfile::tempdir().expect("a folder");
    for file in database.into_iter().chain([world.server.journal()]).filter(|file| file.exists()) {
        let copy = folder.path().join("copy");
        for part in ["", "-wal"] {
            let of = |path: &Path| PathBuf::from(format!("{}{part}", path.display()));
            drop(std::fs::remove_file(of(&copy)));
            if of(&file).exists() {
                std::fs::copy(of(&file), of(&copy)).expect("a copy");
            }
        }
        let path = copy.display().to_string();
        let mut connection = SqliteConnection::establish(&path).expect("the file opens");
        let told: Vec<Integrity> =
            diesel::sql_query("PRAGMA integrity_check").load(&mut connection).expect("a check");
        let told: Vec<&str> = told.iter().map(|row| row.integrity_check.as_str()).collect();
        assert_eq!(told, ["ok"], "{path}");
    }
}

#[derive(QueryableByName)]
struct Integrity {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}

/// Answers how many rows of young calls were there.
async fn is_killed_in_the_middle(
    world: &mut World,
    life: u64,
    dice: &mut Dice,
    cluster: Option<&PrivateCluster>,
) -> usize {
    if let Some(cluster) = cluster {
        cluster.pause().unwrap();
    }
    let whole = if life == 0 { Some(world.place(GOODBYE).await) } else { None };
    let mut calls = Vec::new();
    for _ in 0..LIVE {
        let mut call = world.ongoing("hold 60").await;
        call.until(EventKind::AgentSpeaks).await;
        calls.push(call);
    }
    let mut young = world.calls(scaled(YOUNG[0], YOUNG[1]), "hold 60");
    young.truncate(young.len() / 2);
    let old_enough = Crowd::at_once(young.clone());
    tokio::time::sleep(BEFORE + Duration::from_millis(dice.below(LATEST_MS))).await;
    let younger = Crowd::at_once(young);
    tokio::time::sleep(Duration::from_millis(dice.below(LATEST_MS / 4))).await;
    let killed = Instant::now();
    world.server.signal("KILL");
    assert_eq!(world.server.wait().await, None);
    if let Some(cluster) = cluster {
        cluster.resume().unwrap();
    }
    let sids: Vec<String> = calls.iter().map(|call| call.sid.clone()).collect();
    for call in calls {
        drop(call.report().await);
    }
    let mut young = old_enough.reports().await;
    young.extend(younger.reports().await);
    assert_integrity(world);
    world.server.start_again();
    for sid in sids {
        let stored = world.stored(&sid).await;
        assert_eq!(stored["call"]["outcome"], "failed", "{stored:#}");
        assert_eq!(stored["call"]["error"], "node_lost");
        let kinds = kinds(&stored);
        for happened in ["call_started", "first_audio", "node_lost"] {
            assert!(kinds.iter().any(|kind| kind == happened), "{happened} in {kinds:?}");
        }
        assert_no_gap(&stored);
    }
    if let Some(report) = whole {
        world.assert_undisturbed(&report).await;
    }
    assert_eq!(world.metrics().await.sum("trunkline_journal_records"), 0.0);
    assert_young(world, &young, killed)
}

fn told(lives: u64, young: usize, how: &str) {
    let whole = lives * LIVE as u64;
    eprintln!(
        "FIGURES {lives} lives{how}: {whole} calls with all that had happened, {young} younger ones, none open, files whole, seed {}",
        seed()
    );
}

#[actix_rt::test]
async fn what_happened_before_a_kill_is_there_after_it() {
    let mut world = World::start().await;
    let (lives, mut dice, mut young) = (scaled(LIVES[0], LIVES[1]), Dice::new(seed()), 0);
    for life in 0..lives {
        young += is_killed_in_the_middle(&mut world, life, &mut dice, None).await;
    }
    told(lives, young, "");
}

#[actix_rt::test]
async fn also_while_the_database_stood_still() {
    let (cluster, url) = own_cluster();
    let mut world = World::plan().env("DATABASE_URL", url).start().await;
    let (lives, mut dice, mut young) = (scaled(LIVES[0], LIVES[1]), Dice::new(seed() + 1), 0);
    for life in 0..lives {
        young += is_killed_in_the_middle(&mut world, life, &mut dice, Some(&cluster)).await;
    }
    told(lives, young, ", with the database paused");
    let journal = world.server.journal();
    assert!(journal.exists(), "it was by way of the journal");
}
