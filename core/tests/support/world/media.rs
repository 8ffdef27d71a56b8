//! The media path of a call in virtual time: what the call does to it, and what
//! may and may not go out.

use trunkline_core::call::MediaCommand;
use trunkline_core::ids::{ItemId, ResponseId};
use trunkline_core::media::Phrase;

use super::{Coming, World};
use crate::support::phone::{GREETING_TAG, SENTENCE_TAG, Wire, audio};
use crate::support::settings::{GREETING_BYTES, SENTENCE_BYTES};

impl World {
    pub(super) fn command_media(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::Uplink { .. } => {}
            MediaCommand::PlayGreeting { item } => self.play(&item, GREETING_TAG, GREETING_BYTES),
            MediaCommand::PlaySentence { item, .. } => {
                let played = self.received.range(SENTENCE_TAG..GREETING_TAG).count();
                let tag = SENTENCE_TAG + u8::try_from(played).unwrap();
                self.play(&item, tag, SENTENCE_BYTES);
            }
            MediaCommand::Admit { response } => {
                assert!(self.announced.contains(&response), "{response} was never announced");
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
                assert!(generation > self.generation, "the gate only moves forward");
                self.generation = generation;
                self.gate_shut = true;
                self.silenced.append(&mut self.admitted);
                self.held = false;
                self.downlink.interrupt(generation, clear, self.now);
            }
            MediaCommand::Hold { generation, clear, unheard } => {
                assert!(generation > self.generation, "the gate only moves forward");
                assert!(!self.held, "what is held is not held again");
                self.generation = generation;
                self.held = true;
                self.downlink.hold(generation, clear, &unheard, self.now);
            }
            MediaCommand::Resume { generation } => {
                assert!(generation > self.generation, "the gate only moves forward");
                assert!(self.held, "only what is held goes on");
                self.generation = generation;
                self.held = false;
                self.downlink.resume(generation);
            }
            MediaCommand::FinishAll => self.downlink.finish_all(),
        }
    }

    pub(super) fn play(&mut self, item: &ItemId, tag: u8, bytes: u64) {
        self.gate_shut = false;
        self.received.insert(tag, bytes);
        self.admitted.insert(tag);
        self.downlink.play(item, &Phrase::from_mulaw(&audio(tag, 0, bytes)));
    }

    /// What the writer towards the carrier does when it is woken.
    pub(super) fn pump(&mut self) {
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
                assert!(!self.held, "audio {tag} was sent although it is held");
                assert!(
                    !self.silenced.contains(&tag),
                    "audio {tag} was sent after it was silenced"
                );
                assert!(!self.gate_shut, "audio {tag} was sent although the floor is the caller's");
            }
            self.wire.push((self.now, wire.clone()));
            self.schedule(self.now + self.line_delay, Coming::AtPhone(wire));
        }
        if self.downlink.has_news() {
            self.step(None);
        }
    }

    pub(super) fn return_marks(&mut self, marks: Vec<String>) {
        if !self.loses_marks {
            let times = if self.doubles_marks { 2 } else { 1 };
            for name in marks.iter().flat_map(|name| std::iter::repeat_n(name, times)) {
                self.schedule(self.now + self.line_delay, Coming::MarkBack(name.clone()));
            }
        }
    }
}

fn tag_of(response: &ResponseId) -> Option<u8> {
    response.as_str().strip_prefix("resp_")?.parse().ok()
}
