//! What the model sends, from samples in both dialects.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::borrow::Cow;

use trunkline_core::ids::{ItemId, ResponseId, ToolCallId};
use trunkline_core::wire::realtime::TranscriptionUsage;
use trunkline_core::wire::realtime::{
    ApiError, AudioDelta, ItemKind, MAX_MESSAGE_BYTES, ResponseStatus, ServerEvent, Usage,
    WireError, parse,
};

fn item_id() -> ItemId {
    ItemId::parse("item_B").unwrap()
}

fn response_id() -> ResponseId {
    ResponseId::parse("resp_A").unwrap()
}

/// An event of that type with the ids that response events have.
fn with_ids(kind: &str, more: &str) -> String {
    format!(
        r#"{{"type":"{kind}","event_id":"event_1","response_id":"resp_A","item_id":"item_B","output_index":0,"content_index":0{more}}}"#
    )
}

#[test]
fn audio_and_words_under_the_names_of_both_dialects() {
    for name in ["audio", "output_audio"] {
        let text = with_ids(&format!("response.{name}.delta"), r#","delta":"f39/+w==""#);
        let ServerEvent::AudioDelta(delta) = parse(&text).unwrap() else { panic!() };
        assert_eq!(
            delta,
            AudioDelta {
                response_id: "resp_A".into(),
                item_id: "item_B".into(),
                content_index: 0,
                delta: "f39/+w==".into()
            }
        );
        assert!(matches!(delta.delta, Cow::Borrowed(_)));

        let text = with_ids(&format!("response.{name}.done"), "");
        let done = ServerEvent::AudioDone { response_id: response_id(), item_id: item_id() };
        assert_eq!(parse(&text).unwrap(), done);

        let text =
            with_ids(&format!("response.{name}_transcript.delta"), r#","delta":" caf\u00e9""#);
        assert_eq!(
            parse(&text).unwrap(),
            ServerEvent::TranscriptDelta {
                response_id: response_id(),
                item_id: item_id(),
                delta: " café".into()
            }
        );
        let text = with_ids(&format!("response.{name}_transcript.done"), r#","transcript":"Hi.""#);
        assert_eq!(
            parse(&text).unwrap(),
            ServerEvent::TranscriptDone {
                response_id: response_id(),
                item_id: item_id(),
                transcript: "Hi.".into()
            }
        );
    }
}

#[test]
fn sessions_in_both_shapes() {
    let ga = r#"{"type":"session.created","event_id":"event_1","session":{"type":"realtime","object":"realtime.session","id":"sess_1","model":"gpt-realtime-2.1","output_modalities":["audio"],"audio":{"input":{"turn_detection":null}},"expires_at":1790000000}}"#;
    assert_eq!(
        parse(ga).unwrap(),
        ServerEvent::SessionCreated {
            session_id: Some("sess_1".into()),
            expires_at: Some(1_790_000_000),
            model: Some("gpt-realtime-2.1".into())
        }
    );
    let beta = r#"{"event_id":"event_1","type":"session.updated","session":{"id":"sess_1","object":"realtime.session","modalities":["text","audio"],"expires_at":0,"temperature":0.8}}"#;
    assert_eq!(
        parse(beta).unwrap(),
        ServerEvent::SessionUpdated {
            session_id: Some("sess_1".into()),
            expires_at: None,
            model: None
        }
    );
}

#[test]
fn the_callers_speech() {
    let cases = [
        (
            r#"{"type":"input_audio_buffer.speech_started","event_id":"e","audio_start_ms":1200,"item_id":"item_B"}"#,
            ServerEvent::SpeechStarted { audio_start_ms: 1_200, item_id: item_id() },
        ),
        (
            r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":-20,"item_id":"item_B"}"#,
            ServerEvent::SpeechStarted { audio_start_ms: 0, item_id: item_id() },
        ),
        (
            r#"{"type":"input_audio_buffer.speech_stopped","audio_end_ms":2000.0,"item_id":"item_B"}"#,
            ServerEvent::SpeechStopped { audio_end_ms: 2_000, item_id: item_id() },
        ),
        (
            r#"{"type":"input_audio_buffer.committed","previous_item_id":null,"item_id":"item_B"}"#,
            ServerEvent::Committed { item_id: item_id(), previous_item_id: None },
        ),
        (
            r#"{"type":"input_audio_buffer.committed","previous_item_id":"item_B","item_id":"item_B"}"#,
            ServerEvent::Committed { item_id: item_id(), previous_item_id: Some(item_id()) },
        ),
        (
            r#"{"type":"conversation.item.input_audio_transcription.delta","item_id":"item_B","content_index":0,"delta":"I need"}"#,
            ServerEvent::InputTranscriptDelta { item_id: item_id(), delta: "I need".into() },
        ),
        (
            r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"item_B","content_index":0,"transcript":"I need \"help\"","usage":{"type":"duration","seconds":2}}"#,
            ServerEvent::InputTranscript {
                item_id: item_id(),
                transcript: "I need \"help\"".into(),
                usage: Some(TranscriptionUsage::AudioMs(2_000)),
            },
        ),
        (
            r#"{"type":"conversation.item.input_audio_transcription.failed","item_id":"item_B","error":{"type":"t","message":"too noisy"}}"#,
            ServerEvent::InputTranscriptFailed { item_id: item_id(), message: "too noisy".into() },
        ),
        (
            r#"{"type":"conversation.item.truncated","item_id":"item_B","content_index":0,"audio_end_ms":740}"#,
            ServerEvent::ItemTruncated { item_id: item_id(), audio_end_ms: 740 },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_response_from_its_creation_to_its_end() {
    let text = r#"{"type":"response.created","response":{"object":"realtime.response","id":"resp_A","status":"in_progress","status_details":null,"output":[],"usage":null}}"#;
    assert_eq!(parse(text).unwrap(), ServerEvent::ResponseCreated { response_id: response_id() });
    let added = |kind: &str| {
        format!(
            r#"{{"type":"response.output_item.added","response_id":"resp_A","output_index":0,"item":{{"id":"item_B","type":"{kind}","status":"in_progress","role":"assistant","content":[]}}}}"#
        )
    };
    for (name, kind) in [
        ("message", ItemKind::Message),
        ("function_call", ItemKind::FunctionCall),
        ("mcp_call", ItemKind::Other),
    ] {
        assert_eq!(
            parse(&added(name)).unwrap(),
            ServerEvent::OutputItemAdded {
                response_id: response_id(),
                item_id: Some(item_id()),
                kind
            }
        );
    }
    let text = r#"{"type":"response.done","response":{"id":"resp_A","object":"realtime.response","status":"completed","status_details":null,"output":[{"id":"item_B","content":[{"type":"output_audio","transcript":"Hi"}]}],"usage":{"total_tokens":253,"input_tokens":132,"output_tokens":121,"input_token_details":{"text_tokens":119,"audio_tokens":13,"image_tokens":0,"cached_tokens":70,"cached_tokens_details":{"text_tokens":64,"audio_tokens":6,"image_tokens":0}},"output_token_details":{"text_tokens":30,"audio_tokens":91}}}}"#;
    assert_eq!(
        parse(text).unwrap(),
        ServerEvent::ResponseDone {
            response_id: response_id(),
            status: ResponseStatus::Completed,
            reason: None,
            error_code: None,
            usage: Some(Usage {
                text_in: 119,
                cached_text: 64,
                audio_in: 13,
                cached_audio: 6,
                text_out: 30,
                audio_out: 91
            })
        }
    );
}

#[test]
fn how_a_response_may_end() {
    let done = |status: &str, details: &str| {
        format!(
            r#"{{"type":"response.done","response":{{"id":"resp_A","status":"{status}","status_details":{details}}}}}"#
        )
    };
    let cases = [
        (
            done("cancelled", r#"{"type":"cancelled","reason":"turn_detected"}"#),
            (ResponseStatus::Cancelled, Some("turn_detected"), None),
        ),
        (
            done("incomplete", r#"{"type":"incomplete","reason":"max_output_tokens"}"#),
            (ResponseStatus::Incomplete, Some("max_output_tokens"), None),
        ),
        (
            done(
                "failed",
                r#"{"type":"failed","error":{"type":"t","code":"rate_limit_exceeded","message":"slow down"}}"#,
            ),
            (ResponseStatus::Failed, Some("slow down"), Some("rate_limit_exceeded")),
        ),
        (
            done("failed", r#"{"type":"failed","error":{"type":"server_error","code":null}}"#),
            (ResponseStatus::Failed, None, Some("server_error")),
        ),
        (done("vanished", r#"["odd"]"#), (ResponseStatus::Other, None, None)),
    ];
    for (text, (expected_status, expected_reason, expected_code)) in cases {
        let ServerEvent::ResponseDone { status, reason, error_code, usage, .. } =
            parse(&text).unwrap()
        else {
            panic!("{text}")
        };
        assert_eq!(status, expected_status);
        assert_eq!(reason.as_deref(), expected_reason);
        assert_eq!(error_code.as_deref(), expected_code);
        assert_eq!(usage, None);
    }
}

#[test]
fn a_function_call_is_told_once_and_only_when_complete() {
    let done = |status: &str| {
        format!(
            r#"{{"type":"response.output_item.done","response_id":"resp_A","output_index":0,"item":{{"id":"item_B","type":"function_call","status":"{status}","name":"look_up","call_id":"call_1","arguments":"{{\"topic\":\"hours\"}}"}}}}"#
        )
    };
    let text = done("completed");
    assert_eq!(
        parse(&text).unwrap(),
        ServerEvent::FunctionCall {
            response_id: response_id(),
            call_id: ToolCallId::parse("call_1").unwrap(),
            name: "look_up".into(),
            arguments: r#"{"topic":"hours"}"#.into()
        }
    );
    assert!(!format!("{:?}", parse(&text).unwrap()).contains("topic"));
    let other = ServerEvent::Other { kind: "response.output_item.done".into() };
    assert_eq!(parse(&done("incomplete")).unwrap(), other);
    let message = r#"{"type":"response.output_item.done","response_id":"resp_A","item":{"type":"message","status":"completed","content":[]}}"#;
    assert_eq!(parse(message).unwrap(), other);
    let again = with_ids(
        "response.function_call_arguments.done",
        r#","call_id":"call_1","name":"look_up","arguments":"{}""#,
    );
    assert!(matches!(parse(&again).unwrap(), ServerEvent::Other { .. }));
}

#[test]
fn errors_and_what_is_not_read() {
    let text = r#"{"type":"error","event_id":"event_1","error":{"type":"invalid_request_error","code":"response_cancel_not_active","message":"no active response","param":null,"event_id":"ours_7"}}"#;
    assert_eq!(
        parse(text).unwrap(),
        ServerEvent::Error(ApiError {
            kind: "invalid_request_error".to_owned(),
            code: Some("response_cancel_not_active".to_owned()),
            message: "no active response".to_owned(),
            event_id: Some("ours_7".to_owned())
        })
    );
    let text = r#"{"type":"rate_limits.updated","rate_limits":[{"name":"tokens","limit":1,"remaining":1,"reset_seconds":0.5}]}"#;
    assert_eq!(parse(text).unwrap(), ServerEvent::RateLimits);
    for kind in
        ["conversation.item.added", "conversation.item.created", "input_audio_buffer.cleared"]
    {
        let text = format!(r#"{{"type":"{kind}","item":{{"id":"item_B"}}}}"#);
        assert_eq!(parse(&text).unwrap(), ServerEvent::Other { kind: kind.into() });
    }
}

#[test]
fn an_unknown_event_may_use_our_fields_as_it_likes() {
    let text = r#"{"type":"response.video.delta","delta":{"frame":1},"item_id":7,"error":null}"#;
    assert_eq!(parse(text).unwrap(), ServerEvent::Other { kind: "response.video.delta".into() });
    let text =
        r#"{"type":"response.audio.delta","response_id":"r","item_id":"i","delta":{"frame":1}}"#;
    assert!(matches!(parse(text), Err(WireError::Unreadable { line: 1, .. })));
}

#[test]
fn what_cannot_be_read_says_why_and_quotes_nothing() {
    let missing = r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":3}"#;
    assert_eq!(parse(missing), Err(WireError::Missing("item_id")));
    for bad in [
        "",
        "{}",
        "[]",
        "[\"rate_limits.updated\"]",
        "null",
        "{\"type\":7}",
        "{\"type\":\"error\"",
        "\u{0}",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
    let long_id = "i".repeat(129);
    for id in [long_id.as_str(), "a b", "", "a\\nlevel=ERROR", "ä"] {
        let hot = format!(
            r#"{{"type":"response.output_audio.delta","response_id":"r","item_id":"{id}","delta":"AA=="}}"#
        );
        assert!(matches!(parse(&hot), Err(WireError::Id(_))), "{id}");
        let rare = format!(r#"{{"type":"input_audio_buffer.committed","item_id":"{id}"}}"#);
        assert!(matches!(parse(&rare), Err(WireError::Id(_))), "{id}");
    }
    let secret = r#"{"type":"error","error":{"message":["my secret"]}}"#;
    assert!(!parse(secret).unwrap_err().to_string().contains("secret"));
}

#[test]
fn a_message_has_a_longest_length() {
    let at_most = |bytes: usize| {
        let frame = r#"{"type":"x","pad":""}"#.len();
        format!(r#"{{"type":"x","pad":"{}"}}"#, " ".repeat(bytes - frame))
    };
    assert!(parse(&at_most(MAX_MESSAGE_BYTES)).is_ok());
    assert_eq!(
        parse(&at_most(MAX_MESSAGE_BYTES + 1)),
        Err(WireError::TooLong { bytes: MAX_MESSAGE_BYTES + 1 })
    );
}
