//! The process is killed at any moment: what happened a moment before is in the
//! database after its next start, whether or not the database was there.

use std::time::Duration;

use serde_json::Value;
use trunkline_simulator::carrier::EventKind;
use trunkline_store::testing::PrivateCluster;

use crate::support::{GOODBYE, World, kinds, own_cluster};

/// Lives that are cut short in each test.
const LIVES: u64 = 5;
/// Live calls at each end.
const LIVE: usize = 3;
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

async fn is_killed_in_the_middle(world: &mut World, life: u64, cluster: Option<&PrivateCluster>) {
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
    // At another moment of the greeting each time.
    tokio::time::sleep(BEFORE + Duration::from_millis(life * 173)).await;
    world.server.signal("KILL");
    assert_eq!(world.server.wait().await, None);
    if let Some(cluster) = cluster {
        cluster.resume().unwrap();
    }
    let sids: Vec<String> = calls.iter().map(|call| call.sid.clone()).collect();
    for call in calls {
        drop(call.report().await);
    }
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
}

#[actix_rt::test]
async fn what_happened_before_a_kill_is_there_after_it() {
    let mut world = World::start().await;
    for life in 0..LIVES {
        is_killed_in_the_middle(&mut world, life, None).await;
    }
    eprintln!("FIGURES {LIVES} lives, {LIVE} live calls each");
}

#[actix_rt::test]
async fn also_while_the_database_stood_still() {
    let (cluster, url) = own_cluster();
    let mut world = World::plan().env("DATABASE_URL", url).start().await;
    for life in 0..LIVES {
        is_killed_in_the_middle(&mut world, life, Some(&cluster)).await;
    }
    eprintln!("FIGURES {LIVES} lives, {LIVE} live calls each, with the database paused");
    let journal = world.server.journal();
    assert!(journal.exists(), "it was by way of the journal");
}
