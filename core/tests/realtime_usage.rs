//! The tokens of a response, also from servers that tell less than the vendor.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use serde_json::{Value, json};
use trunkline_core::wire::realtime::{ServerEvent, Usage, parse};

fn usage(usage: Value) -> Option<Usage> {
    let text = json!({
        "type": "response.done",
        "response": {"id": "resp_A", "status": "completed", "usage": usage},
    })
    .to_string();
    let ServerEvent::ResponseDone { usage, .. } = parse(&text).unwrap() else {
        panic!("another event")
    };
    usage
}

#[test]
fn cached_tokens_without_kinds_are_text_before_audio() {
    let input = |cached: u64| {
        usage(json!({"input_token_details":
            {"text_tokens": 100, "audio_tokens": 50, "cached_tokens": cached}}))
        .unwrap()
    };
    assert_eq!((input(60).cached_text, input(60).cached_audio), (60, 0));
    assert_eq!((input(120).cached_text, input(120).cached_audio), (100, 20));
    assert_eq!((input(999).cached_text, input(999).cached_audio), (100, 50));
}

#[test]
fn tokens_without_kinds_are_audio() {
    let expected = Usage { audio_in: 7, audio_out: 9, ..Usage::default() };
    assert_eq!(usage(json!({"input_tokens": 7, "output_tokens": 9})), Some(expected));
}

#[test]
fn more_cached_than_read_is_cut() {
    let usage = usage(json!({"input_token_details": {"text_tokens": 1, "audio_tokens": 2,
        "cached_tokens_details": {"text_tokens": 5, "audio_tokens": 5}}}))
    .unwrap();
    assert_eq!((usage.cached_text, usage.cached_audio), (1, 2));
}

#[test]
fn unreadable_usage_is_unknown_and_the_response_has_ended_all_the_same() {
    assert_eq!(usage(json!("many")), None);
    assert_eq!(usage(json!({"input_tokens": -4})), None);
    assert_eq!(usage(Value::Null), None);
}
