//! Recognisers of both dialects.

use std::time::Duration;

use trunkline_connectors::reach::Reach;
use trunkline_connectors::recogniser::{Patience, Recogniser, RecogniserError, connect};
use trunkline_core::wire::deepgram::{Closing, Listen};
use trunkline_core::wire::recogniser::{Hearing, RecogniserEvent};
use trunkline_core::wire::refusal::Advice;
use trunkline_core::wire::transcription::Transcribe;
use trunkline_simulator::providers::{Knobs, Provider, Said};

use crate::support::{LONG, eventually, fast, recording, start};

const PATIENT: Patience = Patience { connect: LONG, idle: LONG, send: LONG };

fn deepgram() -> Hearing {
    Hearing::Deepgram(Listen { endpointing_ms: 500, ..Listen::default() })
}

/// Sends audio in the frames of a phone line.
async fn send(recogniser: &mut Recogniser, audio: &[u8]) {
    for frame in audio.chunks(160) {
        recogniser.audio(frame).await.unwrap();
    }
}

/// Reads until `last` holds for an event, which is the last that is returned.
async fn until(
    recogniser: &mut Recogniser,
    last: impl Fn(&RecogniserEvent) -> bool,
) -> Vec<RecogniserEvent> {
    let mut events = Vec::new();
    loop {
        let event = tokio::time::timeout(LONG, recogniser.next()).await.expect("in time");
        events.push(event.expect("it goes on").unwrap());
        if events.last().is_some_and(&last) {
            return events;
        }
    }
}

/// Reads to the connection's end.
async fn end(recogniser: &mut Recogniser) -> (Vec<RecogniserEvent>, RecogniserError) {
    let mut events = Vec::new();
    loop {
        match tokio::time::timeout(LONG, recogniser.next()).await.expect("in time") {
            Some(Ok(event)) => events.push(event),
            Some(Err(error)) => return (events, error),
            None => panic!("it ended without saying why"),
        }
    }
}

fn words(event: &RecogniserEvent) -> Option<&str> {
    match event {
        RecogniserEvent::Final { text, .. } if !text.is_blank() => Some(text.expose()),
        _ => None,
    }
}

fn has_words(event: &RecogniserEvent) -> bool {
    words(event).is_some()
}

#[actix_rt::test]
async fn an_utterance_is_heard_with_its_beginning_first() {
    let running = start(fast()).await;
    let mut recogniser =
        connect(&deepgram(), &running.socket_base(), "key", PATIENT, &Reach::Anywhere)
            .await
            .unwrap();
    send(&mut recogniser, &recording("hours.wav", 500, 1_800)).await;
    let events =
        until(&mut recogniser, |e| matches!(e, RecogniserEvent::UtteranceEnd { .. })).await;
    assert_eq!(events[0], RecogniserEvent::Ready);
    assert!(matches!(events[1], RecogniserEvent::SpeechStarted { at_ms: 400..=900 }), "{events:?}");
    let said = events.iter().find_map(words).unwrap();
    assert!(said.starts_with("Hello, what are your opening hours"), "{said}");
    let interim: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            RecogniserEvent::Interim { text, .. } => Some(text.expose()),
            _ => None,
        })
        .collect();
    assert!(interim.len() >= 2, "{interim:?}");
    assert!(interim.iter().all(|begin| said.starts_with(begin)), "{interim:?}");
    let RecogniserEvent::Final { utterance_ends, from_ms, to_ms, .. } =
        events.iter().find(|event| has_words(event)).unwrap()
    else {
        panic!("a final");
    };
    assert!(*utterance_ends && from_ms < to_ms && *to_ms <= recogniser.sent_ms());
    recogniser.close().await.unwrap();
    let (rest, error) = end(&mut recogniser).await;
    // The service counts whole frames.
    let over = RecogniserEvent::Over { duration_ms: recogniser.sent_ms() / 20 * 20 };
    assert_eq!(rest.last(), Some(&over));
    assert!(matches!(error, RecogniserError::Closed { closing: Closing::Done, .. }), "{error}");
    assert!(recogniser.next().await.is_none());
    let record = &running.hearings()[0];
    assert_eq!(record.audio_bytes / 8, recogniser.sent_ms());
    assert_eq!(
        (record.finals.as_slice(), record.ended.as_deref()),
        (&[said.to_owned()][..], Some("closed by request"))
    );
    assert!(record.headers["authorization"] == "(present)");
    running.stop().await;
}

#[actix_rt::test]
async fn audio_sent_again_after_a_break_loses_no_word() {
    let running = start(Knobs { drop_after_ms: Some(400), ..fast() }).await;
    let base = running.socket_base();
    let audio = recording("booking.wav", 300, 1_000);
    let (first, _) = audio.split_at(8 * 1_200);
    let mut recogniser =
        connect(&deepgram(), &base, "key", PATIENT, &Reach::Anywhere).await.unwrap();
    send(&mut recogniser, first).await;
    let (events, error) = end(&mut recogniser).await;
    assert!(!events.iter().any(has_words));
    assert!(error.advice().is_retryable(), "{error}");
    running.set_knobs(fast());
    let mut recogniser =
        connect(&deepgram(), &base, "key", PATIENT, &Reach::Anywhere).await.unwrap();
    send(&mut recogniser, &audio).await;
    let events = until(&mut recogniser, has_words).await;
    let said = events.iter().find_map(words).unwrap();
    assert!(said.starts_with("Hi, I would like"), "{said}");
    assert_eq!(running.hearings()[0].ended.as_deref(), Some("dropped"));
    running.stop().await;
}

#[actix_rt::test]
async fn what_was_told_is_heard_and_a_flush_is_answered() {
    let running = start(fast()).await;
    let said = Said { from_ms: 0, to_ms: 10_000, text: "Order forty-two.".to_owned() };
    running.ears().tell("tag=room 7", vec![said]);
    let listen =
        Listen { tag: Some("room 7".to_owned()), endpointing_ms: 5_000, ..Listen::default() };
    let hearing = Hearing::Deepgram(listen);
    let mut recogniser =
        connect(&hearing, &running.socket_base(), "key", PATIENT, &Reach::Anywhere).await.unwrap();
    recogniser.finalize().await.unwrap();
    let flushed = |e: &RecogniserEvent| matches!(e, RecogniserEvent::Final { flushed: true, .. });
    let events = until(&mut recogniser, flushed).await;
    assert!(!events.iter().any(has_words), "nothing was said yet");
    send(&mut recogniser, &recording("yes.wav", 200, 0)).await;
    recogniser.finalize().await.unwrap();
    let events = until(&mut recogniser, flushed).await;
    assert_eq!(events.last().and_then(words), Some("Order forty-two."));
    running.stop().await;
}

#[actix_rt::test]
async fn silence_is_made_final_too() {
    let running = start(fast()).await;
    let mut recogniser =
        connect(&deepgram(), &running.socket_base(), "key", PATIENT, &Reach::Anywhere)
            .await
            .unwrap();
    send(&mut recogniser, &vec![0xff; 8 * 4_000]).await;
    let is_final = |e: &RecogniserEvent| matches!(e, RecogniserEvent::Final { .. });
    let events = until(&mut recogniser, is_final).await;
    let RecogniserEvent::Final { from_ms: 0, to_ms, text, utterance_ends: false, .. } =
        events.last().unwrap()
    else {
        panic!("{events:?}");
    };
    assert!(text.is_blank() && *to_ms >= 3_000);
    running.stop().await;
}

#[actix_rt::test]
async fn what_goes_wrong_with_a_recogniser() {
    let running = start(fast()).await;
    let base = running.socket_base();
    let knobs = |knobs: Knobs| running.set_knobs_of(Provider::Recogniser, Some(knobs));
    for (status, advice) in
        [(429, Advice::Retry), (503, Advice::Retry), (401, Advice::GiveUp), (400, Advice::GiveUp)]
    {
        knobs(Knobs { refuse: Some(status), ..fast() });
        let error =
            connect(&deepgram(), &base, "key", PATIENT, &Reach::Anywhere).await.unwrap_err();
        assert_eq!(error.advice(), advice, "{error}");
    }
    knobs(Knobs { hang: true, ..fast() });
    let hasty = Patience { connect: Duration::from_millis(300), ..PATIENT };
    let error = connect(&deepgram(), &base, "key", hasty, &Reach::Anywhere).await.unwrap_err();
    assert!(error.advice().is_retryable(), "{error}");
    knobs(Knobs { error_code: Some("X".to_owned()), ..fast() });
    let mut recogniser =
        connect(&deepgram(), &base, "key", PATIENT, &Reach::Anywhere).await.unwrap();
    let (events, error) = end(&mut recogniser).await;
    assert!(matches!(events[1], RecogniserEvent::Failed { advice: Advice::Retry, .. }));
    assert!(matches!(error, RecogniserError::Closed { closing: Closing::Broken, .. }), "{error}");
    // Garbage and messages in pieces cost nothing.
    knobs(Knobs { garbage: true, fragment: true, ..fast() });
    let mut recogniser =
        connect(&deepgram(), &base, "key", PATIENT, &Reach::Anywhere).await.unwrap();
    send(&mut recogniser, &recording("hours.wav", 300, 1_000)).await;
    let events = until(&mut recogniser, has_words).await;
    assert!(events.iter().any(has_words));
    assert_eq!(recogniser.unreadable(), 4);
    running.stop().await;
}

#[actix_rt::test]
async fn a_quiet_line_is_kept_alive_and_a_dead_one_noticed() {
    let running = start(fast()).await;
    let mut recogniser =
        connect(&deepgram(), &running.socket_base(), "key", PATIENT, &Reach::Anywhere)
            .await
            .unwrap();
    send(&mut recogniser, &[0xff; 160]).await;
    let kept = async {
        eventually(|| running.hearings()[0].keep_alives >= 1).await;
    };
    tokio::select! {
        () = kept => {}
        _ = async { while recogniser.next().await.is_some_and(|e| e.is_ok()) {} } => {
            panic!("the connection was lost");
        }
    }
    running.stop().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("ws://{}", silent.local_addr().unwrap());
    let hasty = Patience { connect: Duration::from_millis(300), ..PATIENT };
    let error = connect(&deepgram(), &base, "key", hasty, &Reach::Anywhere).await.unwrap_err();
    assert!(error.advice().is_retryable(), "{error}");
}

#[actix_rt::test]
async fn a_transcription_session_hears_the_same() {
    let running = start(fast()).await;
    let hearing = Hearing::Transcription(Transcribe { silence_ms: 500, ..Transcribe::default() });
    let mut recogniser =
        connect(&hearing, &running.socket_base(), "key", PATIENT, &Reach::Anywhere).await.unwrap();
    let events = until(&mut recogniser, |e| *e == RecogniserEvent::Ready).await;
    assert_eq!(events.len(), 1);
    send(&mut recogniser, &recording("hours.wav", 500, 1_000)).await;
    let events = until(&mut recogniser, has_words).await;
    let said = events.last().and_then(words).unwrap();
    assert!(said.starts_with("Hello, what are your opening hours"), "{said}");
    assert!(matches!(events[0], RecogniserEvent::SpeechStarted { .. }));
    let session = &running.sessions()[0];
    assert_eq!(session.config["type"], "transcription");
    assert!(session.responses.is_empty(), "it listens and does not answer");
    running.stop().await;
}
