//! The session's names of its responses and items, and the numbers that scripts know
//! them by.

use std::collections::BTreeMap;

use trunkline_core::call::ModelEvent;
use trunkline_core::ids::{ItemId, ResponseId};
use trunkline_core::wire::realtime::ClientEvent;

use crate::support::model::{item_of, response_of};

/// See the module's text.
#[derive(Debug, Default)]
pub struct Names {
    responses: BTreeMap<String, u8>,
    items: BTreeMap<String, u8>,
}

impl Names {
    /// A response begins, as the one of this number.
    pub fn begins(&mut self, response: &ResponseId, tag: u8) {
        self.responses.insert(response.as_str().to_owned(), tag);
    }

    /// An item is part of a response.
    pub fn belongs(&mut self, response: &ResponseId, item: &ItemId) {
        if let Some(tag) = self.responses.get(response.as_str()) {
            self.items.insert(item.as_str().to_owned(), *tag);
        }
    }

    pub fn tag(&self, response: &ResponseId) -> Option<u8> {
        self.responses.get(response.as_str()).copied()
    }

    pub fn response(&self, response: &ResponseId) -> ResponseId {
        self.tag(response).map_or_else(|| response.clone(), response_of)
    }

    pub fn item(&self, item: &ItemId) -> ItemId {
        self.items.get(item.as_str()).map_or_else(|| item.clone(), |tag| item_of(*tag))
    }

    /// What the session tells, in the names of the scripts.
    pub fn outward(&mut self, event: ModelEvent) -> ModelEvent {
        use ModelEvent as E;
        match event {
            E::ResponseAnnounced { response } => {
                E::ResponseAnnounced { response: self.response(&response) }
            }
            E::ItemAnnounced { response, item } => {
                self.belongs(&response, &item);
                E::ItemAnnounced { response: self.response(&response), item: self.item(&item) }
            }
            E::AgentText { item, text, audio_bytes } => {
                E::AgentText { item: self.item(&item), text, audio_bytes }
            }
            E::ItemFinished { item, audio_bytes } => {
                E::ItemFinished { item: self.item(&item), audio_bytes }
            }
            E::FunctionCall { response, call_id, name, arguments } => {
                E::FunctionCall { response: self.response(&response), call_id, name, arguments }
            }
            E::ResponseFinished { response, completed, error, usage } => {
                E::ResponseFinished { response: self.response(&response), completed, error, usage }
            }
            E::Reached { response, stage, at } => {
                E::Reached { response: self.response(&response), stage, at }
            }
            other => other,
        }
    }

    /// What the call wants, in the session's names.
    pub fn inward(&self, event: ClientEvent) -> ClientEvent {
        use ClientEvent as E;
        match event {
            E::CancelResponse { response_id: Some(response) } => {
                E::CancelResponse { response_id: Some(self.response_within(&response)) }
            }
            E::TruncateItem { item_id, content_index, audio_end_ms } => {
                E::TruncateItem { item_id: self.item_within(&item_id), content_index, audio_end_ms }
            }
            E::DeleteItem { item_id } => E::DeleteItem { item_id: self.item_within(&item_id) },
            other => other,
        }
    }

    fn response_within(&self, response: &ResponseId) -> ResponseId {
        let own = self.responses.iter().find(|(_, tag)| response_of(**tag) == *response);
        own.map_or_else(|| response.clone(), |(name, _)| ResponseId::parse(name).unwrap())
    }

    fn item_within(&self, item: &ItemId) -> ItemId {
        let own = self.items.iter().find(|(_, tag)| item_of(**tag) == *item);
        own.map_or_else(|| item.clone(), |(name, _)| ItemId::parse(name).unwrap())
    }
}
