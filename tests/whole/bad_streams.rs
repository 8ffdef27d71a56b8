//! Frames that no carrier sends: the stream is closed, the reason counted; a
//! stranger gets nothing, and a caller on the line gets a human.

use std::time::Duration;

use trunkline_core::wire::twilio::signature::sign;

use crate::support::{AUTH_TOKEN, HUMAN, RawStream, World, client, wait_for};

const PATIENCE: Duration = Duration::from_secs(5);

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bad {
    Oversize,
    Json,
    Missing,
    NotAnObject,
    Binary,
    Fragment,
    Base64,
    SecondStart,
}

const BAD: [(Bad, &str, u16); 8] = [
    (Bad::Oversize, "oversize", 1009),
    (Bad::Json, "malformed", 1008),
    (Bad::Missing, "malformed", 1008),
    (Bad::NotAnObject, "malformed", 1008),
    (Bad::Binary, "binary", 1003),
    (Bad::Fragment, "fragmented", 1003),
    (Bad::Base64, "malformed", 1008),
    (Bad::SecondStart, "second_start", 1008),
];

async fn send(bad: Bad, stream: &mut RawStream, call: &str) {
    match bad {
        Bad::Oversize => stream.send(&format!(r#"{{"event":"{}"}}"#, "x".repeat(70_000))).await,
        Bad::Json => stream.send(r#"{"event":"media","#).await,
        Bad::Missing => stream.send(r#"{"event":"media","media":{"payload":"/w=="}}"#).await,
        Bad::NotAnObject => stream.send("[]").await,
        Bad::Binary => stream.send_binary(vec![0; 160]).await,
        Bad::Fragment => stream.send_fragment().await,
        Bad::Base64 => stream.send_media(Some("!!!!")).await,
        Bad::SecondStart => stream.start(call, None, Some("any")).await,
    }
}

#[actix_rt::test]
async fn a_stranger_who_sends_rubbish_is_shown_out() {
    let world = World::start().await;
    for (bad, reason, code) in BAD.into_iter().filter(|(bad, ..)| *bad != Bad::SecondStart) {
        let mut stream = RawStream::open(&world.server).await;
        send(bad, &mut stream, "").await;
        assert_eq!(stream.closed(PATIENCE).await, (code, reason.to_owned()), "{bad:?}");
    }
    let mut stream = RawStream::open(&world.server).await;
    stream.send_media(None).await;
    assert_eq!(stream.closed(PATIENCE).await, (1008, "media_before_start".to_owned()));

    let metrics = world.metrics().await;
    let refused = |reason| metrics.with("trunkline_streams_refused_total", &[("reason", reason)]);
    assert_eq!(refused("malformed"), 4.0);
    for reason in ["oversize", "binary", "fragmented", "media_before_start"] {
        assert_eq!(refused(reason), 1.0, "{reason}");
    }
    assert_eq!(metrics.with("trunkline_bad_messages_total", &[("peer", "carrier")]), 4.0);
    world.assert_not_dialled();
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_stream_that_never_starts_is_closed_and_holds_no_slot_of_its_own() {
    let plan = World::plan().env("STREAM_START_TIMEOUT_MS", 400).env("RESERVATION_TTL_MS", 1_500);
    let world = plan.start().await;
    let report = world.place("never-start\nwait 3s").await;
    let stream = &report.streams[0];
    assert_eq!(stream.close, Some((1008, "no_start".to_owned())), "{report:?}");
    // The carrier asks what follows: the caller is still there.
    assert_eq!(report.numbers_dialled(), [HUMAN]);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge");
    assert_eq!(stored["call"]["handoff_reason"], "stream_not_opened");

    // A stranger's stream, without any webhook.
    let mut silent = RawStream::open(&world.server).await;
    silent.send(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#).await;
    assert_eq!(silent.closed(PATIENCE).await, (1008, "no_start".to_owned()));
    // A reservation whose stream says nothing.
    let (_, _) = world.reserved().await;
    let mut silent = RawStream::open(&world.server).await;
    assert_eq!(silent.closed(PATIENCE).await, (1008, "no_start".to_owned()));
    let reason = [("reason", "no_start")];
    assert_eq!(world.metrics().await.with("trunkline_streams_refused_total", &reason), 3.0);
    world.assert_idle().await;
    world.assert_not_dialled();
}

#[actix_rt::test]
async fn a_start_that_cannot_be_used_is_refused() {
    let world = World::start().await;
    for (start, reason) in [
        (
            r#"{"event":"start","start":{"streamSid":"MZ1","accountSid":"AC1","callSid":"CA1"}}"#,
            "malformed",
        ),
        (
            r#"{"event":"start","start":{"streamSid":"MZ1","accountSid":"AC1","callSid":"CA\u0000","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#,
            "malformed",
        ),
        (
            r#"{"event":"start","start":{"streamSid":"MZ1","accountSid":"AC1","callSid":"CA1","mediaFormat":{"encoding":"audio/opus","sampleRate":48000,"channels":2}}}"#,
            "media_format",
        ),
    ] {
        let mut stream = RawStream::open(&world.server).await;
        stream.send(start).await;
        assert_eq!(stream.closed(PATIENCE).await.1, reason, "{start}");
    }
    world.assert_not_dialled();
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_request_for_a_stream_that_is_no_handshake_is_refused() {
    let world = World::start().await;
    let signature = sign(AUTH_TOKEN, "wss://voice.test/twilio/stream", &[]);
    let plain = client()
        .get(format!("{}/twilio/stream", world.server.base()))
        .insert_header(("x-twilio-signature", signature))
        .send()
        .await
        .unwrap();
    assert_eq!(plain.status().as_u16(), 400);
    let reason = [("reason", "no_websocket")];
    assert_eq!(world.metrics().await.with("trunkline_streams_refused_total", &reason), 1.0);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_caller_whose_stream_breaks_the_rules_reaches_a_human() {
    let world = World::plan().shop("[limits]\nconcurrent_calls = 0").start().await;
    for (bad, reason, code) in BAD {
        let (call, mut stream) = world.live_by_hand().await;
        stream.send_media(None).await;
        send(bad, &mut stream, &call).await;
        assert_eq!(stream.closed(PATIENCE).await, (code, reason.to_owned()), "{bad:?}");

        let (said, number) = world.what_next(&call).await.dialled();
        assert_eq!((said.as_str(), number.as_str()), ("Connecting you to an agent now.", HUMAN));
        let stored = world.stored(&call).await;
        assert_eq!(stored["call"]["mode"], "bridge", "{bad:?}");
        assert_eq!(stored["call"]["handoff_reason"], "stream_lost");
        let bridged = crate::support::event(&stored, "bridge");
        assert_eq!(bridged["data"]["error"], reason);
    }
    let metrics = world.metrics().await;
    assert_eq!(metrics.with("trunkline_bad_messages_total", &[("peer", "carrier")]), 4.0);
    let lost = |reason| metrics.with("trunkline_streams_lost_total", &[("reason", reason)]);
    assert_eq!(lost("malformed"), 4.0);
    for reason in ["oversize", "binary", "fragmented", "second_start"] {
        assert_eq!(lost(reason), 1.0, "{reason}");
    }
    world.assert_idle().await;
}

#[actix_rt::test]
async fn what_is_only_unknown_disturbs_nobody() {
    let world = World::start().await;
    let (call, mut stream) = world.live_by_hand().await;
    stream.send(r#"{"event":"weather","weather":[1,2,3]}"#).await;
    stream.send(r#"{"event":"mark","mark":{"name":"nobody-sent-this"},"streamSid":"MZ1"}"#).await;
    stream.send(r#"{"event":"connected","protocol":"Call","version":"9.0.0","new":true}"#).await;
    stream.send_media(None).await;
    stream.hang_up(&call).await;
    let stored = world.stored(&call).await;
    assert_eq!(stored["call"]["outcome"], "abandoned", "{stored:#}");
    assert_eq!(stored["call"]["mode"], "realtime");
    wait_for("the frame to be counted", async || {
        let up = world.metrics().await.with("trunkline_frames_total", &[("direction", "up")]);
        (up == 1.0).then_some(())
    })
    .await;
    world.assert_idle().await;
}
