//! A database that takes nothing for a while delays no call and loses no record
//! that there is room for.

use crate::support::{DatabaseLock, GOODBYE, World, assert_whole, wait_for};

#[actix_rt::test]
async fn a_locked_database_delays_no_call_and_gets_its_rows_later() {
    let world = World::start().await;
    let lock = DatabaseLock::take(world.server.database_url());
    let report = world.place(GOODBYE).await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert!(report.webhook_ms.unwrap() < 1_000, "{:?}", report.webhook_ms);
    assert!(report.first_audio_ms().unwrap() < 2_000, "{report:?}");
    assert_eq!(report.streams[0].playback.underruns, 0);
    let path = format!("/api/v1/calls/{}", report.call_sid);
    assert!(world.get(&path).await["call"].is_null(), "nothing could be written");
    drop(lock);
    world.assert_undisturbed(&report).await;
    assert_eq!(world.metrics().await.sum("trunkline_records_dropped_total"), 0.0);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn past_the_bound_records_are_dropped_counted_and_logged() {
    let world =
        World::plan().env("PERSISTENCE_QUEUE", 15).env("JOURNAL_PATH", "none").start().await;
    let lock = DatabaseLock::take(world.server.database_url());
    let beside = world.ongoing(GOODBYE).await;
    let report = world.place(GOODBYE).await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(beside.report().await.failure(), None);
    let metrics = world.metrics().await;
    let full = [("reason", "queue_full")];
    assert!(metrics.with("trunkline_records_dropped_total", &full) > 5.0);
    assert!(metrics.sum("trunkline_records_waiting") <= 15.0);
    wait_for("the failing writes to be noticed", async || {
        let ready = world.get("/ready").await;
        (ready["ready"] == false).then(|| assert_eq!(ready["store"], "down"))
    })
    .await;
    assert_eq!(world.get("/health").await["status"], "ok");
    assert_eq!(world.metrics().await.sum("trunkline_store_up"), 0.0);
    let log = world.server.log();
    assert!(log.contains("the record queue is full"), "{log}");
    assert!(log.contains("the database takes no records"), "{log}");

    drop(lock);
    wait_for("the database to be noticed", async || {
        (world.get("/ready").await["ready"] == true).then_some(())
    })
    .await;
    assert_eq!(world.metrics().await.sum("trunkline_store_up"), 1.0);
    // What was stored of that call is a true beginning; the next one is whole.
    assert!(world.server.rows() > 0);
    let next = world.place(GOODBYE).await;
    assert_whole(&world.stored(&next.call_sid).await);
}
