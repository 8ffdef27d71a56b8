//! Echo load: what comes back is counted and timed, frame by frame.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carrier_server::{Peer, Server, connect, xml};
use serde_json::Value;
use trunkline_simulator::carrier::{CallPlan, Load, LoadReport, Pattern, place_calls};

const CALLS: u32 = 3;

async fn server(handler: fn(Peer) -> std::pin::Pin<Box<dyn Future<Output = ()>>>) -> Server {
    let voice = xml(&connect("wss://127.0.0.1/stream/a", None));
    Server::with_stream(&[("/twilio/voice", voice)], handler).await
}

async fn load(server: &Server) -> LoadReport {
    let load = Load {
        calls: CALLS,
        spacing: Duration::from_millis(50),
        pattern: Pattern::Ramp,
        hold: Some(Duration::from_millis(600)),
        echo: true,
        server_pid: Some(std::process::id()),
        ..Load::default()
    };
    let plan = CallPlan { fallback_url: None, ..CallPlan::new(&server.url) };
    place_calls(plan, load, |_| {}).await
}

fn audio_of(message: &Value) -> Option<Vec<u8>> {
    let payload = message["media"]["payload"].as_str()?;
    Some(STANDARD.decode(payload).unwrap())
}

/// Sends each frame back `times(n)` times, `n` counting from 0.
async fn echo(mut peer: Peer, times: impl Fn(u64) -> u64) {
    let mut n = 0;
    while let Some(message) = peer.next().await {
        if let Some(audio) = audio_of(&message) {
            for _ in 0..times(n) {
                peer.say(&audio).await;
            }
            n += 1;
        }
    }
}

#[actix_web::test]
async fn a_faithful_echo_loses_nothing_and_is_timed() {
    let server = server(|peer| Box::pin(echo(peer, |_| 1))).await;
    let report = load(&server).await;
    assert_eq!(report.failed, 0, "{:?}", report.failures);
    let counts = &report.echo.counts;
    assert_eq!((counts.lost, counts.duplicated, counts.reordered), (0, 0, 0));
    assert_eq!((counts.early, counts.returned), (0, counts.stamped));
    assert!(counts.stamped >= 25 * u64::from(CALLS), "{counts:?}");
    assert_eq!(report.echo.round_trip_us.count(), counts.returned);
    assert!(report.echo.round_trip_us.percentile(100.0) < 1_000_000);
    assert_eq!(report.first_media_us.count(), u64::from(CALLS));
    assert!(report.server.is_some_and(|server| server.call_seconds > 1.5));
    assert_eq!(report.ended["duration"], u64::from(CALLS));
}

#[actix_web::test]
async fn what_a_relay_drops_and_doubles_is_counted() {
    // Frames 10 and 20 never come back, frame 15 comes back twice.
    fn times(n: u64) -> u64 {
        match n {
            10 | 20 => 0,
            15 => 2,
            _ => 1,
        }
    }
    let server = server(|peer| Box::pin(echo(peer, times))).await;
    let counts = load(&server).await.echo.counts;
    let calls = u64::from(CALLS);
    assert_eq!((counts.lost, counts.duplicated, counts.reordered), (2 * calls, calls, 0));
}

#[actix_web::test]
async fn audio_may_be_cut_anew_and_the_start_may_be_missed() {
    async fn cut(mut peer: Peer) {
        peer.hear(5).await;
        let mut waiting = Vec::new();
        while let Some(message) = peer.next().await {
            waiting.extend(audio_of(&message).unwrap_or_default());
            if waiting.len() >= 400 {
                let sent: Vec<u8> = waiting.drain(..400).collect();
                peer.say(&sent).await;
            }
        }
    }
    let server = server(|peer| Box::pin(cut(peer))).await;
    let report = load(&server).await;
    let counts = &report.echo.counts;
    assert_eq!(counts.early, 5 * u64::from(CALLS), "{counts:?}");
    assert_eq!((counts.lost, counts.duplicated), (0, 0), "{counts:?}");
}

#[actix_web::test]
async fn marks_come_back_when_their_audio_was_played_and_at_once_on_a_clear() {
    async fn marks(mut peer: Peer) {
        peer.hear(1).await;
        peer.say(&[0xff; 4_000]).await;
        peer.mark("played in half a second").await;
        peer.say(&[0xff; 32_000]).await;
        peer.mark("cleared").await;
        let played = peer.wait_for("mark").await.unwrap();
        assert_eq!(played["mark"]["name"], "played in half a second");
        peer.clear().await;
        assert_eq!(peer.wait_for("mark").await.unwrap()["mark"]["name"], "cleared");
        peer.until_stop().await;
    }
    let server = server(|peer| Box::pin(marks(peer))).await;
    let report = load(&server).await;
    let stream = &report.details[0].streams[0];
    assert_eq!((stream.marks_received, stream.marks_played, stream.marks_cleared), (2, 1, 1));
    assert_eq!(server.heard_of("stop").len(), usize::try_from(CALLS).unwrap());
}

#[actix_web::test]
async fn a_server_that_sends_nothing_back_or_hangs_up_fails_the_calls() {
    let mute = server(|peer| Box::pin(peer.until_stop())).await;
    let report = load(&mute).await;
    assert_eq!(report.failed, u64::from(CALLS));
    assert!(report.failures.keys().all(|why| why.contains("no frame came back")));
    assert_eq!(report.echo.counts.lost, 0, "nothing was promised");

    async fn leave(mut peer: Peer) {
        peer.hear(3).await;
        peer.close().await;
    }
    let leaving = server(|peer| Box::pin(leave(peer))).await;
    let report = load(&leaving).await;
    assert!(report.failures.keys().all(|why| why.contains("ended the stream")), "{report:?}");
    assert_eq!(report.failed, u64::from(CALLS));
}
