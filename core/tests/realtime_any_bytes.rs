//! Whatever the model's socket brings is read or refused, and never panics.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use trunkline_core::wire::realtime::{
    ClientEvent, Dialect, Item, ServerEvent, WireError, parse, write_append,
};

const SAMPLES: [&str; 6] = [
    r#"{"type":"response.output_audio.delta","event_id":"e","response_id":"resp_A","item_id":"item_B","output_index":0,"content_index":0,"delta":"f39/+w=="}"#,
    r#"{"type":"session.created","session":{"id":"sess_1","expires_at":1790000000,"model":"m","audio":{"input":{"turn_detection":null}}}}"#,
    r#"{"type":"response.done","response":{"id":"resp_A","status":"failed","status_details":{"reason":"r","error":{"code":"c","message":"caf\u00e9 \ud83d\ude00"}},"usage":{"input_token_details":{"text_tokens":1}}}}"#,
    r#"{"type":"response.output_item.done","response_id":"resp_A","item":{"type":"function_call","status":"completed","call_id":"call_1","name":"n","arguments":"{}"}}"#,
    r#"{"type":"error","error":{"type":"t","code":null,"message":"m","event_id":"e"}}"#,
    r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"item_B","transcript":"grüß Gott"}"#,
];

#[test]
fn every_cut_of_a_valid_message_is_refused() {
    for sample in SAMPLES {
        assert!(parse(sample).is_ok(), "{sample}");
        for (end, _) in sample.char_indices() {
            assert!(matches!(parse(&sample[..end]), Err(WireError::Unreadable { .. })));
        }
    }
}

#[test]
fn deep_nesting_is_refused_or_skipped() {
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    for field in ["session", "delta", "unknown"] {
        let text = format!(r#"{{"type":"session.created","{field}":{deep}}}"#);
        assert!(parse(&text).is_err());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("id|status|error|usage|type|code|.{0,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

const KINDS: &str = "response\\.(output_)?audio\\.(delta|done)|response\\.(created|done)    |response\\.output_item\\.(added|done)|input_audio_buffer\\.(speech_started|committed)    |session\\.(created|updated)|error|conversation\\.item\\.truncated|[a-z.]{0,20}";

const FIELDS: &str = "response_id|item_id|content_index|delta|transcript|audio_start_ms    |audio_end_ms|session|response|item|error|.{0,6}";

proptest! {
    #[test]
    fn any_text(text in ".*") {
        drop(parse(&text));
    }

    #[test]
    fn any_bytes_that_are_text(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(parse(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn any_fields_in_any_event(
        kind in KINDS,
        fields in prop::collection::btree_map(FIELDS, any_json(), 0..6),
    ) {
        let mut event: serde_json::Map<String, Value> = fields.into_iter().collect();
        event.insert("type".to_owned(), json!(kind));
        drop(parse(&Value::Object(event).to_string()));
    }

    #[test]
    fn a_changed_byte(which in 0..SAMPLES.len(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = SAMPLES[which].as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        drop(parse(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn words_come_back_as_they_were_sent(words in any::<String>()) {
        let text = json!({
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": "item_B",
            "transcript": words,
        })
        .to_string();
        let ServerEvent::InputTranscript { transcript, .. } = parse(&text).unwrap() else {
            return Err(TestCaseError::fail("another event"));
        };
        prop_assert_eq!(transcript.expose(), words.as_str());
    }

    #[test]
    fn whatever_is_written_is_one_json_text(words in any::<String>(), event_id in any::<String>()) {
        let event = ClientEvent::CreateItem(Item::UserText { text: words.clone() });
        let mut out = String::new();
        event.write(Dialect::Ga, Some(&event_id), &mut out);
        let json: Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(&json["item"]["content"][0]["text"], &json!(words));
        prop_assert_eq!(&json["event_id"], &json!(event_id));
    }

    #[test]
    fn whatever_is_spliced_is_one_json_text(payload in "[A-Za-z0-9+/=\"\\\\]{0,12}") {
        let mut out = String::new();
        if write_append(&mut out, &payload).is_ok() {
            let json: Value = serde_json::from_str(&out).unwrap();
            prop_assert_eq!(&json["audio"], &json!(payload));
        }
    }
}
