//! The default conversation: its items in order.

use serde_json::{Value, json};

use super::dialect::Dialect;
use super::error::ApiError;
use super::usage::Tokens;

/// One item.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// Whether the model may still add to it.
    pub(crate) in_progress: bool,
}

/// What an item is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// The caller, heard or written. `audio_ms` is 0 for what was written.
    User { text: String, audio_ms: u64 },
    /// The model, spoken or written.
    Assistant { text: String, audio_ms: u64, spoken: bool },
    /// Instructions within the conversation.
    System { text: String },
    /// The model called a function.
    Call { name: String, call_id: String, arguments: String },
    /// The client gave a function's result.
    Output { call_id: String, output: String },
}

impl Item {
    /// Reads what a client sent in `conversation.item.create` or as an input.
    pub(crate) fn from_client(item: &Value, new_id: String) -> Result<Self, ApiError> {
        let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
        let need =
            |name: &str| text(name).ok_or_else(|| ApiError::missing(&format!("item.{name}")));
        let kind = match need("type")?.as_str() {
            "message" => message(item, &need("role")?)?,
            "function_call" => Kind::Call {
                name: need("name")?,
                call_id: need("call_id")?,
                arguments: need("arguments")?,
            },
            "function_call_output" => {
                Kind::Output { call_id: need("call_id")?, output: need("output")? }
            }
            other => {
                let supported = "'message', 'function_call', and 'function_call_output'";
                return Err(ApiError::invalid_value("item.type", &Value::from(other), supported));
            }
        };
        Ok(Self { id: text("id").unwrap_or(new_id), kind, in_progress: false })
    }

    /// As it is shown to the client.
    pub(crate) fn body(&self, dialect: Dialect) -> Value {
        let status = if self.in_progress { "in_progress" } else { "completed" };
        let mut body = match &self.kind {
            Kind::User { text, audio_ms: 0 } => {
                message_body("user", json!({"type": "input_text", "text": text}))
            }
            Kind::User { .. } => {
                message_body("user", json!({"type": "input_audio", "transcript": null}))
            }
            Kind::System { text } => {
                message_body("system", json!({"type": "input_text", "text": text}))
            }
            Kind::Assistant { .. } if self.in_progress => message_body("assistant", Value::Null),
            Kind::Assistant { text, spoken: true, .. } => {
                let content = json!({"type": dialect.audio_content(), "transcript": text});
                message_body("assistant", content)
            }
            Kind::Assistant { text, .. } => {
                message_body("assistant", json!({"type": dialect.text_content(), "text": text}))
            }
            Kind::Call { name, call_id, arguments } => json!({
                "type": "function_call", "name": name, "call_id": call_id,
                "arguments": if self.in_progress { "" } else { arguments },
            }),
            Kind::Output { call_id, output } => json!({
                "type": "function_call_output", "call_id": call_id, "output": output,
            }),
        };
        if let Some(map) = body.as_object_mut() {
            map.insert("id".to_owned(), self.id.clone().into());
            map.insert("object".to_owned(), "realtime.item".into());
            map.insert("status".to_owned(), status.into());
        }
        body
    }

    /// What it costs as part of a response's input.
    pub(crate) fn tokens(&self) -> Tokens {
        match &self.kind {
            Kind::User { text, audio_ms: 0 } | Kind::System { text } => Tokens::of_text(text),
            Kind::User { audio_ms, .. } => Tokens::of_user_audio(*audio_ms),
            Kind::Assistant { text, audio_ms, .. } => {
                Tokens::of_text(text) + Tokens::of_assistant_audio(*audio_ms)
            }
            Kind::Call { arguments, .. } => Tokens::of_text(arguments),
            Kind::Output { output, .. } => Tokens::of_text(output),
        }
    }
}

fn message_body(role: &str, content: Value) -> Value {
    let content = if content.is_null() { json!([]) } else { json!([content]) };
    json!({"type": "message", "role": role, "content": content})
}

fn message(item: &Value, role: &str) -> Result<Kind, ApiError> {
    let parts = item.get("content").and_then(Value::as_array);
    let parts = parts.ok_or_else(|| ApiError::missing("item.content"))?;
    let mut text = String::new();
    for (n, part) in parts.iter().enumerate() {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or("");
        let spoken = matches!(kind, "output_audio" | "audio");
        if role == "assistant" && spoken {
            let path = format!("item.content[{n}].type");
            let supported = "'output_text'";
            return Err(ApiError::invalid_value(&path, &Value::from(kind), supported));
        }
        let words = part.get("text").or_else(|| part.get("transcript"));
        text.push_str(words.and_then(Value::as_str).unwrap_or(""));
    }
    match role {
        "user" => Ok(Kind::User { text, audio_ms: 0 }),
        "assistant" => Ok(Kind::Assistant { text, audio_ms: 0, spoken: false }),
        "system" => Ok(Kind::System { text }),
        other => {
            let supported = "'user', 'assistant', and 'system'";
            Err(ApiError::invalid_value("item.role", &Value::from(other), supported))
        }
    }
}

/// The items.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    items: Vec<Item>,
}

impl Conversation {
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.items.iter()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    /// Appends; returns the id of the item before.
    pub(crate) fn push(&mut self, item: Item) -> Option<String> {
        let before = self.items.last().map(|item| item.id.clone());
        self.items.push(item);
        before
    }

    /// Inserts after an item, or at the start after `root`.
    pub(crate) fn insert_after(&mut self, before: &str, item: Item) -> Result<(), ApiError> {
        let place = if before == "root" {
            0
        } else {
            let at = self.items.iter().position(|i| i.id == before).ok_or_else(|| {
                let message = format!(
                    "Error adding item: the previous item with id '{before}' does not exist."
                );
                ApiError::new("invalid_value", message).param("previous_item_id")
            })?;
            at + 1
        };
        self.items.insert(place, item);
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<Item> {
        let place = self.items.iter().position(|item| item.id == id)?;
        Some(self.items.remove(place))
    }

    /// Name of the function that was called by this call id.
    pub(crate) fn called(&self, wanted: &str) -> Option<&str> {
        self.items.iter().find_map(|item| match &item.kind {
            Kind::Call { name, call_id, .. } if call_id == wanted => Some(name.as_str()),
            Kind::Call { .. }
            | Kind::User { .. }
            | Kind::Assistant { .. }
            | Kind::System { .. }
            | Kind::Output { .. } => None,
        })
    }

    /// Cuts an assistant's item to what was heard of it.
    pub(crate) fn truncate(&mut self, id: &str, end_ms: u64) -> Result<(), ApiError> {
        let missing = format!("Error truncating item: the item with id '{id}' does not exist.");
        let item = self.get_mut(id).ok_or_else(|| {
            ApiError::new("item_truncate_invalid_item_id", missing).param("item_id")
        })?;
        match &mut item.kind {
            Kind::Assistant { text, audio_ms, spoken: true } if *audio_ms > 0 => {
                if end_ms > *audio_ms {
                    let message =
                        format!("Audio content of {audio_ms}ms is already shorter than {end_ms}ms");
                    return Err(ApiError::new("invalid_value", message).param("audio_end_ms"));
                }
                *text = heard_part(text, end_ms, *audio_ms);
                *audio_ms = end_ms;
                Ok(())
            }
            Kind::Assistant { .. }
            | Kind::User { .. }
            | Kind::System { .. }
            | Kind::Call { .. }
            | Kind::Output { .. } => {
                let message = "Only model output audio messages can be truncated";
                Err(ApiError::new("unsupported_content_type", message))
            }
        }
    }
}

/// The words of the first `end_ms` of `audio_ms`.
fn heard_part(text: &str, end_ms: u64, audio_ms: u64) -> String {
    let characters = text.chars().count() as u64;
    let keep = characters * end_ms / audio_ms.max(1);
    text.chars().take(usize::try_from(keep).unwrap_or(usize::MAX)).collect()
}
