//! The model's session in the world: what it sends, and what becomes of that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use trunkline_core::call::{Input, ModelEvent};
use trunkline_core::time::Micros;

use super::{Coming, World};
use crate::support::model::{Dial, Sends};
use crate::support::phone::audio;

impl World {
    pub(super) fn arrive_from_model(&mut self, sends: Sends, scheduled_at: Micros) {
        let withheld = self.model.withholds(&sends, scheduled_at, self.now);
        if withheld || self.model.is_deaf_to(&sends) {
            return;
        }
        self.model.sent(&sends);
        let by_itself = self.model.decide(&sends, self.now);
        self.model_sends(by_itself);
        match sends {
            Sends::Audio { response, item, tag, bytes } => {
                self.audio(&response, &item, tag, bytes);
            }
            Sends::Event(event) => {
                if self.model.says_twice() {
                    self.hear_model(event.clone());
                }
                self.hear_model(event);
            }
        }
        self.pump();
    }

    fn hear_model(&mut self, event: ModelEvent) {
        match &event {
            ModelEvent::ItemFinished { item, .. } => self.downlink.finish(item.as_str()),
            ModelEvent::ResponseFinished { response, .. } => {
                self.downlink.finish_response(response.as_str());
            }
            _ => {}
        }
        self.tell(Input::Model(event));
    }

    pub(super) fn audio(&mut self, response: &str, item: &str, tag: u8, bytes: u64) {
        self.tags.insert(item.to_owned(), tag);
        let received = self.received.entry(tag).or_default();
        let payload = STANDARD.encode(audio(tag, *received, bytes));
        self.downlink.push(response, item, &payload);
        *received += bytes;
    }

    pub(super) fn dial(&mut self, delay: Micros) {
        match self.model.dialled() {
            Dial::Hangs => {}
            Dial::Ready(after) => self.model_says_in(delay + after, ModelEvent::Ready),
            Dial::Fails { after, retry } => {
                let reason = "refused".to_owned();
                self.model_says_in(delay + after, ModelEvent::Lost { reason, retry });
            }
        }
    }

    pub(super) fn model_sends(&mut self, script: Vec<(Micros, Sends)>) {
        let (serial, scheduled_at) = (self.model.serial, self.now);
        for (at, sends) in script {
            self.schedule(at, Coming::Model { serial, sends, scheduled_at });
        }
    }
}
