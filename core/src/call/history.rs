//! The conversation so far, kept so that a new session can be told it.

use std::collections::VecDeque;

use serde::Serialize;

use crate::ids::ToolCallId;
use crate::turn::sequencer::Purpose;
use crate::wire::realtime::Item;

/// Items kept. A phone call of twenty turns has about sixty.
const KEPT_ITEMS: usize = 200;

#[derive(Debug, Default, Serialize)]
pub(super) struct History {
    items: VecDeque<Item>,
    owed: Option<Purpose>,
}

impl History {
    pub(super) fn caller(&mut self, text: &str) {
        self.push(Item::UserText { text: text.to_owned() });
    }

    pub(super) fn agent(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.push(Item::AssistantText { id: None, text: text.to_owned() });
        }
    }

    pub(super) fn tool_call(&mut self, call_id: ToolCallId, name: String, arguments: String) {
        self.push(Item::FunctionCall { call_id, name, arguments });
    }

    pub(super) fn tool_result(&mut self, call_id: ToolCallId, output: String) {
        self.push(Item::FunctionCallOutput { call_id, output });
    }

    /// What the caller waits for and no session could be asked.
    pub(super) fn owe(&mut self, purpose: Purpose) {
        self.owed = Some(purpose);
    }

    pub(super) fn is_owed(&self) -> bool {
        self.owed.is_some()
    }

    pub(super) fn take_owed(&mut self) -> Option<Purpose> {
        self.owed.take()
    }

    pub(super) fn items(&self) -> Vec<Item> {
        self.items.iter().cloned().collect()
    }

    fn push(&mut self, item: Item) {
        self.items.push_back(item);
        if self.items.len() > KEPT_ITEMS {
            self.items.pop_front();
            // A result whose call is forgotten would be refused.
            while matches!(self.items.front(), Some(Item::FunctionCallOutput { .. })) {
                self.items.pop_front();
            }
        }
    }
}
