//! Marks come back when their audio has been heard, or at once on a clear.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use carrier_server::{Server, connect, xml};
use trunkline_simulator::carrier::{StreamEnd, place_call};
use trunkline_simulator::speech::watermark;

fn voice() -> [(&'static str, carrier_server::Canned); 1] {
    [("/twilio/voice", xml(&connect("wss://127.0.0.1/stream/a", None)))]
}

fn speech(response: u16, frames: u16) -> Vec<u8> {
    let frame = |index| {
        let mut frame = [0x20_u8; 160];
        watermark::stamp(&mut frame, response, index);
        frame
    };
    (0..frames).flat_map(frame).collect()
}

#[actix_web::test]
async fn a_mark_takes_as_long_as_the_audio_before_it() {
    let server = Server::with_stream(&voice(), |mut peer| {
        Box::pin(async move {
            peer.wait_for("start").await;
            peer.mark("empty").await;
            peer.say(&[0x20; 3_200]).await;
            peer.mark("after 400 ms").await;
            peer.wait_for("mark").await;
            peer.wait_for("mark").await;
            peer.close().await;
        })
    })
    .await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    let marks = server.heard_of("mark");
    let at = |n: usize| marks[n]["at_ms"].as_u64().unwrap();
    assert_eq!(marks[0]["mark"]["name"], "empty");
    assert!(at(0) < 200, "a mark on an empty buffer came after {} ms", at(0));
    assert_eq!(marks[1]["mark"]["name"], "after 400 ms");
    let took = at(1) - at(0);
    assert!((380..700).contains(&took), "400 ms of audio took {took} ms");
    let stream = &report.streams[0];
    assert_eq!((stream.marks_received, stream.marks_played, stream.marks_cleared), (2, 2, 0));
    assert_eq!(stream.playback.played_bytes, 3_200);
    assert!(stream.first_audio_ms.unwrap() < 300);
}

#[actix_web::test]
async fn a_clear_returns_its_marks_at_once_and_silences_the_phone() {
    let server = Server::with_stream(&voice(), |mut peer| {
        Box::pin(async move {
            peer.wait_for("start").await;
            peer.say(&speech(3, 250)).await;
            peer.mark("half").await;
            peer.mark("end").await;
            peer.hear(25).await;
            peer.clear().await;
            peer.wait_for("mark").await;
            peer.wait_for("mark").await;
            peer.hear(10).await;
            peer.close().await;
        })
    })
    .await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    let names: Vec<_> = server.heard_of("mark").iter().map(|m| m["mark"]["name"].clone()).collect();
    assert_eq!(names, ["half", "end"]);
    let marks = server.heard_of("mark");
    assert!(marks[1]["at_ms"].as_u64().unwrap() < 2_000, "five seconds had been queued");
    let stream = &report.streams[0];
    assert_eq!((stream.marks_played, stream.marks_cleared), (0, 2));
    let playback = &stream.playback;
    assert_eq!(playback.received_bytes, 40_000);
    assert_eq!(playback.played_bytes + playback.cleared_bytes, 40_000);
    let cleared = &playback.clears[0];
    let (response, frame) = cleared.playing.unwrap();
    assert_eq!(response, 3);
    assert!((20..60).contains(&frame), "cleared while frame {frame} was playing");
    assert_eq!(u64::from(frame) + 1, playback.responses[0].frames);
    assert_eq!(playback.stale_frames, 0);
}

#[actix_web::test]
async fn audio_in_the_buffer_is_lost_when_the_server_closes() {
    let server = Server::with_stream(&voice(), |mut peer| {
        Box::pin(async move {
            peer.wait_for("start").await;
            peer.say(&[0x20; 16_000]).await;
            peer.hear(10).await;
            peer.close().await;
        })
    })
    .await;
    let report = place_call(&server.plan(), None).await;
    let stream = &report.streams[0];
    assert_eq!(stream.end, StreamEnd::ServerClosed);
    assert_eq!(stream.close.as_ref().unwrap().0, 1_000);
    assert!(stream.playback.unplayed_bytes > 8_000, "{:?}", stream.playback);
}

#[actix_web::test]
async fn what_twilio_would_not_understand_is_counted_and_ignored() {
    let server = Server::with_stream(&voice(), |mut peer| {
        Box::pin(async move {
            peer.wait_for("start").await;
            peer.send(serde_json::json!({"event": "clear"})).await;
            peer.session.binary(vec![1, 2]).await.unwrap();
            peer.hear(5).await;
            peer.close().await;
        })
    })
    .await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.streams[0].invalid_commands, 2);
    let warning = report.errors.iter().find(|error| error.code == Some(31_951)).unwrap();
    assert!(warning.warning && report.failure().is_none(), "{report:#?}");
}
