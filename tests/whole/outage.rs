//! The database is away for a minute under two hundred live calls, and comes back:
//! nobody hears anything, and every record is there, once, soon after.

use std::time::{Duration, Instant};

use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _};

use crate::support::{
    Books, Crowd, World, many_calls, own_cluster, own_lateness, reports_and_gaps, scaled, wait_for,
};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

fn counted(url: &str, query: &str) -> i64 {
    let mut connection = PgConnection::establish(url).expect("the database");
    diesel::sql_query(query).get_result::<Count>(&mut connection).expect("a count").count
}

#[actix_rt::test]
async fn a_minute_without_a_database_is_not_heard_and_loses_nothing() {
    let (live, away) = (many_calls(20), Duration::from_secs(scaled(4, 60)));
    let (mut cluster, url) = own_cluster();
    let world = World::plan().for_crowd().env("DATABASE_URL", &url).start().await;
    world.learn_greeting().await;
    // Most of them stay throughout, and others come and go while it is away.
    let stay = format!("hold {}\nhangup", away.as_secs() + scaled(8, 60));
    let stay = world.live_crowd(live, &stay).await;
    let come_and_go = world.calls(live, "hold 3\nhangup");
    cluster.crash().expect("a crash");
    let gone = Instant::now();
    let others = Crowd::for_a_while(come_and_go, live / 10, away);
    tokio::time::sleep(away).await;
    let held = world.get("/ready").await["journal"]["records"].as_u64().unwrap_or_default();
    assert!(held > 0, "nothing was in the journal");
    cluster.revive().expect("a database");
    let (back, away) = (Instant::now(), gone.elapsed());
    wait_for("the journal to be empty", async || {
        let ready = world.get("/ready").await;
        (ready["journal"]["records"] == 0 && ready["store"] == "up").then_some(())
    })
    .await;
    let drained = back.elapsed();
    let (mut reports, gaps) = reports_and_gaps(stay).await;
    reports.extend(others.reports().await.into_iter().map(|past| past.report));
    world.assert_idle().await;

    let books = Books::of(&url);
    for report in &reports {
        assert_eq!(report.failure(), None, "{report:?}");
        assert!(report.dialled.is_empty(), "{report:?}");
        assert_eq!(books.flaw(&report.call_sid), None);
    }
    // And the one that taught the greeting.
    assert_eq!(world.server.rows(), reports.len() + 1);
    let twice = "SELECT count(*) AS count FROM (SELECT 1 FROM call_events \
                 WHERE call_sid IS NOT NULL GROUP BY call_sid, seq, kind HAVING count(*) > 1) twice";
    assert_eq!(counted(&url, twice), 0, "an event is there twice");
    assert_eq!(world.metrics().await.sum("trunkline_records_dropped_total"), 0.0);
    let (late, latest) = own_lateness(&reports);
    eprintln!(
        "FIGURES {live} live calls, {} in all, away {:.1} s, {held} records in the journal, drained {:.1} s after; \
         frame gap p99 {} ms, longest {} ms of {} frames; \
         {late} per mille of the callers' own ten milliseconds late, the latest {latest} ms",
        reports.len(),
        away.as_secs_f64(),
        drained.as_secs_f64(),
        gaps.per_mille_ms(990),
        gaps.max_ms(),
        gaps.count(),
    );
    assert!(drained <= Duration::from_secs(30), "{drained:?}");
    // In the suite: nothing waited for the database, whose time-outs are longer.
    let p99 = gaps.per_mille_ms(990);
    assert!(p99 < scaled(1_000, 60), "{p99} ms");
}
