//! Where the agent is in what it says, and where it goes on after a stop.

use crate::call::opening::GREETING_ITEM;
use crate::call::words;
use crate::ids::ResponseId;
use crate::media::Unheard;
use crate::time::Micros;
use crate::turn::playback::{Heard, PlaybackClock, mulaw_time};

use super::{Speech, Spoken, Stage};

/// A sentence is taken up so much before the place where it was left: 100 ms, by
/// which the place may be wrong, and with which a word begins better.
const TAKEN_UP_BEFORE: u64 = 800;

/// Items whose words may come back as an echo by the time they are recognised.
const ECHOING_ITEMS: usize = 4;

/// When the end of a sentence is looked for again, where its words are not known
/// yet, and how soon at the earliest in any case.
const WORDS_TO_COME: Micros = Micros::from_millis(200);
const SHORTEST_WAIT: Micros = Micros::from_millis(10);

impl Speech {
    /// The clock was cleared, and what was not heard is to be sent again: answers
    /// what that is, and where it goes on.
    pub(in crate::call) fn reopen(&mut self, clock: &PlaybackClock, now: Micros) -> Vec<Unheard> {
        let mut unheard = Vec::new();
        for spoken in self.items.iter_mut().filter(|s| s.stage != Stage::Closed) {
            let Some(heard) = clock.heard(&spoken.item, now) else {
                continue;
            };
            if heard.heard_bytes < spoken.sent_bytes {
                let from = heard.heard_bytes.saturating_sub(TAKEN_UP_BEFORE);
                spoken.stage = Stage::Open;
                spoken.sent_bytes = from;
                unheard.push(Unheard { item: spoken.item.clone(), from });
            }
        }
        unheard
    }

    /// Whether what is being said is the greeting: the kept one, or `response`.
    pub(in crate::call) fn is_greeting(&self, response: Option<&ResponseId>) -> bool {
        let greets = |s: &Spoken| match &s.response {
            Some(of) => Some(of) == response,
            None => s.item.as_str() == GREETING_ITEM,
        };
        self.items.iter().any(|s| s.stage != Stage::Closed && greets(s))
    }

    /// The words that an echo could be of.
    pub(in crate::call) fn recent_text(&self) -> String {
        let recent = self.items.iter().rev().take(ECHOING_ITEMS).map(|s| s.text.as_str());
        recent.collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(" ")
    }

    /// How much the caller has not heard of what was received, in bytes.
    pub(in crate::call) fn unheard_bytes(&self, clock: &PlaybackClock, now: Micros) -> u64 {
        let unheard = |s: &Spoken| {
            let heard = clock.heard(&s.item, now).map_or(0, |h| h.heard_bytes);
            s.received_bytes.max(s.sent_bytes).saturating_sub(heard)
        };
        self.items.iter().filter(|s| s.stage != Stage::Closed).map(unheard).sum()
    }

    /// Which item the caller is hearing, or will next, and how far into it.
    pub(in crate::call) fn being_heard(&self, clock: &PlaybackClock, now: Micros) -> Option<Heard> {
        let heard = |s: &Spoken| {
            let heard_bytes = clock.heard(&s.item, now).map_or(0, |h| h.heard_bytes);
            let whole = s.received_bytes.max(s.sent_bytes);
            let heard = Heard { item: s.item.clone(), heard_bytes, sent_bytes: s.sent_bytes };
            (heard_bytes < whole).then_some(heard)
        };
        self.items.iter().filter(|s| s.stage != Stage::Closed).find_map(heard)
    }

    /// How long the sentence that was said at `place` goes on: until its last word
    /// is heard, as far as its words are known; none when it is over.
    pub(in crate::call) fn rest_of_sentence(
        &self,
        place: &Heard,
        clock: &PlaybackClock,
        now: Micros,
    ) -> Option<Micros> {
        let spoken = self.items.iter().rev().find(|s| s.item == place.item)?;
        if spoken.stage == Stage::Closed {
            return None;
        }
        let heard = clock.heard(&spoken.item, now).map_or(0, |h| h.heard_bytes);
        let whole = spoken.received_bytes.max(spoken.sent_bytes);
        let known = words::sentence_end(&spoken.text, place.heard_bytes, whole);
        let end = known.unwrap_or(whole);
        if heard < end {
            return Some(mulaw_time(end - heard).max(SHORTEST_WAIT));
        }
        let more_may_come = known.is_none() && spoken.stage == Stage::Open;
        more_may_come.then_some(WORDS_TO_COME)
    }
}
