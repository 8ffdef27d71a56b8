//! Recognisers of both dialects, as one set of events.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use serde_json::{Value, json};
use trunkline_core::pii::Personal;
use trunkline_core::wire::deepgram::Listen;
use trunkline_core::wire::recogniser::{Dialogue, Hearing, Outgoing, RecogniserEvent};
use trunkline_core::wire::refusal::Advice;
use trunkline_core::wire::transcription::Transcribe;

fn deepgram() -> Dialogue {
    Dialogue::new(&Hearing::Deepgram(Listen::default()))
}

fn transcription() -> Dialogue {
    Dialogue::new(&Hearing::Transcription(Transcribe::default()))
}

fn read(dialogue: &mut Dialogue, message: &Value) -> Vec<RecogniserEvent> {
    let mut events = Vec::new();
    dialogue.read(&message.to_string(), &mut events).unwrap();
    events
}

fn json_of(outgoing: Option<Outgoing>) -> Value {
    match outgoing {
        Some(Outgoing::Text(text)) => serde_json::from_str(&text).unwrap(),
        other => panic!("a text, not {other:?}"),
    }
}

fn done(from_ms: u64, to_ms: u64, text: &str, ends: bool, flushed: bool) -> RecogniserEvent {
    RecogniserEvent::Final {
        from_ms,
        to_ms,
        text: Personal::new(text),
        confidence_permille: 0,
        utterance_ends: ends,
        flushed,
    }
}

#[test]
fn deepgram_is_ready_at_once_and_gets_bytes() {
    let mut dialogue = deepgram();
    assert_eq!(dialogue.open(), (None, Some(RecogniserEvent::Ready)));
    assert_eq!(dialogue.audio(&[]), None, "an empty frame would end the stream");
    assert_eq!(dialogue.audio(&[1; 160]), Some(Outgoing::Binary(vec![1; 160])));
    assert_eq!(dialogue.sent_ms(), 20);
    assert_eq!(json_of(dialogue.keep_alive())["type"], "KeepAlive");
    assert_eq!(json_of(Some(dialogue.finalize()))["type"], "Finalize");
    assert_eq!(json_of(dialogue.close())["type"], "CloseStream");
}

#[test]
fn deepgram_results_are_interim_or_final() {
    let mut dialogue = deepgram();
    let mut results = json!({
        "type": "Results", "start": 1.0, "duration": 0.5, "is_final": false,
        "channel": {"alternatives": [{"transcript": "yes", "confidence": 0.9876}]},
    });
    let text = Personal::new("yes");
    assert_eq!(
        read(&mut dialogue, &results),
        [RecogniserEvent::Interim { from_ms: 1_000, to_ms: 1_500, text: text.clone() }]
    );
    results["is_final"] = json!(true);
    results["from_finalize"] = json!(true);
    let done = RecogniserEvent::Final {
        from_ms: 1_000,
        to_ms: 1_500,
        text,
        confidence_permille: 988,
        utterance_ends: false,
        flushed: true,
    };
    assert_eq!(read(&mut dialogue, &results), [done]);
    assert_eq!(
        read(&mut dialogue, &json!({"type": "Error", "code": "INVALID_AUTH", "message": "m"})),
        [RecogniserEvent::Failed { advice: Advice::GiveUp, message: "INVALID_AUTH: m".to_owned() }]
    );
    assert_eq!(read(&mut dialogue, &json!({"type": "Heard"})), []);
    assert!(dialogue.read("[]", &mut Vec::new()).is_err());
}

#[test]
fn a_transcription_session_is_set_up_before_it_is_ready() {
    let mut dialogue = transcription();
    let (first, event) = dialogue.open();
    assert_eq!(event, None);
    let update = json_of(first);
    assert_eq!(update["session"]["type"], "transcription");
    assert_eq!(update.pointer("/session/audio/input/format"), Some(&json!({"type": "audio/pcmu"})));
    let updated = json!({"type": "session.updated", "session": {"id": "s"}});
    assert_eq!(read(&mut dialogue, &updated), [RecogniserEvent::Ready]);
    assert_eq!(read(&mut dialogue, &updated), [], "once");
    let append = json_of(dialogue.audio(&[0xff; 6]));
    assert_eq!(
        (&append["type"], &append["audio"]),
        (&json!("input_audio_buffer.append"), &json!("////////"))
    );
}

/// One event about an utterance.
fn about(kind: &str, item: &str, more: &Value) -> Value {
    let mut event = json!({"type": kind, "item_id": item});
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn started(item: &str, at_ms: u64) -> Value {
    about("input_audio_buffer.speech_started", item, &json!({"audio_start_ms": at_ms}))
}

fn stopped(item: &str, at_ms: u64) -> Value {
    about("input_audio_buffer.speech_stopped", item, &json!({"audio_end_ms": at_ms}))
}

fn delta(item: &str, text: &str) -> Value {
    let kind = "conversation.item.input_audio_transcription.delta";
    about(kind, item, &json!({"delta": text}))
}

fn completed(item: &str, text: &str) -> Value {
    let kind = "conversation.item.input_audio_transcription.completed";
    about(kind, item, &json!({"transcript": text}))
}

#[test]
fn a_transcription_has_the_place_of_its_utterance() {
    let mut dialogue = transcription();
    let mut say = |message: &Value| read(&mut dialogue, message);
    assert_eq!(say(&started("a", 500)), [RecogniserEvent::SpeechStarted { at_ms: 500 }]);
    assert_eq!(say(&stopped("a", 2_000)), []);
    let interim = |text: &str| RecogniserEvent::Interim {
        from_ms: 500,
        to_ms: 2_000,
        text: Personal::new(text),
    };
    assert_eq!(say(&delta("a", "Hello")), [interim("Hello")]);
    assert_eq!(say(&delta("a", " there")), [interim("Hello there")]);
    assert_eq!(
        say(&completed("a", "Hello there.")),
        [done(500, 2_000, "Hello there.", true, false)]
    );
}

#[test]
fn a_final_promises_nothing_about_an_utterance_that_is_still_open() {
    let mut dialogue = transcription();
    for message in [started("a", 100), stopped("a", 900), started("b", 1_500), stopped("b", 2_500)]
    {
        read(&mut dialogue, &message);
    }
    let late = read(&mut dialogue, &completed("b", "two"));
    assert_eq!(late, [done(100, 100, "two", true, false)], "the audio of a is still needed");
    let first = read(&mut dialogue, &completed("a", "one"));
    assert_eq!(first, [done(100, 2_500, "one", true, false)]);
    let failed =
        about("conversation.item.input_audio_transcription.failed", "c", &json!({"error": {}}));
    assert_eq!(read(&mut dialogue, &failed), [RecogniserEvent::Unclear { to_ms: 2_500 }]);
}

#[test]
fn an_empty_flush_is_answered_too() {
    let mut dialogue = transcription();
    dialogue.audio(&[0; 800]);
    assert_eq!(json_of(Some(dialogue.finalize()))["type"], "input_audio_buffer.commit");
    let empty = json!({"type": "error", "error": {
        "type": "invalid_request_error", "code": "input_audio_buffer_commit_empty", "message": "m"}});
    assert_eq!(read(&mut dialogue, &empty), [done(0, 100, "", false, true)]);
    assert_eq!(read(&mut dialogue, &empty), [], "a stray one says nothing");
    let over = json!({"type": "error", "error": {"type": "x", "code": "session_expired"}});
    assert!(matches!(
        read(&mut dialogue, &over)[..],
        [RecogniserEvent::Failed { advice: Advice::Retry, .. }]
    ));
}
