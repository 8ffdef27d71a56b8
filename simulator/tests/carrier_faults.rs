//! What a broken carrier does to a server, and how calls end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use std::path::Path;
use std::time::Duration;

use carrier_server::{Server, connect, xml};
use tokio::sync::mpsc::unbounded_channel;
use trunkline_simulator::carrier::{
    CallPlan, CallReport, Ended, EventKind, Library, Script, StreamEnd, place_call,
};

async fn call(text: &str) -> (Server, CallReport) {
    let voice = xml(&connect("wss://127.0.0.1/stream/a", Some("/after")));
    let server = Server::start(&[("/twilio/voice", voice), ("/after", xml("<Hangup/>"))]).await;
    let script = Script::read(text, &mut Library::new(Path::new(""), Path::new(""))).unwrap();
    let plan = CallPlan { script, max_duration: Duration::from_millis(700), ..server.plan() };
    let report = place_call(&plan, None).await;
    (server, report)
}

#[actix_web::test]
async fn a_caller_who_hangs_up_sends_stop_and_asks_for_nothing_more() {
    let (server, report) = call("wait 100ms\nhangup").await;
    assert_eq!(report.ended, Ended::Caller);
    assert_eq!(report.status, "completed");
    let stop = server.heard_of("stop").pop().unwrap();
    assert_eq!(stop["stop"]["callSid"], report.call_sid);
    assert_eq!(server.heard().pop().unwrap()["event"], "close");
    assert_eq!(server.paths(), ["/twilio/voice", "/stream/a"]);
}

#[actix_web::test]
async fn a_silent_caller_stays_until_the_planned_end() {
    let (server, report) = call("").await;
    assert_eq!(report.ended, Ended::Duration);
    assert!(report.duration_ms >= 700);
    assert_eq!(server.heard_of("stop").len(), 1);
}

#[actix_web::test]
async fn a_reset_leaves_without_stop_or_close_and_the_call_goes_on() {
    let (server, report) = call("wait 100ms\ndrop").await;
    assert_eq!(report.streams[0].end, StreamEnd::Reset);
    assert_eq!(report.ended, Ended::FarEnd);
    assert!(server.heard_of("media").len() >= 3);
    assert!(server.heard_of("stop").is_empty() && server.heard_of("close").is_empty());
    assert_eq!(server.paths().pop().unwrap(), "/after");
}

#[actix_web::test]
async fn a_stalled_stream_stays_open_and_says_nothing() {
    let (server, report) = call("wait 100ms\nstall").await;
    assert_eq!(report.ended, Ended::Duration);
    assert!((3..15).contains(&server.heard_of("media").len()));
    assert!(server.heard_of("stop").is_empty());
}

#[actix_web::test]
async fn a_stream_that_never_starts_says_connected_only() {
    let (server, report) = call("never-start").await;
    let events: Vec<_> = server.heard().iter().map(|m| m["event"].clone()).collect();
    assert_eq!(events, ["connected", "close"]);
    assert_eq!(report.streams[0].started_at_ms, None);
}

#[actix_web::test]
async fn a_caller_who_is_gone_before_the_stream_opens_none() {
    let (server, report) = call("no-stream").await;
    assert_eq!(report.ended, Ended::Caller);
    assert_eq!(server.heard(), Vec::<serde_json::Value>::new());
    assert_eq!((report.streams.len(), report.streams[0].open_ms), (1, None));
    assert_eq!(server.paths(), ["/twilio/voice"], "nobody is left to be told what follows");
}

#[actix_web::test]
async fn garbage_goes_out_as_text_and_binary_and_the_stream_goes_on() {
    let (server, _) = call("garbage\nwait 100ms\nhangup").await;
    assert_eq!(server.heard_of("binary").len(), 1);
    assert!(server.heard_of("garbage").len() >= 3);
    assert!(server.heard_of("media").len() > 3);
}

#[actix_web::test]
async fn events_tell_of_the_call_as_it_happens_and_recordings_are_kept() {
    let voice = xml(&connect("wss://127.0.0.1/stream/a", None));
    let server = Server::with_stream(&[("/twilio/voice", voice)], |mut peer| {
        Box::pin(async move {
            peer.wait_for("start").await;
            peer.say(&[0x20; 3_200]).await;
            peer.until_stop().await;
        })
    })
    .await;
    let folder = std::env::temp_dir().join(format!("carrier-save-{}", uuid::Uuid::new_v4()));
    let mut library = Library::new(Path::new(""), Path::new(""));
    let script = Script::read("wait greeting\npress 0\nhangup", &mut library).unwrap();
    let plan = CallPlan {
        script,
        save: Some(folder.clone()),
        max_duration: Duration::from_secs(5),
        ..server.plan()
    };
    let (to, mut events) = unbounded_channel();
    let report = place_call(&plan, Some(to)).await;
    assert_eq!(report.ended, Ended::Caller, "{report:#?}");
    let told: Vec<_> = std::iter::from_fn(|| events.try_recv().ok()).map(|e| e.kind).collect();
    assert_eq!(
        told,
        [
            EventKind::Ringing,
            EventKind::Verb("Connect/Stream".into()),
            EventKind::StreamStarted,
            EventKind::AgentSpeaks,
            EventKind::AgentQuiet,
            EventKind::Key('0'),
            EventKind::StreamEnded,
            EventKind::Ended(Ended::Caller),
        ]
    );
    let mut both = hound::WavReader::open(folder.join(format!("{}.wav", report.call_sid))).unwrap();
    assert_eq!((both.spec().channels, both.spec().sample_rate), (2, 8_000));
    let agent: Vec<i16> = both.samples::<i16>().skip(1).step_by(2).map(Result::unwrap).collect();
    assert_eq!(agent.iter().filter(|sample| sample.abs() > 300).count(), 3_200);
    std::fs::remove_dir_all(folder).unwrap();
}
