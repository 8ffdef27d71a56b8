//! Both nodes of a fleet are restarted, one after the other, while calls come all
//! the time: no call is lost, and no record.

use std::time::{Duration, Instant};

use serde_json::Value;
use trunkline_fleet::testing::PrivateRedis;
use trunkline_simulator::carrier::{CallPlan, CallReport};

use crate::support::{
    Balancer, Books, Crowd, GOODBYE, HUMAN, ServerProcess, World, own_cluster, scaled, wait_for,
};

/// A call either went to its end, or its caller was put through to the human.
fn how_it_went(report: &CallReport) -> bool {
    assert_eq!(report.failure(), None, "{report:?}");
    let dialled = report.numbers_dialled();
    assert!(dialled.is_empty() || dialled == [HUMAN], "{report:?}");
    dialled.is_empty()
}

async fn restart(node: &mut ServerProcess, balancer: &Balancer) -> Duration {
    let began = Instant::now();
    node.signal("TERM");
    assert_eq!(node.wait().await, Some(0), "{}", node.log());
    let took = began.elapsed();
    balancer.remove(node.port());
    node.start_again();
    balancer.add(node.port());
    wait_for("both nodes to be ready", async || (balancer.ready() == 2).then_some(())).await;
    took
}

#[actix_rt::test]
async fn a_fleet_is_restarted_node_by_node_and_no_call_and_no_record_is_lost() {
    let (_cluster, url) = own_cluster();
    let redis = PrivateRedis::start().expect("a Redis");
    let deadline = Duration::from_secs(scaled(4, 20));
    let world = World::plan()
        .for_crowd()
        .env("DATABASE_URL", url)
        .env("REDIS_URL", redis.url())
        .env("FLEET_DEADLINE_MS", 5_000)
        .env("DRAIN_DEADLINE_MS", deadline.as_millis());
    let mut world = world.start().await;
    let mut other = world.server.beside("another-node");
    let balancer = Balancer::start().await;
    for node in [&world.server, &other] {
        balancer.add(node.port());
    }
    wait_for("both nodes to be ready", async || (balancer.ready() == 2).then_some(())).await;

    let through = |script: &str| CallPlan { server: balancer.base(), ..world.call(script) };
    let plans = vec![
        through("wait greeting\nwait 1s\nhangup"),
        through(GOODBYE),
        through("wait 500ms\nhangup"),
        through("wait greeting\nwait 12s\nhangup"),
    ];
    let plans: Vec<CallPlan> = plans.into_iter().cycle().take(scaled(150, 3_000)).collect();
    let (many, enough) = (scaled(8, 60), deadline * 2 + Duration::from_secs(6));
    let crowd = Crowd::for_a_while(plans, many, enough);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let first = restart(&mut world.server, &balancer).await;
    let second = restart(&mut other, &balancer).await;
    let past = crowd.reports().await;

    let whole = past.iter().filter(|past| how_it_went(&past.report)).count();
    wait_for("every row to be closed", async || {
        Books::of(world.server.database_url()).open().is_empty().then_some(())
    })
    .await;
    let books = Books::of(world.server.database_url());
    // A node that was slow to commit has put it into its journal, and is at it.
    wait_for("the journals to be empty", async || {
        for node in [&world.server, &other] {
            let ready = node.get("/ready").await;
            if ready["journal"]["records"] != 0 {
                return None;
            }
        }
        Some(())
    })
    .await;
    for past in &past {
        // One that was sent on before it had a stream has a row and no story.
        let flaw = match past.report.streams.is_empty() {
            true => books.row(&past.report.call_sid).is_none().then(|| "no row".to_owned()),
            false => books.flaw(&past.report.call_sid),
        };
        assert_eq!(flaw, None, "{:?}", past.report);
    }
    for node in [&world.server, &other] {
        assert_eq!(node.logged("the database refused a record"), Vec::<Value>::new());
    }
    eprintln!(
        "FIGURES {} calls, {whole} to their end, {} to the human, drained in {:.1} s and {:.1} s",
        past.len(),
        past.len() - whole,
        first.as_secs_f64(),
        second.as_secs_f64(),
    );
    assert!(past.len() > many * 2 && whole > 0, "{} calls", past.len());
    drop(other);
}
