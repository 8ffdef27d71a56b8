//! Stopping in mid-sentence so that it can go on: what was sent and not heard is
//! kept, and sent again.

use std::collections::VecDeque;

use crate::ids::ItemId;
use crate::media::segment::{Segment, TAIL_BYTES};
use crate::time::Micros;

use super::{Downlink, Unheard};

/// Delivered items that are kept at once. A second of speech is one or two.
const KEPT_ITEMS: usize = 16;

/// How long after the end of its playout audio may still be in the caller's ear:
/// the way there, and an echo's way back.
const ON_THE_LINE: Micros = Micros::from_millis(500);

/// Items that were handed over whole and may not have been heard whole, oldest
/// first.
#[derive(Debug, Default)]
pub(super) struct Delivered(VecDeque<Segment>);

impl Delivered {
    pub(super) fn keep(&mut self, mut segment: Segment) {
        segment.sent_after = 0;
        self.0.push_back(segment);
        if self.0.len() > KEPT_ITEMS {
            self.0.pop_front();
        }
    }

    /// So much was sent: what lies further back than that must have been heard.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.0.iter_mut().for_each(|s| s.sent_after += bytes);
        while self.0.front().is_some_and(|s| s.sent_after >= TAIL_BYTES) {
            self.0.pop_front();
        }
    }

    /// The caller heard all of this item.
    pub(super) fn heard(&mut self, item: &ItemId) {
        self.0.retain(|s| s.item != *item);
    }

    /// Nothing of this response is to be heard again.
    pub(super) fn reject(&mut self, response: &str) {
        self.0.retain(|s| s.response.as_deref() != Some(response));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Downlink {
    /// The caller may want the floor: nothing more is sent until [`Self::resume`]
    /// or [`Self::interrupt`], with `clear` the carrier's buffer is emptied, and
    /// what the caller has not heard is kept, to be sent again.
    pub fn hold(&mut self, generation: u64, clear: bool, unheard: &[Unheard], now: Micros) {
        self.stop(generation, clear, now);
        self.held = true;
        let from = |item: &ItemId| unheard.iter().find(|u| u.item == *item).map(|u| u.from);
        while let Some(segment) = self.delivered.0.pop_back() {
            if from(&segment.item).is_some() {
                self.segments.push_front(segment);
            }
        }
        for segment in &mut self.segments {
            if let Some(from) = from(&segment.item) {
                segment.rewind(from);
            }
        }
    }

    /// The caller does not want the floor: what was held goes on.
    pub fn resume(&mut self, generation: u64) {
        self.generation = generation;
        self.held = false;
    }

    /// Whether the caller may be hearing agent audio at `now`, or would be, if it
    /// were not held. What was sent is on its way for up to [`ON_THE_LINE`].
    #[must_use]
    pub fn is_audible(&self, now: Micros) -> bool {
        self.held || self.playout.ends_at() + ON_THE_LINE > now
    }

    /// Base64 characters of audio that has gone and is kept.
    #[must_use]
    pub fn kept_chars(&self) -> usize {
        self.segments.iter().chain(&self.delivered.0).map(Segment::kept_chars).sum()
    }
}
