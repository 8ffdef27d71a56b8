//! Answers that are begun in advance: what is held of them, and what was seen of them.

use trunkline_core::ids::{ItemId, ResponseId};
use trunkline_core::pipeline::{Input, Speculation, ThrownAway};

use super::World;
use crate::support::services::Answering;

impl World {
    /// The call takes the caller's turn for likely over.
    pub(super) fn begin_in_advance(&mut self) {
        self.session_takes(Input::Speculate);
    }

    /// Something came of an answer that was begun in advance.
    pub(super) fn speculated(&mut self, speculation: Speculation) {
        self.services.speculated.push(speculation);
        let Some(session) = &mut self.services.session else {
            return;
        };
        match speculation {
            // It is what the next reply will be, if it comes to that.
            Speculation::Started => {
                let reply = self.model.expected_reply();
                session.begun = Some(Answering { reply, set: false, asked: false });
            }
            Speculation::Used => {}
            Speculation::ThrownAway(_) => session.begun = None,
        }
    }

    /// Audio that may not be heard yet.
    pub(super) fn hold(&mut self, request: u32, bytes: u64) {
        self.services.held.entry(request).or_default().push(bytes);
    }

    /// What is held of a sentence goes to the media path.
    pub(super) fn release(&mut self, request: u32, response: &ResponseId, item: &ItemId) {
        if let Some(session) = &mut self.services.session {
            session.names.belongs(response, item);
        }
        for bytes in self.services.held.remove(&request).unwrap_or_default() {
            self.hand_over(request, (response, item), bytes);
        }
    }

    /// How often this came of an answer that was begun in advance.
    pub fn speculations(&self, what: Speculation) -> usize {
        self.services.speculated.iter().filter(|seen| **seen == what).count()
    }

    /// Why such answers were thrown away.
    pub fn thrown_away(&self) -> Vec<ThrownAway> {
        let why = |seen: &Speculation| match seen {
            Speculation::ThrownAway(why) => Some(*why),
            Speculation::Started | Speculation::Used => None,
        };
        self.services.speculated.iter().filter_map(why).collect()
    }
}
