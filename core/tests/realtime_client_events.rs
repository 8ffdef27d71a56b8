//! What is sent to the model, as literal JSON in both dialects.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use serde_json::{Value, json};
use trunkline_core::ids::{ItemId, ResponseId, ToolCallId};
use trunkline_core::wire::realtime::{
    AudioFormat, ClientEvent, Dialect, Item, NotBase64, SessionConfig, ToolSpec, TurnDetection,
    write_append,
};

fn written(event: &ClientEvent, dialect: Dialect) -> Value {
    let mut out = String::new();
    event.write(dialect, None, &mut out);
    serde_json::from_str(&out).unwrap()
}

/// Most events are the same in both dialects.
fn same_in_both(event: ClientEvent, expected: Value) {
    assert_eq!(written(&event, Dialect::Ga), expected);
    assert_eq!(written(&event, Dialect::Beta), expected);
}

fn item_id(text: &str) -> ItemId {
    ItemId::parse(text).unwrap()
}

fn session() -> SessionConfig {
    SessionConfig {
        instructions: "Be \"brief\".".to_owned(),
        voice: "marin".to_owned(),
        audio: AudioFormat::Pcmu,
        turn_detection: Some(TurnDetection {
            threshold: 0.6,
            prefix_padding_ms: 300,
            silence_duration_ms: 500,
            create_response: false,
            interrupt_response: false,
        }),
        transcription: Some("gpt-realtime-whisper".to_owned()),
        tools: vec![ToolSpec {
            name: "end_call".to_owned(),
            description: "Ends the call.".to_owned(),
            parameters: json!({"type": "object", "properties": {}}),
        }],
        temperature: Some(0.8),
    }
}

#[test]
fn a_session_update_in_ga_is_nested_and_has_no_temperature() {
    let event = ClientEvent::SessionUpdate(Box::new(session()));
    assert_eq!(
        written(&event, Dialect::Ga),
        json!({"type": "session.update", "session": {
            "type": "realtime",
            "instructions": "Be \"brief\".",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": {"model": "gpt-realtime-whisper"},
                    "turn_detection": {
                        "type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 300,
                        "silence_duration_ms": 500, "create_response": false,
                        "interrupt_response": false
                    }
                },
                "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"}
            },
            "tools": [{"type": "function", "name": "end_call", "description": "Ends the call.",
                "parameters": {"type": "object", "properties": {}}}],
            "tool_choice": "auto"
        }})
    );
}

#[test]
fn a_session_update_in_beta_is_flat() {
    let event = ClientEvent::SessionUpdate(Box::new(session()));
    assert_eq!(
        written(&event, Dialect::Beta),
        json!({"type": "session.update", "session": {
            "modalities": ["audio", "text"],
            "instructions": "Be \"brief\".",
            "voice": "marin",
            "input_audio_format": "g711_ulaw",
            "output_audio_format": "g711_ulaw",
            "input_audio_transcription": {"model": "gpt-realtime-whisper"},
            "turn_detection": {
                "type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 300,
                "silence_duration_ms": 500, "create_response": false, "interrupt_response": false
            },
            "tools": [{"type": "function", "name": "end_call", "description": "Ends the call.",
                "parameters": {"type": "object", "properties": {}}}],
            "tool_choice": "auto",
            "temperature": 0.8
        }})
    );
}

#[test]
fn what_is_unset_is_said_to_be_null_and_linear_audio_has_its_rate() {
    let config = SessionConfig {
        audio: AudioFormat::Pcm24k,
        turn_detection: None,
        transcription: None,
        tools: Vec::new(),
        temperature: None,
        ..session()
    };
    let event = ClientEvent::SessionUpdate(Box::new(config));
    let ga = written(&event, Dialect::Ga);
    let input = &ga["session"]["audio"]["input"];
    assert_eq!(
        input,
        &json!({"format": {"type": "audio/pcm", "rate": 24000}, "transcription": null,
            "turn_detection": null})
    );
    assert_eq!(ga["session"]["tools"], json!([]));
    let beta = written(&event, Dialect::Beta);
    assert_eq!(beta["session"]["output_audio_format"], "pcm16");
    assert_eq!(beta["session"].get("input_audio_transcription"), Some(&Value::Null));
    assert_eq!(beta["session"].get("temperature"), None);
}

#[test]
fn buffer_and_item_events() {
    same_in_both(ClientEvent::CommitAudio, json!({"type": "input_audio_buffer.commit"}));
    same_in_both(ClientEvent::ClearAudio, json!({"type": "input_audio_buffer.clear"}));
    same_in_both(
        ClientEvent::TruncateItem {
            item_id: item_id("item_A"),
            content_index: 0,
            audio_end_ms: 1_480,
        },
        json!({"type": "conversation.item.truncate", "item_id": "item_A", "content_index": 0,
            "audio_end_ms": 1480}),
    );
    same_in_both(
        ClientEvent::DeleteItem { item_id: item_id("item_A") },
        json!({"type": "conversation.item.delete", "item_id": "item_A"}),
    );
}

#[test]
fn response_events() {
    same_in_both(
        ClientEvent::CreateResponse { instructions: None, tool_choice_none: false },
        json!({"type": "response.create"}),
    );
    same_in_both(
        ClientEvent::CreateResponse {
            instructions: Some("Say goodbye.".to_owned()),
            tool_choice_none: true,
        },
        json!({"type": "response.create",
            "response": {"instructions": "Say goodbye.", "tool_choice": "none"}}),
    );
    same_in_both(
        ClientEvent::CancelResponse { response_id: Some(ResponseId::parse("resp_1").unwrap()) },
        json!({"type": "response.cancel", "response_id": "resp_1"}),
    );
    same_in_both(
        ClientEvent::CancelResponse { response_id: None },
        json!({"type": "response.cancel"}),
    );
}

#[test]
fn created_items() {
    let create = |item: Value| json!({"type": "conversation.item.create", "item": item});
    let said = |id| ClientEvent::CreateItem(Item::AssistantText { id, text: "Hi!".to_owned() });
    assert_eq!(
        written(&said(Some(item_id("greet1"))), Dialect::Ga),
        create(json!({"type": "message", "role": "assistant", "id": "greet1",
            "content": [{"type": "output_text", "text": "Hi!"}]}))
    );
    assert_eq!(
        written(&said(None), Dialect::Beta),
        create(json!({"type": "message", "role": "assistant",
            "content": [{"type": "text", "text": "Hi!"}]}))
    );
    same_in_both(
        ClientEvent::CreateItem(Item::UserText { text: "pressed 5".to_owned() }),
        create(json!({"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": "pressed 5"}]})),
    );
    same_in_both(
        ClientEvent::CreateItem(Item::SystemText { text: "wrap up".to_owned() }),
        create(json!({"type": "message", "role": "system",
            "content": [{"type": "input_text", "text": "wrap up"}]})),
    );
    let call_id = ToolCallId::parse("call_9").unwrap();
    same_in_both(
        ClientEvent::CreateItem(Item::FunctionCall {
            call_id: call_id.clone(),
            name: "look_up".to_owned(),
            arguments: "{\"topic\":\"x\"}".to_owned(),
        }),
        create(json!({"type": "function_call", "call_id": "call_9", "name": "look_up",
            "arguments": "{\"topic\":\"x\"}"})),
    );
    same_in_both(
        ClientEvent::CreateItem(Item::FunctionCallOutput { call_id, output: "{}".to_owned() }),
        create(json!({"type": "function_call_output", "call_id": "call_9", "output": "{}"})),
    );
}

#[test]
fn an_event_id_of_ours_goes_along_and_what_is_there_is_kept() {
    let mut out = "before".to_owned();
    ClientEvent::CommitAudio.write(Dialect::Ga, Some("ev\"1"), &mut out);
    let json: Value = serde_json::from_str(out.strip_prefix("before").unwrap()).unwrap();
    assert_eq!(json, json!({"type": "input_audio_buffer.commit", "event_id": "ev\"1"}));
}

#[test]
fn audio_is_spliced_and_nothing_else_can_be() {
    let mut out = String::new();
    write_append(&mut out, "f39/+w==").unwrap();
    assert_eq!(out, r#"{"type":"input_audio_buffer.append","audio":"f39/+w=="}"#);
    for bad in ["\"},{\"", "abc", "a=bc", "====", "ab\n", "f39_-w==", "äää"] {
        let mut out = String::new();
        assert_eq!(write_append(&mut out, bad), Err(NotBase64), "{bad}");
        assert!(out.is_empty());
    }
}

#[test]
fn what_was_said_is_not_printed() {
    let item = Item::UserText { text: "my number is 555".to_owned() };
    let printed = format!("{:?}", ClientEvent::CreateItem(item));
    assert_eq!(printed, "CreateItem(UserText[16 characters])");
}
