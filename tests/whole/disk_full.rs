//! No file may grow: calls live on, it is said aloud, and it is over when there is
//! room again.

use trunkline_simulator::carrier::EventKind;

use crate::support::{GOODBYE, World, own_cluster, wait_for};

async fn ready(world: &World, so: bool) {
    wait_for(&format!("readiness to be {so}"), async || {
        (world.get("/ready").await["ready"] == so).then_some(())
    })
    .await;
}

#[actix_rt::test]
async fn a_database_file_that_may_not_grow_ends_no_call() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("full.sqlite").display());
    let world = World::plan().env("DATABASE_URL", url).start().await;
    let mut call = world.ongoing(GOODBYE).await;
    call.until(EventKind::AgentSpeaks).await;
    world.server.limit_files(Some(1));
    ready(&world, false).await;
    assert_eq!(world.metrics().await.sum("trunkline_store_up"), 0.0);
    let during = world.place(GOODBYE).await;
    let before = call.report().await;
    world.server.limit_files(None);
    ready(&world, true).await;
    for report in [&before, &during] {
        world.assert_undisturbed(report).await;
    }
    assert_eq!(world.metrics().await.sum("trunkline_records_dropped_total"), 0.0);
    eprintln!("FIGURES on SQLite: 2 calls, no record lost");
}

#[actix_rt::test]
async fn a_journal_that_may_not_grow_ends_no_call() {
    let (cluster, url) = own_cluster();
    let world = World::plan().env("DATABASE_URL", url).start().await;
    let mut call = world.ongoing(GOODBYE).await;
    call.until(EventKind::AgentSpeaks).await;
    cluster.pause().unwrap();
    world.server.limit_files(Some(1));
    ready(&world, false).await;
    wait_for("the alarm", async || {
        (world.metrics().await.sum("trunkline_journal_up") == 0.0).then_some(())
    })
    .await;
    let during = world.place(GOODBYE).await;
    let before = call.report().await;
    world.server.limit_files(None);
    // The journal has room again, and the database is still away.
    ready(&world, true).await;
    let state = world.get("/ready").await;
    assert_eq!(state["store"], "down", "{state}");
    cluster.resume().unwrap();
    for report in [&before, &during] {
        world.assert_undisturbed(report).await;
    }
    assert_eq!(world.metrics().await.sum("trunkline_records_dropped_total"), 0.0);
    eprintln!("FIGURES beside Postgres: 2 calls, no record lost");
}
