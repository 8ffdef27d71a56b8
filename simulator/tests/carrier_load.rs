//! Many calls at once, their report, and its thresholds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use std::time::Duration;

use carrier_server::{Server, connect, xml};
use clap::Parser as _;
use trunkline_simulator::carrier::{
    CallPlan, Load, SimulateCallsOptions, Threshold, place_calls, run,
};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    options: SimulateCallsOptions,
}

fn options(server: &str, more: &[&str]) -> SimulateCallsOptions {
    let words = ["calls", "--url", server, "--rate", "0", "--json"];
    Line::try_parse_from(words.iter().chain(more)).unwrap().options
}

async fn talking_server() -> Server {
    let voice = xml(&connect("wss://127.0.0.1/stream/a", None));
    Server::with_stream(&[("/twilio/voice", voice)], |mut peer| {
        Box::pin(async move {
            peer.wait_for("start").await;
            peer.say(&[0x20; 1_600]).await;
            peer.mark("end").await;
            peer.wait_for("mark").await;
            peer.close().await;
        })
    })
    .await
}

#[actix_web::test]
async fn every_call_is_placed_and_summed_up() {
    let server = talking_server().await;
    let plan = CallPlan { max_duration: Duration::from_secs(10), ..server.plan() };
    let load =
        Load { calls: 30, spacing: Duration::from_millis(1), concurrency: 8, ..Load::default() };
    let mut most = 0;
    let report =
        place_calls(plan, load, |counts| most = most.max(counts.begun - counts.over)).await;
    assert_eq!((report.calls, report.failed), (30, 0), "{:?}", report.failures);
    assert_eq!(most, 8);
    assert_eq!(report.setup_ms.count(), 30);
    assert_eq!(report.first_audio_ms.count(), 30);
    assert_eq!(report.ended["far_end"], 30);
    let sids: std::collections::BTreeSet<_> =
        server.seen().iter().filter_map(|seen| seen.get("CallSid").map(str::to_owned)).collect();
    assert_eq!(sids.len(), 30);
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["setup_ms"]["p95"].is_u64());
}

#[actix_web::test]
async fn more_than_a_hundred_streams_are_open_at_once() {
    let voice = xml(&connect("wss://127.0.0.1/stream/a", None));
    let server = Server::start(&[("/twilio/voice", voice)]).await;
    let plan = CallPlan { max_duration: Duration::from_millis(2_500), ..server.plan() };
    let load = Load { calls: 130, spacing: Duration::ZERO, concurrency: 0, ..Load::default() };
    let report = place_calls(plan, load, |_| {}).await;
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    assert_eq!(report.ended["duration"], 130, "a stream waited for another one's end");
}

#[actix_web::test]
async fn the_exit_code_says_whether_limits_held() {
    let server = talking_server().await;
    assert_eq!(run(options(&server.url, &["--threshold", "max_failed=0,max_lost=0"])).await, 0);
    assert_eq!(run(options(&server.url, &["--threshold", "max_first_audio_ms=60000"])).await, 0);

    let nobody = Server::start(&[]).await;
    assert_eq!(run(options(&nobody.url, &[])).await, 1);
    assert_eq!(run(options(&nobody.url, &["--threshold", "max_failed=1"])).await, 0);
    assert_eq!(run(options(&nobody.url, &["--script", "/no/such/file"])).await, 2);
}

#[test]
fn the_token_does_not_print_and_thresholds_say_what_there_is() {
    let options = options("http://127.0.0.1:1", &["--auth-token", "secret-token"]);
    assert!(!format!("{options:?}").contains("secret"));
    assert!("max_failed=3".parse::<Threshold>().is_ok());
    let error = "max_fail=3".parse::<Threshold>().unwrap_err().to_string();
    assert!(error.contains("max_failed"), "{error}");
    assert!("max_failed".parse::<Threshold>().is_err());
    assert!("max_failed=-1".parse::<Threshold>().is_err());
}
