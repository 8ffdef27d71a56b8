//! Creating responses.

use serde_json::{Value, json};

use super::conversation::Item;
use super::dialect::Dialect;
use super::ending::Ending;
use super::error::ApiError;
use super::merge::{check_modalities, known};
use super::plan::{Active, Content, OutItem, Step};
use super::session::{Session, Task};
use super::usage::Tokens;
use crate::providers::brain::decide;
use crate::providers::record::ResponseRecord;

const GA_KEYS: &[&str] = &[
    "audio",
    "conversation",
    "input",
    "instructions",
    "max_output_tokens",
    "metadata",
    "output_modalities",
    "parallel_tool_calls",
    "prompt",
    "reasoning",
    "tool_choice",
    "tools",
];
const BETA_KEYS: &[&str] = &[
    "conversation",
    "input",
    "instructions",
    "max_response_output_tokens",
    "metadata",
    "modalities",
    "output_audio_format",
    "temperature",
    "tool_choice",
    "tools",
    "voice",
];

impl Session {
    /// `response.create`; `params` is its `response`, or an empty object.
    pub(crate) fn create_response(&mut self, params: &Value) -> Result<(), ApiError> {
        self.check_params(params)?;
        let in_conversation = params.get("conversation").is_none_or(|c| c != "none");
        if let Some(active) = self.responses.iter().find(|r| r.in_conversation)
            && in_conversation
        {
            let message = format!(
                "Conversation already has an active response in progress: {}. Wait until the response is finished before creating a new one.",
                active.id
            );
            return Err(ApiError::new("conversation_already_has_active_response", message));
        }
        let own_input = self.own_input(params)?;
        let items = if self.seat.knobs.echo && in_conversation {
            vec![self.echo_item()]
        } else {
            let context = self.context(params, own_input.as_deref());
            let parts = decide(&self.seat.script, &context);
            self.out_items(params, parts)
        };
        let active = self.activate(params, items, own_input.as_deref());
        self.begin(active);
        Ok(())
    }

    fn check_params(&self, params: &Value) -> Result<(), ApiError> {
        let Some(map) = params.as_object() else {
            return Err(
                ApiError::new("invalid_type", "Invalid type for 'response'.").param("response")
            );
        };
        let keys = match self.seat.dialect {
            Dialect::Ga => GA_KEYS,
            Dialect::Beta => BETA_KEYS,
        };
        known(map, keys, "response")?;
        let field = self.seat.dialect.modalities();
        check_modalities(self.seat.dialect, map.get(field), &format!("response.{field}"))
    }

    fn activate(&mut self, params: &Value, items: Vec<OutItem>, own: Option<&[Item]>) -> Active {
        self.created = self.created.wrapping_add(1);
        let told = Tokens::of_text(self.config.instructions())
            + Tokens::of_text(&self.config.tools().to_string());
        let context: Tokens = match own {
            Some(items) => items.iter().map(Item::tokens).sum(),
            None => self.conversation.iter().map(Item::tokens).sum(),
        };
        Active {
            number: self.created,
            id: self.new_id("resp"),
            in_conversation: params.get("conversation").is_none_or(|c| c != "none"),
            metadata: params.get("metadata").cloned().unwrap_or(Value::Null),
            modalities: self.modalities(params),
            format: self.config.output_format(),
            items,
            input: told + context,
            echo: false,
        }
    }

    fn begin(&mut self, mut active: Active) {
        active.echo = self.seat.knobs.echo && active.in_conversation;
        self.record_created(&active);
        let response = self.response_body(&active, "in_progress", &Value::Null, &Value::Null);
        self.emit("response.created", json!({"response": response}));
        self.rate_limits();
        if self.seat.knobs.garbage {
            self.garbage();
        }
        let number = active.number;
        let echo = active.echo;
        let steps = active.schedule(&self.seat.knobs);
        self.responses.push(active);
        if self.seat.knobs.mute {
            return;
        }
        if echo {
            self.step(number, Step::Begin { index: 0 });
            self.begin_echo(number);
        } else if let Some(code) = self.seat.knobs.fail_code.clone() {
            let error = Some(ApiError::of_code(&code));
            self.finish(number, &Ending { status: "failed", reason: None, error });
        } else {
            self.schedule(number, steps);
        }
    }

    /// Puts the steps on the clock, each a little late by the jitter, in order.
    fn schedule(&mut self, response: u16, steps: Vec<(u64, Step)>) {
        let mut earliest = self.now_ms;
        for (after_ms, step) in steps {
            let at_ms = (self.now_ms + after_ms + self.jitter_ms()).max(earliest);
            earliest = at_ms;
            self.queue.at(at_ms, Task::Step { response, step });
        }
    }

    fn record_created(&self, active: &Active) {
        let texts = active.items.iter().filter_map(|item| match &item.content {
            Content::Speech { text, .. } | Content::Text { text, .. } => Some(text.as_str()),
            Content::Call { .. } => None,
        });
        let calls = active.items.iter().filter_map(|item| match &item.content {
            Content::Call { name, .. } => Some(name.clone()),
            Content::Speech { .. } | Content::Text { .. } => None,
        });
        let record = ResponseRecord {
            number: active.number,
            id: active.id.clone(),
            created_ms: self.now_ms,
            text: texts.collect::<Vec<_>>().join(" "),
            calls: calls.collect(),
            status: "in_progress".to_owned(),
            ..ResponseRecord::default()
        };
        self.seat.record.write(|r| r.responses.push(record));
    }

    fn rate_limits(&mut self) {
        let limit = |name: &str, limit: u64| json!({"name": name, "limit": limit, "remaining": limit - 1, "reset_seconds": 0.5});
        let fields = json!({"rate_limits": [limit("requests", 1_000), limit("tokens", 40_000)]});
        self.emit("rate_limits.updated", fields);
    }
}
