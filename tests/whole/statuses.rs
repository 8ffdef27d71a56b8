//! The carrier's reports of where a call is: late, twice, in any order, and of
//! calls that are none of ours.

use trunkline_simulator::carrier::{StatusPlan, place_call};

use crate::support::{Webhook, World, new_call};

#[actix_rt::test]
async fn reports_in_any_order_and_twice_come_to_one_end() {
    let world = World::start().await;
    let mut plan = world.call("wait greeting\nhangup");
    plan.status = Some(StatusPlan { shuffled: true, duplicated: true, ..StatusPlan::default() });
    let report = place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:?}");
    let reports = report.http.iter().filter(|sent| sent.url.ends_with("/twilio/status"));
    assert!(reports.clone().all(|sent| sent.status == Some(204)), "{:?}", report.http);
    let row = world.server.row(&report.call_sid, |row| row.status.as_str() == "completed").await;
    assert_eq!(row.outcome.map(|o| o.as_str()), Some("abandoned"), "the caller said nothing");
    assert_eq!(world.server.rows(), 1);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_status_never_goes_back() {
    let world = World::start().await;
    let (call, _) = world.reserved().await;
    for (reported, stored) in [
        ("in-progress", "in-progress"),
        ("initiated", "in-progress"),
        ("completed", "completed"),
        ("completed", "completed"),
        ("in-progress", "completed"),
        ("failed", "completed"),
    ] {
        assert_eq!(world.status(&call, reported).await, 204);
        world.server.row(&call, |row| row.status.as_str() == stored).await;
    }
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_report_of_an_unknown_call_is_no_error() {
    let world = World::plan().env("RUST_LOG", "debug").start().await;
    let stranger = new_call();
    for status in ["ringing", "in-progress", "completed"] {
        assert_eq!(world.status(&stranger, status).await, 204);
    }
    // A record behind them is written, so they have been looked at.
    let (call, _) = world.reserved().await;
    world.server.row(&call, |_| true).await;
    assert_eq!(world.metrics().await.sum("trunkline_records_dropped_total"), 0.0);
    assert_eq!(world.server.rows(), 1);
    let log = world.server.log();
    assert!(!log.contains("\"level\":\"ERROR\"") && !log.contains("\"level\":\"WARN\""), "{log}");
    assert_eq!(world.server.logged("a record waits for its call").len(), 3);
}

#[actix_rt::test]
async fn a_report_that_says_nothing_is_refused() {
    let world = World::start().await;
    let report = Webhook::new("/twilio/status", &new_call());
    for word in ["", "on-the-moon"] {
        let answer = report.clone().with("CallStatus", word).send(&world.server).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
}

#[actix_rt::test]
async fn the_end_of_a_live_call_is_taken_from_the_report_when_the_stream_says_nothing() {
    let world = World::start().await;
    let (call, _stream) = world.live_by_hand().await;
    assert_eq!(world.status(&call, "completed").await, 204);
    let stored = world.stored(&call).await;
    assert_eq!(stored["call"]["outcome"], "abandoned", "{stored:#}");
    world.assert_idle().await;
}
