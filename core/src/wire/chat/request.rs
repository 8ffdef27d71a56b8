//! What the model is asked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::ids::ToolCallId;
use crate::pii::as_personal;
use crate::wire::realtime::ToolSpec;
use crate::wire::url::{Target, UrlError};

/// One entry of the conversation. Prints as its length.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// What we tell the model: its instructions, or a note within the conversation.
    System {
        /// The words.
        #[serde(serialize_with = "as_personal")]
        text: String,
    },
    /// What the caller said or did.
    User {
        /// The words.
        #[serde(serialize_with = "as_personal")]
        text: String,
    },
    /// What the model said, as far as it was heard, and the functions it called.
    Assistant {
        /// The words; empty where it only called functions.
        #[serde(serialize_with = "as_personal")]
        text: String,
        /// The calls. Each must be answered by a [`Message::Tool`] before the
        /// next request.
        calls: Vec<ToolCall>,
    },
    /// What a function call gave.
    Tool {
        /// The call.
        call_id: ToolCallId,
        /// The result, JSON text as a rule.
        #[serde(serialize_with = "as_personal")]
        output: String,
    },
}

/// One function call of the model, complete.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The model's name of the call.
    pub id: ToolCallId,
    /// The function; may be one that nobody offered.
    pub name: String,
    /// Its arguments: a text that should be JSON and may not be.
    #[serde(serialize_with = "as_personal")]
    pub arguments: String,
}

/// Whether the model may call functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As it sees fit.
    #[default]
    Auto,
    /// Not now.
    None,
    /// It must.
    Required,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The service's name of the model.
    pub model: &'a str,
    /// The conversation so far, oldest first.
    pub messages: &'a [Message],
    /// Functions the model may call.
    pub tools: &'a [ToolSpec],
    /// Whether it may.
    pub tool_choice: ToolChoice,
    /// Sampling temperature; the model's own where unset. Some models refuse any.
    pub temperature: Option<f32>,
    /// Most tokens of the answer; no limit of ours where unset.
    pub max_tokens: Option<u32>,
}

impl Request<'_> {
    /// The body: JSON that asks for a stream with usage at its end.
    #[must_use]
    pub fn write(&self) -> String {
        let mut body = Map::new();
        let mut set = |key: &str, value: Value| {
            body.insert(key.to_owned(), value);
        };
        set("model", json!(self.model));
        set("messages", self.messages.iter().map(Message::to_json).collect());
        set("stream", json!(true));
        set("stream_options", json!({"include_usage": true}));
        // An empty list, or a choice without one, is refused.
        if !self.tools.is_empty() {
            set("tools", self.tools.iter().map(tool_json).collect());
            set("tool_choice", json!(self.tool_choice));
        }
        if let Some(temperature) = self.temperature {
            // As a person wrote it: 0.8, where widening would give 0.800000011920929.
            let decimal = temperature.to_string().parse::<f64>().unwrap_or(1.0);
            set("temperature", json!(decimal));
        }
        if let Some(max) = self.max_tokens {
            set("max_completion_tokens", json!(max));
        }
        Value::Object(body).to_string()
    }
}

impl Message {
    fn to_json(&self) -> Value {
        match self {
            Self::System { text } => json!({"role": "system", "content": text}),
            Self::User { text } => json!({"role": "user", "content": text}),
            Self::Assistant { text, calls } => {
                let content = if text.is_empty() { Value::Null } else { json!(text) };
                let mut message = json!({"role": "assistant", "content": content});
                if let (Some(message), false) = (message.as_object_mut(), calls.is_empty()) {
                    let calls = calls.iter().map(ToolCall::to_json).collect();
                    message.insert("tool_calls".to_owned(), calls);
                }
                message
            }
            Self::Tool { call_id, output } => {
                json!({"role": "tool", "tool_call_id": call_id, "content": output})
            }
        }
    }
}

impl ToolCall {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        })
    }
}

fn tool_json(tool: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    })
}

/// The URL to post to, from the configured one: the base that SDKs take
/// (`https://api.openai.com/v1`), a host alone, or the whole address.
///
/// # Errors
/// When the text is no URL that can be dialled; see [`UrlError`].
pub fn request_target(base_url: &str) -> Result<String, UrlError> {
    let target = Target::read(base_url)?.or_path("/v1");
    Ok(target.http(&target.below("/chat/completions")))
}

/// The request's headers. The result holds the key, so it may not be logged.
#[must_use]
pub fn headers(api_key: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Authorization", format!("Bearer {}", api_key.trim())),
        ("Content-Type", "application/json".to_owned()),
        ("Accept", "text/event-stream".to_owned()),
    ]
}

/// What was said, and what a function was told, may not reach a log.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |f: &mut fmt::Formatter<'_>, who: &str, text: &str| {
            write!(f, "{who}[{} characters]", text.chars().count())
        };
        match self {
            Self::System { text } => said(f, "System", text),
            Self::User { text } => said(f, "User", text),
            Self::Assistant { text, calls } => {
                said(f, "Assistant", text)?;
                if calls.is_empty() { Ok(()) } else { write!(f, "{calls:?}") }
            }
            Self::Tool { call_id, .. } => write!(f, "Tool({call_id})"),
        }
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ToolCall({:?}, {})", self.name, self.id)
    }
}
