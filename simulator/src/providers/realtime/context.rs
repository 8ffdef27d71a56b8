//! What a response is decided from, and what it will consist of.

use serde_json::Value;

use super::conversation::{Item, Kind};
use super::error::ApiError;
use super::plan::{Content, OutItem};
use super::session::Session;
use crate::providers::brain::{Context, Part};

impl Session {
    /// The items that an out-of-band response is given instead of the conversation.
    pub(crate) fn own_input(&mut self, params: &Value) -> Result<Option<Vec<Item>>, ApiError> {
        let Some(list) = params.get("input").and_then(Value::as_array) else {
            return Ok(None);
        };
        let mut items = Vec::new();
        for value in list {
            if value.get("type").is_some_and(|t| t == "item_reference") {
                let id = value.get("id").and_then(Value::as_str).unwrap_or("");
                let message = format!("Item with id '{id}' not found.");
                let item = self.conversation.get(id).cloned();
                items.push(item.ok_or_else(|| ApiError::new("invalid_value", message))?);
            } else {
                let id = self.new_id("item");
                items.push(Item::from_client(value, id)?);
            }
        }
        Ok(Some(items))
    }

    pub(crate) fn context(&self, params: &Value, own_input: Option<&[Item]>) -> Context {
        let choice = params.get("tool_choice").unwrap_or_else(|| self.config.tool_choice());
        let offered = params.get("tools").unwrap_or_else(|| self.config.tools());
        let mut tools: Vec<String> =
            offered.as_array().into_iter().flatten().filter_map(tool_name).collect();
        if choice == "none" {
            tools.clear();
        }
        let mut context = Context {
            instructions: params.get("instructions").and_then(Value::as_str).map(str::to_owned),
            forced_tool: choice.get("name").and_then(Value::as_str).map(str::to_owned),
            tools,
            turn: usize::from(self.created),
            ..Context::default()
        };
        match own_input {
            Some(items) => self.look_back(&mut context, items.iter().rev()),
            None => self.look_back(&mut context, self.conversation.iter().rev()),
        }
        context
    }

    /// Takes from the end of the items what has not been answered yet.
    fn look_back<'a>(&self, context: &mut Context, latest_first: impl Iterator<Item = &'a Item>) {
        let mut answered = false;
        for item in latest_first {
            match &item.kind {
                Kind::System { .. } => continue,
                Kind::Output { call_id, output } if !answered => {
                    let name = self.conversation.called(call_id).unwrap_or_default();
                    context.results.insert(0, (name.to_owned(), output.clone()));
                }
                Kind::User { text, .. } if !answered && context.results.is_empty() => {
                    context.heard = Some(text.clone());
                    answered = true;
                }
                Kind::Call { .. } if !answered && !context.results.is_empty() => {}
                Kind::Output { .. }
                | Kind::User { .. }
                | Kind::Assistant { .. }
                | Kind::Call { .. } => answered = true,
            }
            context.begun = true;
        }
    }

    pub(crate) fn out_items(&mut self, params: &Value, parts: Vec<Part>) -> Vec<OutItem> {
        let format = self.config.output_format();
        let number = self.created.wrapping_add(1);
        let mark = self.seat.knobs.watermark.then_some(number);
        let modalities = self.modalities(params);
        let written = modalities.as_array().is_some_and(|m| m.iter().all(|m| m == "text"));
        let mut items = Vec::new();
        for part in parts {
            let content = match part {
                Part::Say(text) if written => Content::Text { text, said: String::new() },
                Part::Say(text) => {
                    let audio = self.seat.voice.speak(&text, format, mark);
                    Content::Speech { text, audio, said: String::new(), sent_bytes: 0 }
                }
                Part::Call { tool, arguments } => {
                    Content::Call { call_id: self.new_id("call"), name: tool, arguments }
                }
            };
            items.push(OutItem { id: self.new_id("item"), content, begun: false, ended: false });
        }
        items
    }

    pub(crate) fn modalities(&self, params: &Value) -> Value {
        let own = params.get(self.seat.dialect.modalities()).cloned();
        own.unwrap_or_else(|| self.config.modalities())
    }
}

fn tool_name(tool: &Value) -> Option<String> {
    tool.get("name").and_then(Value::as_str).map(str::to_owned)
}
