//! Function calls, there and back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod realtime_harness;

use std::io::Write as _;

use realtime_harness::{Client, fast, recording, start};
use serde_json::{Value, json};
use trunkline_simulator::providers::{ProvidersOptions, serve};

fn tool(name: &str) -> Value {
    json!({"type": "function", "name": name, "description": "", "parameters": {"type": "object"}})
}

async fn output(client: &mut Client, call_id: &Value, output: &str) {
    let item = json!({"type": "function_call_output", "call_id": call_id, "output": output});
    client.send(json!({"type": "conversation.item.create", "item": item})).await;
}

#[actix_rt::test]
async fn a_question_calls_the_function_and_the_result_is_spoken() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({"tools": [tool("look_up"), tool("end_call")]})).await;
    client.append(&recording("utterances/hours.wav", 700)).await;
    let done = client.until("response.done").await["response"].clone();
    let call = done["output"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&call["type"], &call["name"]), (&json!("function_call"), &json!("look_up")));
    assert_eq!(call["arguments"], r#"{"topic":"opening hours"}"#);
    let pieces: String = client
        .all("response.function_call_arguments.delta")
        .iter()
        .map(|e| e["delta"].as_str().unwrap())
        .collect();
    assert_eq!(pieces, call["arguments"]);
    assert_eq!(
        client.all("response.output_item.done").last().unwrap()["item"]["status"],
        "completed"
    );

    output(&mut client, &json!("call_unknown"), "x").await;
    assert_eq!(client.error().await["code"], "invalid_tool_call_id");
    output(&mut client, &call["call_id"], r#"{"answer":"Ten to two on Saturdays."}"#).await;
    client.send(json!({"type": "response.create"})).await;
    let done = client.until("response.done").await["response"].clone();
    assert_eq!(done["output"][0]["content"][0]["transcript"], "Ten to two on Saturdays.");
    assert_eq!(running.sessions()[0].responses[0].calls, ["look_up"]);
    running.stop().await;
}

#[actix_rt::test]
async fn goodbye_is_said_before_the_call_is_ended() {
    let running = start(fast()).await;
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({"tools": [tool("end_call")]})).await;
    client.append(&recording("utterances/goodbye.wav", 700)).await;
    let done = client.until("response.done").await["response"].clone();
    let kinds: Vec<&str> =
        done["output"].as_array().unwrap().iter().map(|i| i["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["message", "function_call"]);
    assert_eq!(done["output"][1]["name"], "end_call");
    running.stop().await;
}

#[actix_rt::test]
async fn a_script_may_call_several_functions_in_one_response() {
    let mut file = tempfile("several.toml");
    let text = r#"
        greeting = "Hi."
        default = ["Hm."]
        [[rule]]
        heard = ["weather"]
        call = [{ tool = "a", arguments = { city = "Winnipeg" } }, { tool = "b" }]
        [[result]]
        tool = "a"
        say = "It is {sky}."
        [[result]]
        say = "And {output}"
    "#;
    file.1.write_all(text.as_bytes()).unwrap();
    let script = Some(file.0.clone());
    let running = serve(ProvidersOptions { knobs: fast(), script, ..ProvidersOptions::default() })
        .await
        .unwrap();
    let mut client = Client::connect(&running, "").await;
    client.ready(json!({"tools": [tool("a"), tool("b")]})).await;
    let item = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "The weather?"}]});
    client.send(json!({"type": "conversation.item.create", "item": item})).await;
    client.send(json!({"type": "response.create"})).await;
    let calls = client.until("response.done").await["response"]["output"].clone();
    assert_eq!((&calls[0]["name"], &calls[1]["name"]), (&json!("a"), &json!("b")));
    output(&mut client, &calls[0]["call_id"], r#"{"sky":"blue"}"#).await;
    output(&mut client, &calls[1]["call_id"], "windy.").await;
    client.send(json!({"type": "response.create"})).await;
    let done = client.until("response.done").await;
    assert_eq!(done["response"]["output"][0]["content"][0]["transcript"], "It is blue. And windy.");
    running.stop().await;
    std::fs::remove_file(file.0).unwrap();
}

fn tempfile(name: &str) -> (std::path::PathBuf, std::fs::File) {
    let path = std::env::temp_dir().join(format!("trunkline-{}-{name}", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    (path, file)
}
