//! What a request asks, and whether the true service would take it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::providers::brain::Context;

/// A request that can be answered.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) model: String,
    pub(super) context: Context,
    pub(super) usage: bool,
    /// Characters of all that the model reads.
    pub(super) read: usize,
}

/// Reads a request.
///
/// # Errors
/// The words of the service's refusal.
pub(super) fn read(body: &Value) -> Result<Wish, String> {
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    if model.is_empty() {
        return Err("you must provide a model parameter".to_owned());
    }
    if body.get("stream") != Some(&Value::Bool(true)) {
        return Err("The simulated service only streams.".to_owned());
    }
    let messages = body.get("messages").and_then(Value::as_array).map(Vec::as_slice);
    let messages = messages.unwrap_or_default();
    if messages.is_empty() {
        return Err("[] is too short - 'messages'".to_owned());
    }
    check(messages)?;
    let tools = body.get("tools").and_then(Value::as_array);
    if tools.is_some_and(Vec::is_empty) {
        return Err("[] is too short - 'tools'".to_owned());
    }
    let choice = body.get("tool_choice");
    let names = tools.into_iter().flatten().filter_map(|tool| tool.pointer("/function/name"));
    let mut context = Context {
        tools: names.filter_map(Value::as_str).map(str::to_owned).collect(),
        forced_tool: choice
            .and_then(|choice| choice.pointer("/function/name")?.as_str())
            .map(str::to_owned),
        turn: messages.iter().filter(|message| role(message) == "assistant").count(),
        ..Context::default()
    };
    if choice.is_some_and(|choice| choice == "none") {
        context.tools.clear();
    }
    look_back(&mut context, messages);
    Ok(Wish {
        model: model.to_owned(),
        context,
        usage: body.pointer("/stream_options/include_usage") == Some(&Value::Bool(true)),
        read: body.get("messages").map_or(0, |all| all.to_string().len())
            + body.get("tools").map_or(0, |all| all.to_string().len()),
    })
}

fn role(message: &Value) -> &str {
    message.get("role").and_then(Value::as_str).unwrap_or_default()
}

fn content(message: &Value) -> &str {
    message.get("content").and_then(Value::as_str).unwrap_or_default()
}

fn calls(message: &Value) -> impl Iterator<Item = (&str, &str)> {
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    calls.filter_map(|call| {
        Some((call.get("id")?.as_str()?, call.pointer("/function/name")?.as_str()?))
    })
}

/// Each call must be answered before anything else is said, and each answer must
/// belong to a call.
fn check(messages: &[Value]) -> Result<(), String> {
    let mut open: HashSet<&str> = HashSet::new();
    for message in messages {
        match role(message) {
            "tool" => {
                let id = message.get("tool_call_id").and_then(Value::as_str).unwrap_or_default();
                if !open.remove(id) {
                    return Err("messages with role 'tool' must be a response to a preceeding \
                                message with 'tool_calls'."
                        .to_owned());
                }
                continue;
            }
            "system" | "developer" | "user" | "assistant" => {}
            other => return Err(format!("Invalid value: '{other}' - 'messages.role'")),
        }
        if !open.is_empty() {
            break;
        }
        open.extend(calls(message).map(|(id, _)| id));
    }
    if open.is_empty() {
        return Ok(());
    }
    Err("An assistant message with 'tool_calls' must be followed by tool messages responding to \
         each 'tool_call_id'."
        .to_owned())
}

/// Takes from the end of the conversation what has not been answered yet.
fn look_back(context: &mut Context, messages: &[Value]) {
    let names: HashMap<&str, &str> = messages.iter().flat_map(calls).collect();
    let mut answered = false;
    let mut trailing = true;
    for (place, message) in messages.iter().enumerate().rev() {
        match role(message) {
            "system" | "developer" => {
                // A note at the end is about this answer; the first is the persona.
                if trailing && place > 0 && context.instructions.is_none() {
                    context.instructions = Some(content(message).to_owned());
                }
                continue;
            }
            "tool" if !answered => {
                let id = message.get("tool_call_id").and_then(Value::as_str).unwrap_or_default();
                let name = names.get(id).copied().unwrap_or_default();
                context.results.insert(0, (name.to_owned(), content(message).to_owned()));
            }
            "user" if !answered && context.results.is_empty() => {
                context.heard = Some(content(message).to_owned());
                answered = true;
            }
            "assistant" if !answered && !context.results.is_empty() => {}
            _ => answered = true,
        }
        trailing = false;
        context.begun = true;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use serde_json::json;

    fn ask(messages: Value) -> Result<Wish, String> {
        read(&json!({"model": "m", "stream": true, "messages": messages}))
    }

    #[test]
    fn what_is_unanswered_is_what_counts() {
        let wish = ask(json!([
            {"role": "system", "content": "You are \"Ada\"."},
            {"role": "user", "content": "Hours?"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "look_up", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "other", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "nine"},
            {"role": "tool", "tool_call_id": "b", "content": "ten"},
        ]))
        .unwrap();
        let results = [("look_up", "nine"), ("other", "ten")].map(|(n, o)| (n.into(), o.into()));
        assert_eq!(wish.context.results, results);
        assert_eq!((wish.context.heard, wish.context.instructions), (None, None));
        let wish = ask(json!([
            {"role": "system", "content": "p"},
            {"role": "user", "content": "Hi"},
            {"role": "system", "content": "Say \"Hello\""},
        ]))
        .unwrap();
        assert_eq!(wish.context.heard.as_deref(), Some("Hi"));
        assert_eq!(wish.context.instructions.as_deref(), Some("Say \"Hello\""));
        let wish = ask(json!([{"role": "system", "content": "p \"q\""}])).unwrap();
        assert!(!wish.context.begun && wish.context.instructions.is_none());
    }

    #[test]
    fn calls_without_results_and_results_without_calls_are_refused() {
        let call = json!({"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
        assert!(ask(json!([call, {"role": "user", "content": "x"}])).is_err());
        assert!(ask(json!([call])).is_err());
        assert!(ask(json!([{"role": "tool", "tool_call_id": "a", "content": ""}])).is_err());
        assert!(ask(json!([call, {"role": "tool", "tool_call_id": "a", "content": ""}])).is_ok());
        assert!(ask(json!([])).is_err());
    }
}
