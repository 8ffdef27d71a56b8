//! Frames leave every 20 ms by an absolute schedule, and hold the caller's audio.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carrier_server::{Server, connect, xml};
use trunkline_simulator::carrier::{CallPlan, Clip, Script, place_call};

async fn server() -> Server {
    let voice = xml(&connect("wss://127.0.0.1/stream/a", None));
    Server::start(&[("/twilio/voice", voice)]).await
}

#[actix_web::test]
async fn no_frame_is_late_by_the_sum_of_earlier_lateness() {
    let server = server().await;
    let plan = CallPlan { max_duration: Duration::from_millis(2_000), ..server.plan() };
    let report = place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    let media = server.heard_of("media");
    let at = |n: usize| media[n]["at_ms"].as_i64().unwrap() - 20 * i64::try_from(n).unwrap();
    // A sleep of 20 ms between frames would drift a millisecond or more a frame,
    // 90 ms at the end; one late burst of a busy machine must not fail the test.
    let first = (0..10).map(at).min().unwrap();
    let last = (media.len() - 10..media.len()).map(at).min().unwrap();
    assert!((last - first).abs() < 30, "the schedule moved by {} ms", last - first);
    assert!((90..=101).contains(&media.len()), "{} frames in two seconds", media.len());
    let stream = &report.streams[0];
    assert_eq!(stream.frames_sent, u64::try_from(media.len()).unwrap());
    let late = &stream.lateness;
    let counted = late.under_2_ms + late.under_5_ms + late.under_10_ms;
    assert!(counted + late.under_20_ms + late.over_20_ms >= stream.frames_sent);
}

#[actix_web::test]
async fn counters_are_strings_without_gaps() {
    let server = server().await;
    let plan = CallPlan { max_duration: Duration::from_millis(300), ..server.plan() };
    place_call(&plan, None).await;
    let heard = server.heard();
    assert_eq!(heard[0]["event"], "connected");
    assert_eq!(heard[0]["protocol"], "Call");
    assert_eq!(heard[1]["event"], "start");
    assert_eq!(heard[1]["start"]["customParameters"]["token"], "a&b");
    assert_eq!(heard[1]["start"]["mediaFormat"]["sampleRate"], 8_000);
    let numbered: Vec<_> = heard.iter().filter_map(|m| m["sequenceNumber"].as_str()).collect();
    let expected: Vec<_> = (1..=numbered.len()).map(|n| n.to_string()).collect();
    assert_eq!(numbered, expected);
    for (n, media) in server.heard_of("media").iter().enumerate() {
        assert_eq!(media["media"]["chunk"], (n + 1).to_string());
        assert_eq!(media["media"]["timestamp"], (20 * n).to_string());
        assert_eq!(media["media"]["track"], "inbound");
    }
    assert_eq!(server.heard_of("stop").len(), 1);
}

#[actix_web::test]
async fn a_recording_arrives_byte_for_byte_with_silence_around_it() {
    let server = server().await;
    let audio: Arc<[u8]> = (0..1_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let mut script = Script::playing(Clip { name: "ramp".into(), audio: Arc::clone(&audio) });
    script.steps.push(trunkline_simulator::carrier::Step::Wait(
        trunkline_simulator::carrier::Wait::For(100),
    ));
    script.steps.push(trunkline_simulator::carrier::Step::Hangup);
    let report = place_call(&CallPlan { script, ..server.plan() }, None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    let sent: Vec<u8> = server
        .heard_of("media")
        .iter()
        .flat_map(|media| STANDARD.decode(media["media"]["payload"].as_str().unwrap()).unwrap())
        .collect();
    assert_eq!(sent[..1_000], audio[..]);
    assert!(sent.len() > 1_120 && sent[1_000..].iter().all(|&code| code == 0xff));
}
