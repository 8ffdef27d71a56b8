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
fn finals_are_told_in_the_order_in_which_they_were_spoken() {
    let mut dialogue = transcription();
    for message in [started("a", 100), stopped("a", 900), started("b", 1_500), stopped("b", 2_500)]
    {
        read(&mut dialogue, &message);
    }
    assert_eq!(read(&mut dialogue, &completed("b", "two")), [], "it is not its turn");
    let both = read(&mut dialogue, &completed("a", "one"));
    assert_eq!(
        both,
        [done(100, 900, "one", true, false), done(1_500, 2_500, "two", true, false)],
        "no audio is given up before its words are there"
    );
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

fn unclear(item: &str) -> Value {
    about("conversation.item.input_audio_transcription.failed", item, &json!({"error": {}}))
}

#[test]
fn a_final_that_comes_twice_is_heard_once() {
    let mut dialogue = transcription();
    let mut say = |message: &Value| read(&mut dialogue, message);
    say(&started("a", 100));
    say(&stopped("a", 900));
    assert_eq!(say(&completed("a", "one")), [done(100, 900, "one", true, false)]);
    for again in [completed("a", "one"), delta("a", "one"), unclear("a"), stopped("a", 900)] {
        assert_eq!(say(&again), [], "{again}");
    }
    assert_eq!(say(&started("a", 100)), [], "nobody begins twice");
}

#[test]
fn words_that_cannot_be_made_out_hold_nothing_up() {
    let mut dialogue = transcription();
    let mut say = |message: &Value| read(&mut dialogue, message);
    for (item, at) in [("a", 100), ("b", 1_000), ("c", 2_000)] {
        say(&started(item, at));
        say(&stopped(item, at + 500));
    }
    assert_eq!(say(&completed("c", "three")), []);
    assert_eq!(say(&unclear("b")), []);
    assert_eq!(
        say(&completed("a", "one")),
        [
            done(100, 600, "one", true, false),
            RecogniserEvent::Unclear { to_ms: 1_500 },
            done(2_000, 2_500, "three", true, false),
        ]
    );
}

#[test]
fn words_that_never_come_are_given_up_when_others_have_come() {
    let mut dialogue = transcription();
    let mut say = |message: &Value| read(&mut dialogue, message);
    let items = ["a", "b", "c", "d", "e"];
    for (n, item) in items.iter().enumerate() {
        say(&started(item, n as u64 * 1_000));
        say(&stopped(item, n as u64 * 1_000 + 500));
    }
    for item in ["b", "c", "d"] {
        assert_eq!(say(&completed(item, item)), []);
    }
    let told = say(&completed("e", "e"));
    assert_eq!(told[0], RecogniserEvent::Unclear { to_ms: 1_000 - 500 });
    assert_eq!(told.len(), 5, "{told:?}");
}

#[test]
fn an_item_that_was_flushed_has_the_place_that_it_is_said_to_have() {
    let mut dialogue = transcription();
    let mut say = |message: &Value| read(&mut dialogue, message);
    let committed = |item: &str, after: &str| {
        about("input_audio_buffer.committed", item, &json!({"previous_item_id": after}))
    };
    say(&committed("a", "root"));
    say(&committed("c", "b"));
    say(&committed("b", "a"));
    assert_eq!(say(&completed("b", "two")), []);
    let told = say(&completed("a", "one"));
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn a_caller_who_has_begun_again_is_not_taken_to_be_silent() {
    let mut dialogue = transcription();
    let mut say = |message: &Value| read(&mut dialogue, message);
    say(&started("a", 100));
    say(&stopped("a", 900));
    say(&started("b", 1_500));
    assert_eq!(
        say(&completed("a", "one")),
        [done(100, 900, "one", true, false), RecogniserEvent::SpeechStarted { at_ms: 1_500 }]
    );
    let mut dialogue = deepgram();
    let begun = |at: f64| json!({"type": "SpeechStarted", "channel": [0], "timestamp": at});
    read(&mut dialogue, &begun(0.1));
    read(&mut dialogue, &begun(1.5));
    let told = read(&mut dialogue, &results(0.0, 1.0, "one", true));
    assert_eq!(told[1..], [RecogniserEvent::SpeechStarted { at_ms: 1_500 }]);
    let told = read(&mut dialogue, &results(1.0, 1.5, "two", true));
    assert_eq!(told.len(), 1);
}

/// A final of Deepgram's which ends the utterance, or words that may change.
fn results(from: f64, length: f64, text: &str, is_final: bool) -> Value {
    json!({
        "type": "Results", "start": from, "duration": length,
        "is_final": is_final, "speech_final": is_final,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.5}]},
    })
}

/// The words of the finals that a message brings.
fn finals(dialogue: &mut Dialogue, message: &Value) -> Vec<String> {
    let events = read(dialogue, message).into_iter();
    let words = events.filter_map(|event| match event {
        RecogniserEvent::Final { text, .. } => Some(text.expose().to_owned()),
        _ => None,
    });
    words.collect()
}

#[test]
fn finals_of_deepgram_are_put_in_order_and_heard_once() {
    let mut dialogue = deepgram();
    assert_eq!(finals(&mut dialogue, &results(0.0, 0.8, "I need", false)), [""; 0]);
    let two = results(1.0, 1.0, "a plumber", true);
    assert_eq!(finals(&mut dialogue, &two), [""; 0], "words before it are on their way");
    assert_eq!(finals(&mut dialogue, &two), [""; 0]);
    let one = results(0.0, 1.0, "I need", true);
    assert_eq!(finals(&mut dialogue, &one), ["I need", "a plumber"]);
    for again in [&one, &two] {
        assert_eq!(finals(&mut dialogue, again), [""; 0], "{again}");
    }
    // An empty one is an answer to a flush, and no word of it can be heard twice.
    let nothing = results(2.0, 0.0, "", true);
    assert_eq!(finals(&mut dialogue, &nothing), [""]);
    assert_eq!(finals(&mut dialogue, &nothing), [""]);
}

#[test]
fn a_final_of_deepgrams_waits_for_no_other_longer_than_the_service_speaks() {
    let mut dialogue = deepgram();
    finals(&mut dialogue, &results(0.0, 0.8, "I need", false));
    assert_eq!(finals(&mut dialogue, &results(1.0, 1.0, "a plumber", true)), [""; 0]);
    let over = json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 2.0});
    let told = read(&mut dialogue, &over);
    assert!(matches!(told[0], RecogniserEvent::Final { .. }), "{told:?}");
    // Without words that were seen, nothing is missing.
    assert_eq!(finals(&mut dialogue, &results(5.0, 1.0, "today", true)), ["today"]);
}
