//! What a Deepgram-compatible recogniser sends, read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;
use trunkline_core::wire::deepgram::{
    Control, MAX_MESSAGE_BYTES, ParseError, Results, ServerEvent, parse,
};

const FINAL: &str = r#"{"type":"Results","channel_index":[0,1],"duration":1.98,"start":5.99,"is_final":true,"speech_final":true,"from_finalize":false,"channel":{"alternatives":[{"transcript":"Tell me \"more\" about this.","confidence":0.99964225,"words":[{"word":"tell","start":6.07,"end":6.35,"confidence":0.98,"punctuated_word":"Tell"},{"word":"me","start":6.35,"end":6.5,"confidence":0.97}]}]},"metadata":{"request_id":"52cc0efe","model_info":{"name":"nova-3","version":"x","arch":"nova-3"},"model_uuid":"u"}}"#;

fn results(text: &str) -> Results<'_> {
    match parse(text).unwrap() {
        ServerEvent::Results(results) => results,
        other => panic!("{other:?}"),
    }
}

#[test]
fn results_have_words_and_their_place() {
    let results = results(FINAL);
    assert_eq!((results.start_ms, results.duration_ms, results.end_ms()), (5_990, 1_980, 7_970));
    assert!(results.is_final && results.speech_final && !results.from_finalize);
    assert_eq!(results.transcript.expose(), "Tell me \"more\" about this.");
    assert!(results.confidence > 0.99);
    let words: Vec<_> =
        results.words.iter().map(|w| (w.text.expose(), w.start_ms, w.end_ms)).collect();
    assert_eq!(words, [("Tell", 6_070, 6_350), ("me", 6_350, 6_500)]);
    assert_eq!(results.request_id.as_deref(), Some("52cc0efe"));
    assert!(!format!("{results:?}").contains("more"), "what was said does not print");
}

#[test]
fn what_is_left_out_or_odd_costs_no_words() {
    let bare = results(
        r#"{"type":"Results","start":0,"duration":1,"channel":{"alternatives":[{"transcript":"hi"}]}}"#,
    );
    assert_eq!((bare.transcript.expose(), bare.is_final, bare.words.len()), ("hi", false, 0));
    let odd = results(
        r#"{"type":"Results","start":-0.5,"duration":1,"is_final":"yes","speech_final":null,"metadata":7,"channel":{"alternatives":[{"transcript":"hi","words":[{"word":3}]}]}}"#,
    );
    assert_eq!((odd.start_ms, odd.is_final, odd.words.len()), (0, false, 0));
    let none = results(r#"{"type":"Results","start":0,"duration":1,"channel":{}}"#);
    assert_eq!(none.transcript.expose(), "");
    let end = results(
        r#"{"type":"Results","start":0,"duration":1,"speech_final":true,"channel":{"alternatives":[]}}"#,
    );
    assert!(end.is_final, "the end of an utterance is final");
}

#[test]
fn results_that_cannot_be_placed_are_an_error() {
    for (text, name) in [
        (r#"{"type":"Results","duration":1,"channel":{}}"#, "start"),
        (r#"{"type":"Results","start":1,"channel":{}}"#, "duration"),
        (r#"{"type":"Results","start":1,"duration":1}"#, "channel"),
    ] {
        assert_eq!(parse(text), Err(ParseError::Missing(name)));
    }
}

#[test]
fn the_other_events() {
    let read = |text| parse(text).unwrap();
    assert_eq!(
        read(r#"{"type":"SpeechStarted","channel":[0,1],"timestamp":9.54}"#),
        ServerEvent::SpeechStarted { at_ms: 9_540 }
    );
    assert_eq!(
        read(r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":2.395}"#),
        ServerEvent::UtteranceEnd { last_word_end_ms: Some(2_395) }
    );
    assert_eq!(
        read(r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":-1}"#),
        ServerEvent::UtteranceEnd { last_word_end_ms: None }
    );
    let metadata = r#"{"type":"Metadata","transaction_key":"deprecated","request_id":"r","sha256":"s","created":"c","duration":12.5,"channels":1}"#;
    assert_eq!(
        read(metadata),
        ServerEvent::Metadata { request_id: Some("r".into()), duration_ms: 12_500 }
    );
    let ServerEvent::Error(error) =
        read(r#"{"type":"Error","variant":"DATA-0000","description":"bad audio"}"#)
    else {
        panic!("an error");
    };
    assert_eq!(error.to_string(), "DATA-0000: bad audio");
    assert_eq!(
        read(r#"{"type":"ConfigureSuccess","channel":"?"}"#),
        ServerEvent::Other { kind: "ConfigureSuccess".into() }
    );
}

#[test]
fn what_is_no_event_is_an_error() {
    for text in ["", "[]", "{}", r#"["Results"]"#, r#"{"type":7}"#, "<html>", "null"] {
        assert!(parse(text).is_err(), "{text}");
    }
    let long = format!(r#"{{"type":"X","x":"{}"}}"#, "x".repeat(MAX_MESSAGE_BYTES));
    assert_eq!(parse(&long), Err(ParseError::TooLong(long.len())));
}

#[test]
fn what_is_sent_is_what_the_service_reads() {
    let read = |control: Control| -> serde_json::Value {
        serde_json::from_str(control.as_text()).unwrap()
    };
    assert_eq!(read(Control::KeepAlive)["type"], "KeepAlive");
    assert_eq!(read(Control::Finalize)["type"], "Finalize");
    assert_eq!(read(Control::CloseStream)["type"], "CloseStream");
}

#[test]
fn every_cut_of_a_message_is_an_error_or_an_event() {
    for end in 0..FINAL.len() {
        assert!(parse(&FINAL[..end]).is_err(), "{end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_message_makes_it_panic(
        at in 0..FINAL.len(), cut in 0..9_usize, put in "(\\PC|null|-1e999|\\[\\]|\"){0,3}",
    ) {
        let end = (at + cut).min(FINAL.len());
        let _seen = parse(&format!("{}{put}{}", &FINAL[..at], &FINAL[end..])).is_ok();
    }
}
