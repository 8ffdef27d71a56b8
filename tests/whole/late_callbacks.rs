//! The carrier speaks of a call to a node that does not know it, before its row is in
//! the database: the carrier is answered once that is safe, and what it said is there
//! when the call is, once.

use trunkline_core::ids::CallSid;
use trunkline_fleet::testing::PrivateRedis;
use trunkline_simulator::carrier::recordings::Recordings;
use trunkline_store::{RecordingRow, RecordingState, Scope};

use crate::support::{
    ACCOUNT, AUTH_TOKEN, DatabaseLock, Metrics, ServerProcess, Webhook, World, WorldPlan, event,
    kinds, new_call, own_cluster, wait_for,
};

const RECORDED: &str = "consent = \"This call may be recorded.\"\nrecording.enabled = true";
/// A tenant with the same account at the carrier.
const ANNEX: &str = "company = \"Annex\"\nnumbers = [\"+15550170003\"]\npersona = \"shop\"\n\
    human_number = \"none\"\nrecord = true\n";
/// An address with the tenant, and one that was given out without.
const PATHS: [&str; 2] = ["/twilio/recording?tenant=shop", "/twilio/recording"];

fn recordings() -> Recordings {
    Recordings::serve(AUTH_TOKEN).expect("the simulated carrier's API")
}

fn plan(recordings: &Recordings) -> WorldPlan {
    World::plan()
        .shop(RECORDED)
        .tenant("annex", ANNEX)
        .env("TWILIO_API_URL", recordings.base())
        .env("RECORDINGS_RETRY_MS", 50)
}

fn rows(world: &World, call: &str) -> Vec<RecordingRow> {
    let call = CallSid::parse(call).unwrap();
    world.server.store().recordings(Scope::AllTenants, &call).unwrap()
}

async fn stored_once(world: &World, recordings: &Recordings, call: &str, name: &str) {
    wait_for("the recording to be fetched", async || {
        let all = rows(world, call);
        all.iter().any(|row| row.state == RecordingState::Stored).then_some(())
    })
    .await;
    let all = rows(world, call);
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].tenant_id.as_str(), all[0].recording_sid.as_str()), ("shop", name));
    let made = recordings.made().into_iter().find(|made| made.sid == name).unwrap();
    assert_eq!(made.fetched, 1);
}

async fn metrics(server: &ServerProcess) -> Metrics {
    Metrics::parse(&server.text("/metrics").await)
}

/// Waits until a node sees so many records in the database that wait for their call.
async fn waiting(server: &ServerProcess, count: f64) {
    wait_for(&format!("{count} early records"), async || {
        (metrics(server).await.sum("trunkline_early_records") == count).then_some(())
    })
    .await;
}

#[actix_rt::test]
async fn what_another_node_is_told_while_the_database_is_away_is_there_once() {
    let (cluster, url) = own_cluster();
    let redis = PrivateRedis::start().expect("a Redis");
    let recordings = recordings();
    let plan = plan(&recordings).env("DATABASE_URL", url).env("REDIS_URL", redis.url());
    let mut world = plan.start().await;
    let other = world.server.beside("another-node");
    cluster.pause().unwrap();
    // Its row is in the journal of the node that it rang at.
    let (call, _) = world.reserved().await;
    wait_for("the row to be in a journal", async || {
        (world.server.get("/ready").await["journal"]["records"].as_u64()? > 0).then_some(())
    })
    .await;
    let name = recordings.make((ACCOUNT, &call), 1, "StartCallRecordingAPI", None);
    let completed = Webhook::new("/twilio/status", &call).with("CallStatus", "completed");
    for _ in 0..3 {
        for path in PATHS {
            assert_eq!(Webhook::recorded(path, &call, &name).send(&other).await.status, 200);
        }
        assert_eq!(completed.send(&other).await.status, 204);
    }
    // The one node dies with its journal; what the other was told has its own.
    world.server.signal("KILL");
    world.server.wait().await;
    cluster.resume().unwrap();
    // Of the recording two, as the address said whose it is or did not.
    waiting(&other, 4.0).await;
    assert_eq!(world.server.rows(), 0);

    world.server.start_again();
    stored_once(&world, &recordings, &call, &name).await;
    let stored = world.stored(&call).await;
    assert_eq!(stored["call"]["status"], "completed", "{stored:#}");
    assert_eq!(stored["call"]["outcome"], "abandoned", "{stored:#}");
    assert_eq!(stored["call"]["error"], "no_stream", "{stored:#}");
    event(&stored, "recording");
    assert_eq!(kinds(&stored).iter().filter(|kind| *kind == "recording").count(), 1);
    for node in [&world.server, &other] {
        waiting(node, 0.0).await;
        assert_eq!(metrics(node).await.sum("trunkline_records_dropped_total"), 0.0);
    }
    // Told once more, nothing becomes of it.
    for server in [&world.server, &other] {
        assert_eq!(Webhook::recorded(PATHS[0], &call, &name).send(server).await.status, 200);
    }
    stored_once(&world, &recordings, &call, &name).await;
    drop(other);
}

#[actix_rt::test]
async fn what_is_told_before_the_call_rings_waits_for_it() {
    let recordings = recordings();
    let world = plan(&recordings).start().await;
    for path in PATHS {
        let call = new_call();
        let name = recordings.make((ACCOUNT, &call), 1, "StartCallRecordingAPI", None);
        for _ in 0..2 {
            assert_eq!(Webhook::recorded(path, &call, &name).send(&world.server).await.status, 200);
            assert_eq!(world.status(&call, "in-progress").await, 204);
        }
        waiting(&world.server, 2.0).await;
        world.rings(&call).await;
        stored_once(&world, &recordings, &call, &name).await;
        let row = world.server.row(&call, |_| true).await;
        assert_eq!(row.status.as_str(), "in-progress");
        assert_eq!(world.status(&call, "completed").await, 204);
        world.stored(&call).await;
    }
    waiting(&world.server, 0.0).await;
    assert_eq!(world.metrics().await.sum("trunkline_records_dropped_total"), 0.0);
}

#[actix_rt::test]
async fn what_is_told_while_the_database_stands_still_is_not_lost() {
    let recordings = recordings();
    let world = plan(&recordings).start().await;
    let call = world.place("wait greeting\nhangup").await.call_sid;
    world.stored(&call).await;
    let name = recordings.make((ACCOUNT, &call), 1, "StartCallRecordingAPI", None);
    let lock = DatabaseLock::take(world.server.database_url());
    // Beside Postgres the journal has it. On SQLite alone it is in memory, and safe once
    // the database takes it; a recording is told of once all the same.
    let journal = world.server.database_url().starts_with("postgres");
    let reported = if journal { 204 } else { 503 };
    assert_eq!(Webhook::recorded(PATHS[0], &call, &name).send(&world.server).await.status, 200);
    assert_eq!(world.status(&call, "completed").await, reported);
    drop(lock);
    stored_once(&world, &recordings, &call, &name).await;
    wait_for("the state that is told again to be safe", async || {
        (world.status(&call, "completed").await == 204).then_some(())
    })
    .await;
}
