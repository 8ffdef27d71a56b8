//! What is written down of a session whoever answers in it: the model here, or the
//! services of a pipeline.

use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::{ClientEvent, Item};

use super::{Model, Sends};

impl Model {
    /// Another session begins, which remembers nothing.
    pub fn renewed(&mut self) {
        self.dropped();
        self.memory.clear();
        self.told_as_text.clear();
    }

    /// A response begins; answers its number.
    pub fn begins_elsewhere(&mut self) -> u8 {
        self.responses += 1;
        self.responses
    }

    /// Audio has come.
    pub fn note_audio(&mut self, sends: &Sends) {
        let Sends::Audio { item, .. } = sends else {
            return;
        };
        if !self.memory.iter().any(|(id, _)| id == item) {
            self.memory.push((item.clone(), 0));
        }
        self.sent(sends);
    }

    /// The session is told something at `now`.
    pub fn note(&mut self, event: &ClientEvent, now: Micros) {
        self.received.push((now, event.clone()));
        match event {
            ClientEvent::TruncateItem { item_id, audio_end_ms, .. } => {
                self.claim(item_id, *audio_end_ms, false, now);
                let known = self.memory.iter_mut().find(|(id, _)| id == item_id.as_str());
                match known {
                    Some((_, length)) if *audio_end_ms <= *length => *length = *audio_end_ms,
                    Some(_) | None => self.wrong_truncations += 1,
                }
            }
            ClientEvent::DeleteItem { item_id } => {
                self.claim(item_id, 0, true, now);
                let before = self.memory.len();
                self.memory.retain(|(id, _)| id != item_id.as_str());
                self.wrong_truncations += u32::from(before == self.memory.len());
            }
            ClientEvent::CreateItem(Item::AssistantText { id: Some(id), .. }) => {
                self.memory.push((id.as_str().to_owned(), 0));
                self.told_as_text.insert(id.as_str().to_owned());
            }
            ClientEvent::CreateResponse { .. }
            | ClientEvent::CancelResponse { .. }
            | ClientEvent::CreateItem(_)
            | ClientEvent::SessionUpdate(_)
            | ClientEvent::CommitAudio
            | ClientEvent::ClearAudio => {}
        }
    }
}
