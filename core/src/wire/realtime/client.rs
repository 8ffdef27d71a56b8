//! What is sent to the model, audio apart (that is [`super::write_append`]).

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Dialect, SessionConfig};
use crate::ids::{ItemId, ResponseId, ToolCallId};
use crate::pii::as_personal;

/// One event towards the model. Its serialised form is the recorder's; what goes on
/// the wire is made by [`Self::write`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ClientEvent {
    /// Set what the session is. Answered by `session.updated`.
    SessionUpdate(Box<SessionConfig>),
    /// Make a user item of the audio appended so far; about 100 ms at least.
    CommitAudio,
    /// Forget the audio appended since the last commit.
    ClearAudio,
    /// Add something to the end of the conversation.
    CreateItem(Item),
    /// Cut an assistant's audio item to what the caller has heard.
    TruncateItem {
        /// The assistant item.
        item_id: ItemId,
        /// Which of its content parts; 0 for audio.
        content_index: u32,
        /// Length that is kept, in milliseconds. More than the server has is
        /// an error, so it must be clamped to the audio received.
        audio_end_ms: u64,
    },
    /// Remove an item from the conversation.
    DeleteItem {
        /// The item.
        item_id: ItemId,
    },
    /// Ask for a response; an error while one is active.
    CreateResponse {
        /// Instructions that replace the session's, for this response only.
        #[serde(serialize_with = "as_personal")]
        instructions: Option<String>,
        /// Whether this response may not call functions.
        tool_choice_none: bool,
    },
    /// Stop a response.
    CancelResponse {
        /// Which one; whatever is active when unset.
        response_id: Option<ResponseId>,
    },
}

/// Something that is added to the conversation.
#[derive(Clone, PartialEq, Serialize)]
pub enum Item {
    /// The agent said this. It stands as text: audio cannot be added.
    AssistantText {
        /// Name chosen by us, 32 characters at most; the server's when unset.
        id: Option<ItemId>,
        /// The words.
        #[serde(serialize_with = "as_personal")]
        text: String,
    },
    /// The caller said or did this.
    UserText {
        /// The words.
        #[serde(serialize_with = "as_personal")]
        text: String,
    },
    /// A note from us to the model.
    SystemText {
        /// The words.
        #[serde(serialize_with = "as_personal")]
        text: String,
    },
    /// The model called a function (when a conversation is restored).
    FunctionCall {
        /// The model's name of the call.
        call_id: ToolCallId,
        /// The function.
        name: String,
        /// Its arguments as JSON text.
        #[serde(serialize_with = "as_personal")]
        arguments: String,
    },
    /// What a function call gave.
    FunctionCallOutput {
        /// The model's name of the call.
        call_id: ToolCallId,
        /// The result, JSON text as a rule.
        #[serde(serialize_with = "as_personal")]
        output: String,
    },
}

impl ClientEvent {
    /// The event's `type`, the same in both dialects.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SessionUpdate(_) => "session.update",
            Self::CommitAudio => "input_audio_buffer.commit",
            Self::ClearAudio => "input_audio_buffer.clear",
            Self::CreateItem(_) => "conversation.item.create",
            Self::TruncateItem { .. } => "conversation.item.truncate",
            Self::DeleteItem { .. } => "conversation.item.delete",
            Self::CreateResponse { .. } => "response.create",
            Self::CancelResponse { .. } => "response.cancel",
        }
    }

    /// Appends the event to `out` as one JSON text. An `event_id` of ours comes
    /// back in the error, if the event causes one.
    pub fn write(&self, dialect: Dialect, event_id: Option<&str>, out: &mut String) {
        let mut event = Map::new();
        event.insert("type".to_owned(), json!(self.kind()));
        if let Some(event_id) = event_id {
            event.insert("event_id".to_owned(), json!(event_id));
        }
        self.add_body(dialect, &mut event);
        out.push_str(&Value::Object(event).to_string());
    }

    fn add_body(&self, dialect: Dialect, event: &mut Map<String, Value>) {
        let mut set = |key: &str, value: Value| {
            event.insert(key.to_owned(), value);
        };
        match self {
            Self::CommitAudio | Self::ClearAudio => {}
            Self::SessionUpdate(session) => set("session", session.to_json(dialect)),
            Self::CreateItem(item) => set("item", item.to_json(dialect)),
            Self::TruncateItem { item_id, content_index, audio_end_ms } => {
                set("item_id", json!(item_id));
                set("content_index", json!(content_index));
                set("audio_end_ms", json!(audio_end_ms));
            }
            Self::DeleteItem { item_id } => set("item_id", json!(item_id)),
            Self::CreateResponse { instructions, tool_choice_none } => {
                let response = response_json(instructions.as_deref(), *tool_choice_none);
                if !response.is_empty() {
                    set("response", Value::Object(response));
                }
            }
            Self::CancelResponse { response_id } => {
                if let Some(response_id) = response_id {
                    set("response_id", json!(response_id));
                }
            }
        }
    }
}

fn response_json(instructions: Option<&str>, tool_choice_none: bool) -> Map<String, Value> {
    let mut response = Map::new();
    if let Some(instructions) = instructions {
        response.insert("instructions".to_owned(), json!(instructions));
    }
    if tool_choice_none {
        response.insert("tool_choice".to_owned(), json!("none"));
    }
    response
}

impl Item {
    fn to_json(&self, dialect: Dialect) -> Value {
        match self {
            Self::AssistantText { id, text } => {
                let content_type = match dialect {
                    Dialect::Ga => "output_text",
                    Dialect::Beta => "text",
                };
                message("assistant", id.as_ref(), content_type, text)
            }
            Self::UserText { text } => message("user", None, "input_text", text),
            Self::SystemText { text } => message("system", None, "input_text", text),
            Self::FunctionCall { call_id, name, arguments } => json!({
                "type": "function_call",
                "call_id": call_id,
                "name": name,
                "arguments": arguments,
            }),
            Self::FunctionCallOutput { call_id, output } => json!({
                "type": "function_call_output",
                "call_id": call_id,
                "output": output,
            }),
        }
    }
}

fn message(role: &str, id: Option<&ItemId>, content_type: &str, text: &str) -> Value {
    let mut item = Map::new();
    item.insert("type".to_owned(), json!("message"));
    item.insert("role".to_owned(), json!(role));
    if let Some(id) = id {
        item.insert("id".to_owned(), json!(id));
    }
    item.insert("content".to_owned(), json!([{"type": content_type, "text": text}]));
    Value::Object(item)
}

/// What was said, and what a function was told, may not reach a log.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |f: &mut fmt::Formatter<'_>, who: &str, text: &str| {
            write!(f, "{who}[{} characters]", text.chars().count())
        };
        match self {
            Self::AssistantText { text, .. } => said(f, "AssistantText", text),
            Self::UserText { text } => said(f, "UserText", text),
            Self::SystemText { text } => said(f, "SystemText", text),
            Self::FunctionCall { call_id, name, .. } => {
                write!(f, "FunctionCall({name:?}, {call_id})")
            }
            Self::FunctionCallOutput { call_id, .. } => write!(f, "FunctionCallOutput({call_id})"),
        }
    }
}
