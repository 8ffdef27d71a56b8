//! The media path of a call in virtual time: what the call does to it, and what
//! may and may not go out.

use trunkline_core::call::MediaCommand;
use trunkline_core::ids::{ItemId, ResponseId};
use trunkline_core::media::Phrase;

use super::{Seen, World};
use crate::support::invariant::{Invariant, holds};
use crate::support::model::Sends;
use crate::support::phone::{GREETING_TAG, SENTENCE_TAG, Wire, audio};
use crate::support::settings::{GREETING_BYTES, SENTENCE_BYTES};

impl World {
    pub(super) fn command_media(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Uplink { open } => {
                self.services.uplink.set_open(open);
                self.pump_uplink();
            }
            MediaCommand::PlayGreeting { item } => self.play(&item, GREETING_TAG, GREETING_BYTES),
            MediaCommand::PlaySentence { item, .. } => {
                let played = self.received.range(SENTENCE_TAG..GREETING_TAG).count();
                let tag = SENTENCE_TAG + u8::try_from(played).unwrap();
                self.play(&item, tag, SENTENCE_BYTES);
            }
            MediaCommand::Admit { response } => {
                holds(self.announced.contains(&response), Invariant::AnnouncedFirst, || {
                    format!("{response} was never announced")
                });
                self.gate_shut = false;
                if let Some(tag) = tag_of(&response) {
                    self.silenced.remove(&tag);
                    self.admitted.insert(tag);
                }
                self.downlink.admit(&response);
            }
            MediaCommand::Reject { response } => self.downlink.reject(&response),
            MediaCommand::Capture { response, .. } => self.downlink.capture(&response),
            MediaCommand::Interrupt { generation, clear } => {
                self.gate_moves(generation);
                self.gate_shut = true;
                self.silenced.append(&mut self.admitted);
                self.held = false;
                self.stopped_at = self.now;
                self.interrupted = self.model.is_saying().cloned();
                self.downlink.interrupt(generation, clear, self.now);
            }
            MediaCommand::Hold { generation, clear, unheard } => {
                self.gate_moves(generation);
                holds(!self.held, Invariant::HeldSilent, || "held twice".to_owned());
                self.held = true;
                self.stopped_at = self.now;
                self.downlink.hold(generation, clear, &unheard, self.now);
            }
            MediaCommand::Resume { generation } => {
                self.gate_moves(generation);
                holds(self.held, Invariant::HeldSilent, || "nothing was held".to_owned());
                self.held = false;
                self.downlink.resume(generation);
            }
            MediaCommand::FinishAll => self.downlink.finish_all(),
        }
    }

    /// Audio of a sentence that a voice was given goes to the media path.
    pub(super) fn hand_over(
        &mut self,
        request: u32,
        (response, item): (&ResponseId, &ItemId),
        bytes: u64,
    ) {
        let names = &self.services.session.as_ref().expect("a session").names;
        let tag = names.tag(response).expect("a response that was announced");
        let (response, item) = (names.response(response), names.item(item));
        let from = self.received.get(&tag).copied().unwrap_or(0);
        let said = self.services.said.iter_mut().rfind(|said| said.request == request);
        let said = said.expect("a sentence that was given");
        said.bytes += bytes;
        said.place.get_or_insert((tag, from));
        let (response, item) = (response.as_str().to_owned(), item.as_str().to_owned());
        let sends = Sends::Audio { response: response.clone(), item: item.clone(), tag, bytes };
        self.model.note_audio(&sends);
        self.audio(&response, &item, tag, bytes);
    }

    fn gate_moves(&mut self, generation: u64) {
        holds(generation > self.generation, Invariant::GateForward, || {
            format!("from {} to {generation}", self.generation)
        });
        self.generation = generation;
    }

    /// Whether the agent was stopped, and nothing was let through since.
    pub fn is_stopped(&self) -> bool {
        self.held || self.gate_shut
    }

    /// What the audio of an item is made of.
    pub fn tag_of_item(&self, item: &ItemId) -> Option<u8> {
        self.tags.get(item.as_str()).copied()
    }

    pub(super) fn play(&mut self, item: &ItemId, tag: u8, bytes: u64) {
        self.gate_shut = false;
        self.received.insert(tag, bytes);
        self.tags.insert(item.as_str().to_owned(), tag);
        self.admitted.insert(tag);
        self.downlink.play(item, &Phrase::from_mulaw(&audio(tag, 0, bytes)));
    }

    /// What the writer towards the carrier does when it is woken.
    pub(super) fn pump(&mut self) {
        if self.carrier_stuck {
            self.stuck_at = self.now;
        }
        if self.closed || self.carrier_stuck {
            return;
        }
        let mut texts = Vec::new();
        self.downlink.poll_write(self.now, |text| texts.push(text));
        for text in texts {
            let wire = Wire::parse(&text);
            if let Wire::Media { tag, from, bytes } = wire {
                let sent = self.sent.entry(tag).or_default();
                *sent = (*sent).max(from + bytes);
                let detail = || format!("audio {tag} was sent");
                holds(!self.held, Invariant::HeldSilent, detail);
                holds(!self.silenced.contains(&tag), Invariant::GateShut, detail);
                holds(!self.gate_shut, Invariant::GateShut, detail);
            }
            self.log.push((self.now, Seen::Wire(self.wire.len())));
            self.wire.push((self.now, wire.clone()));
            self.send(wire);
        }
        if self.downlink.has_news() {
            self.step(None);
        }
    }
}

fn tag_of(response: &ResponseId) -> Option<u8> {
    response.as_str().strip_prefix("resp_")?.parse().ok()
}
