//! Chat completions: what is asked, and a streamed answer cut in every way.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use trunkline_core::ids::ToolCallId;
use trunkline_core::pii::Personal;
use trunkline_core::wire::chat::{
    ChatEvent, FinishReason, Message, Request, Stream, StreamError, ToolCall, ToolChoice, Usage,
    request_target,
};
use trunkline_core::wire::realtime::ToolSpec;
use trunkline_core::wire::refusal::Advice;
use trunkline_core::wire::url::UrlError;

fn id(text: &str) -> ToolCallId {
    ToolCallId::parse(text).unwrap()
}

fn text(words: &str) -> ChatEvent {
    ChatEvent::Text(Personal::new(words))
}

fn call(name: &str, call: &str, arguments: &str) -> ChatEvent {
    ChatEvent::Call(ToolCall {
        id: id(call),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    })
}

fn begun(name: &str, call: &str) -> ChatEvent {
    ChatEvent::CallBegun { id: id(call), name: name.to_owned() }
}

/// Reads pieces; the events, and how it ended.
fn read(pieces: &[&[u8]]) -> (Vec<ChatEvent>, Result<(), StreamError>) {
    let mut stream = Stream::default();
    let mut events = Vec::new();
    for piece in pieces {
        if let Err(error) = stream.push(piece, &mut events) {
            return (events, Err(error));
        }
    }
    let end = stream.finish(&mut events);
    (events, end)
}

fn chunks(deltas: &[Value]) -> String {
    let chunk =
        |delta: &Value| format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta}]}));
    deltas.iter().map(chunk).collect()
}

const FINISH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";

/// Words, two calls whose fragments alternate, usage.
const ANSWER: &str = concat!(
    ": processing\r\n\r\n",
    r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"xx"}"#,
    "\r\n\r\n",
    r#"data: {"choices":[{"index":0,"delta":{"content":"Ein Moment, "},"finish_reason":null}]}"#,
    "\r\n\r\n",
    r#"data: {"choices":[{"index":0,"delta":{"content":"f\u00fcr Sie: ü"},"finish_reason":null}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"look_up","arguments":""}}]}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"end_call","arguments":"{}"}},{"index":0,"function":{"arguments":"\"ü\"}"}}]}}]}"#,
    "\n\n",
    r#"data:{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
    "\n\n",
    r#"data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":64},"completion_tokens_details":{"reasoning_tokens":0}}}"#,
    "\n\ndata: [DONE]\n\n",
);

fn whole() -> Vec<ChatEvent> {
    vec![
        text("Ein Moment, "),
        text("für Sie: ü"),
        begun("look_up", "call_a"),
        begun("end_call", "call_b"),
        call("look_up", "call_a", "{\"q\":\"ü\"}"),
        call("end_call", "call_b", "{}"),
        ChatEvent::Finished(FinishReason::ToolCalls),
        ChatEvent::Usage(Usage { prompt: 100, cached: 64, completion: 20 }),
        ChatEvent::Done,
    ]
}

#[test]
fn an_answer_cut_anywhere_is_the_same_answer() {
    let bytes = ANSWER.as_bytes();
    for at in 0..=bytes.len() {
        let (first, rest) = bytes.split_at(at);
        assert_eq!(read(&[first, rest]), (whole(), Ok(())), "cut at {at}");
    }
    let singles: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&singles), (whole(), Ok(())));
}

#[test]
fn an_answer_that_ends_early_says_so_and_calls_nothing() {
    let complete = ANSWER.find("data:{\"choices\"").unwrap();
    for end in 0..complete {
        let (events, result) = read(&[&ANSWER.as_bytes()[..end]]);
        assert!(result.is_err(), "ended at {end}");
        assert!(!events.iter().any(|event| matches!(event, ChatEvent::Call(_))), "{end}");
    }
    // Without usage and end mark it is complete all the same.
    let end = ANSWER.find("data: {\"choices\":[],").unwrap();
    let (events, result) = read(&[&ANSWER.as_bytes()[..end]]);
    assert_eq!((events.last(), result), (Some(&ChatEvent::Done), Ok(())));
}

#[test]
fn calls_are_told_apart_however_a_server_numbers_them() {
    let function = |name: &str, arguments: &str| json!({"name": name, "arguments": arguments});
    let two = |first: Value, second: Value| {
        chunks(&[json!({"tool_calls": [first]}), json!({"tool_calls": [second]})]) + FINISH
    };
    // Every call whole, at index 0.
    let answer = two(
        json!({"index": 0, "id": "x", "function": function("f", "{}")}),
        json!({"index": 0, "id": "y", "function": function("g", "[]")}),
    );
    let (events, _) = read(&[answer.as_bytes()]);
    assert_eq!(events[2..4], [call("f", "x", "{}"), call("g", "y", "[]")]);
    // Without index or id.
    let answer =
        two(json!({"function": function("f", "{}")}), json!({"function": function("g", "[]")}));
    let (events, _) = read(&[answer.as_bytes()]);
    assert_eq!(events[2..4], [call("f", "call_0", "{}"), call("g", "call_1", "[]")]);
    // The id repeated, and the name only the first time.
    let answer = two(
        json!({"index": 0, "id": "x", "function": function("f", "{\"a\":")}),
        json!({"index": 0, "id": "x", "function": {"arguments": "1}"}}),
    );
    let (events, _) = read(&[answer.as_bytes()]);
    assert_eq!(events[..2], [begun("f", "x"), call("f", "x", "{\"a\":1}")]);
    // An id that is none.
    let answer = two(
        json!({"index": 0, "id": "a\nb", "function": function("f", "{}")}),
        json!({"index": 1, "id": "", "function": function("g", "{}")}),
    );
    let (events, _) = read(&[answer.as_bytes()]);
    assert_eq!(events[2..4], [call("f", "call_0", "{}"), call("g", "call_1", "{}")]);
}

#[test]
fn an_error_in_the_middle_says_what_it_asks() {
    let begin = chunks(&[json!({"content": "Well"})]);
    let error = r#"data: {"error":{"message":"overloaded","type":"server_error","code":null}}"#;
    let (events, result) = read(&[begin.as_bytes(), error.as_bytes(), b"\n\n"]);
    assert_eq!(events, [text("Well")]);
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "server_error: overloaded");
    assert_eq!(error.advice(), Advice::Retry);
    let quota = r#"data: {"error":{"message":"m","code":"insufficient_quota"}}"#;
    let (_, result) = read(&[quota.as_bytes(), b"\n"]);
    assert_eq!(result.unwrap_err().advice(), Advice::GiveUp);
}

#[test]
fn what_is_no_chunk_is_an_error_that_holds_nothing_of_it() {
    for bad in ["data: <html>", "data: {\"choices\":7}", "data: [1]", "data: {\"choices\":[{\"ind"]
    {
        let (_, result) = read(&[bad.as_bytes(), b"\n\n"]);
        let error = result.unwrap_err();
        assert!(matches!(error, StreamError::Unreadable(_)), "{bad}: {error}");
    }
    let (_, result) = read(&[b"data: {\"a\":\"\xff\"}\n"]);
    assert!(matches!(result, Err(StreamError::Unreadable(_))));
}

#[test]
fn other_choices_and_unknown_fields_are_passed_over() {
    let answer = concat!(
        r#"data: {"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes","x":[1]},"finish_reason":""}],"y":{}}"#,
        "\n\nevent: ping\nid: 4\nretry: 10\n\n",
        r#"data: {"choices":null}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{"refusal":"I cannot."},"finish_reason":"content_filter"}]}"#,
        "\n\ndata: [DONE]\n\ndata: {\"choices\":7}\n\n",
    );
    let (events, result) = read(&[answer.as_bytes()]);
    let declined = ChatEvent::Declined(Personal::new("I cannot."));
    let finished = ChatEvent::Finished(FinishReason::ContentFilter);
    assert_eq!(events, [text("yes"), declined, finished, ChatEvent::Done]);
    assert_eq!(result, Ok(()));
}

#[test]
fn an_answer_is_bounded() {
    let long = "x".repeat(60_000);
    let fragment =
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": long}}]});
    let (_, result) = read(&[chunks(&vec![fragment; 5]).as_bytes()]);
    assert_eq!(result, Err(StreamError::TooLong("function call")));
    let many: Vec<Value> = (0..65)
        .map(|n| json!({"tool_calls": [{"index": n, "id": format!("c{n}"), "function": {}}]}))
        .collect();
    let (_, result) = read(&[chunks(&many).as_bytes()]);
    assert_eq!(result, Err(StreamError::TooLong("number of function calls")));
}

#[test]
fn a_request_is_what_the_service_takes() {
    let messages = [
        Message::System { text: "Be kind.".to_owned() },
        Message::User { text: "Hours?".to_owned() },
        Message::Assistant {
            text: String::new(),
            calls: vec![ToolCall {
                id: id("call_a"),
                name: "look_up".to_owned(),
                arguments: "{\"q\":1}".to_owned(),
            }],
        },
        Message::Tool { call_id: id("call_a"), output: "\"nine\"".to_owned() },
        Message::Assistant { text: "From nine.".to_owned(), calls: Vec::new() },
    ];
    let tools = [ToolSpec {
        name: "look_up".to_owned(),
        description: "Finds out.".to_owned(),
        parameters: json!({"type": "object"}),
    }];
    let mut request = Request {
        model: "m",
        messages: &messages,
        tools: &tools,
        tool_choice: ToolChoice::None,
        temperature: Some(0.8),
        max_tokens: Some(300),
    };
    let body: Value = serde_json::from_str(&request.write()).unwrap();
    assert_eq!(
        body,
        json!({
            "model": "m",
            "stream": true,
            "stream_options": {"include_usage": true},
            "temperature": 0.8,
            "max_completion_tokens": 300,
            "tool_choice": "none",
            "tools": [{"type": "function", "function": {
                "name": "look_up", "description": "Finds out.", "parameters": {"type": "object"},
            }}],
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Hours?"},
                {"role": "assistant", "content": null, "tool_calls": [{
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "look_up", "arguments": "{\"q\":1}"},
                }]},
                {"role": "tool", "tool_call_id": "call_a", "content": "\"nine\""},
                {"role": "assistant", "content": "From nine."},
            ],
        })
    );
    request.tools = &[];
    request.temperature = None;
    let body: Value = serde_json::from_str(&request.write()).unwrap();
    for absent in ["tools", "tool_choice", "temperature"] {
        assert_eq!(body.get(absent), None);
    }
    assert!(!format!("{messages:?}").contains("nine"), "what was said does not print");
}

#[test]
fn any_usual_way_to_write_the_url_leads_to_the_same_place() {
    for base in [
        "https://api.openai.com",
        "https://api.openai.com/v1",
        "https://api.openai.com/v1/",
        "wss://api.openai.com/v1/chat/completions",
    ] {
        let url = request_target(base);
        assert_eq!(url.as_deref(), Ok("https://api.openai.com/v1/chat/completions"), "{base}");
    }
    let azure = "https://r.openai.azure.com/openai/deployments/d?api-version=1";
    assert_eq!(
        request_target(azure).as_deref(),
        Ok("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=1")
    );
    assert_eq!(request_target("https://me:pw@h"), Err(UrlError::UserInfo));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_an_answer_makes_it_panic_and_no_cut_makes_it_another(
        at in 0..ANSWER.len(), cut in 0..30_usize, put in "(\\PC|null|\n|\r|data:|\\[DONE\\]|\"){0,4}",
        split in 0..2_000_usize,
    ) {
        let bytes = ANSWER.as_bytes();
        let end = (at + cut).min(bytes.len());
        let changed = [&bytes[..at], put.as_bytes(), &bytes[end..]].concat();
        let (first, rest) = changed.split_at(split.min(changed.len()));
        prop_assert_eq!(read(&[first, rest]), read(&[&changed]));
    }
}
