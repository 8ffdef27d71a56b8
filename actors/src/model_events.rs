//! From the model's wire events to the call's: what a call must know, without
//! the audio.

use std::collections::VecDeque;

use trunkline_core::call::{ModelEvent, TRANSCRIPTION_FAILED};
use trunkline_core::ids::ItemId;
use trunkline_core::wire::realtime::{ItemKind, ResponseStatus, ServerEvent, Spoken};

/// Items whose audio is counted. More are in the air only if a model misbehaves.
const KEPT_ITEMS: usize = 64;

/// One item of the model.
#[derive(Debug)]
struct Item {
    id: String,
    audio_bytes: u64,
    /// Its words came in pieces, so that the whole is not added to them.
    worded: bool,
}

/// Translates, and counts each item's audio on the way.
#[derive(Debug, Default)]
pub(crate) struct Translator {
    items: VecDeque<Item>,
}

impl Translator {
    /// So many bytes of μ-law came for an item. Answers whether they are its first.
    pub(crate) fn audio(&mut self, item: &str, bytes: u64) -> bool {
        let Some(item) = self.item(item) else {
            return false;
        };
        let first = item.audio_bytes == 0 && bytes > 0;
        item.audio_bytes += bytes;
        first
    }

    /// The item of this name, the newest first; made where there is none.
    fn item(&mut self, id: &str) -> Option<&mut Item> {
        if !self.items.iter().any(|item| item.id == id) {
            if self.items.len() >= KEPT_ITEMS {
                self.items.pop_back();
            }
            self.items.push_front(Item { id: id.to_owned(), audio_bytes: 0, worded: false });
        }
        self.items.iter_mut().find(|item| item.id == id)
    }

    /// All audio of an item is here.
    pub(crate) fn item_finished(&self, item: ItemId) -> ModelEvent {
        let audio_bytes = self.bytes_of(&item);
        ModelEvent::ItemFinished { item, audio_bytes }
    }

    /// The call's event for the model's; none for what a call need not know.
    pub(crate) fn translate(&mut self, event: &ServerEvent<'_>) -> Option<ModelEvent> {
        Some(match event {
            ServerEvent::SpeechStarted { .. } => ModelEvent::SpeechStarted,
            ServerEvent::SpeechStopped { .. } => ModelEvent::SpeechStopped,
            ServerEvent::InputTranscriptDelta { item_id, delta } => ModelEvent::CallerPartial {
                item: item_id.clone(),
                text: delta.clone().into_personal(),
            },
            ServerEvent::InputTranscript { item_id, transcript, .. } => {
                ModelEvent::CallerTranscript {
                    item: item_id.clone(),
                    text: transcript.clone().into_personal(),
                }
            }
            ServerEvent::ResponseCreated { response_id } => {
                ModelEvent::ResponseAnnounced { response: response_id.clone() }
            }
            ServerEvent::OutputItemAdded { response_id, item_id, kind: ItemKind::Message } => {
                ModelEvent::ItemAnnounced { response: response_id.clone(), item: item_id.clone()? }
            }
            ServerEvent::TranscriptDelta { item_id, delta, .. } => {
                if let Some(item) = self.item(item_id.as_str()) {
                    item.worded = true;
                }
                self.words(item_id, delta)
            }
            ServerEvent::TranscriptDone { item_id, transcript, .. } => {
                if self.item(item_id.as_str()).is_some_and(|item| item.worded) {
                    return None;
                }
                self.words(item_id, transcript)
            }
            ServerEvent::FunctionCall { response_id, call_id, name, arguments } => {
                ModelEvent::FunctionCall {
                    response: response_id.clone(),
                    call_id: call_id.clone(),
                    name: name.clone().into_owned(),
                    arguments: arguments.clone().into_personal(),
                }
            }
            ServerEvent::ResponseDone { response_id, status, reason, error_code, usage } => {
                let error = error_code.as_deref().or(reason.as_deref()).map(str::to_owned);
                ModelEvent::ResponseFinished {
                    response: response_id.clone(),
                    completed: *status == ResponseStatus::Completed,
                    error,
                    usage: *usage,
                }
            }
            ServerEvent::InputTranscriptFailed { .. } => {
                ModelEvent::Complaint { code: TRANSCRIPTION_FAILED.to_owned() }
            }
            ServerEvent::SessionCreated { .. }
            | ServerEvent::SessionUpdated { .. }
            | ServerEvent::Committed { .. }
            | ServerEvent::OutputItemAdded { .. }
            | ServerEvent::AudioDelta(_)
            | ServerEvent::AudioDone { .. }
            | ServerEvent::ItemTruncated { .. }
            | ServerEvent::Error(_)
            | ServerEvent::RateLimits
            | ServerEvent::Other { .. } => return None,
        })
    }

    fn words(&self, item: &ItemId, text: &Spoken<'_>) -> ModelEvent {
        ModelEvent::AgentText {
            item: item.clone(),
            text: text.clone().into_personal(),
            audio_bytes: self.bytes_of(item),
        }
    }

    fn bytes_of(&self, item: &ItemId) -> u64 {
        self.items.iter().find(|known| known.id == item.as_str()).map_or(0, |i| i.audio_bytes)
    }
}
