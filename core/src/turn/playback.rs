//! The playback clock: which part of the agent's audio has the caller heard?
//!
//! The carrier buffers what it is sent and plays it at real speed, so what was
//! sent is not what was heard. Three facts bound the truth: the bytes sent and
//! when, the marks the carrier returns as it plays past them, and time, because
//! μ-law is eight bytes a millisecond. Marks come every 100–200 ms; between them
//! the clock interpolates, and where marks stop coming it goes on by time alone.

use std::collections::VecDeque;

use serde::Serialize;

use crate::ids::ItemId;
use crate::time::Micros;

/// G.711 is 8,000 one-byte samples a second.
pub const BYTES_PER_MS: u64 = 8;

/// How much one new delay reading moves the smoothed delay: an eighth, as in
/// TCP's round-trip estimator (RFC 6298).
const DELAY_GAIN_SHIFT: u32 = 3;

/// How long after their time outstanding marks are waited for, before time alone
/// is believed.
pub const MARK_GRACE: Micros = Micros::from_millis(300);

/// Items remembered after they were played to the end, for late questions.
const KEPT_ITEMS: usize = 16;

/// The length of `bytes` of μ-law.
#[must_use]
pub const fn mulaw_time(bytes: u64) -> Micros {
    Micros(bytes.saturating_mul(1_000) / BYTES_PER_MS)
}

/// The bytes of μ-law that play in `time`.
#[must_use]
pub const fn mulaw_bytes(time: Micros) -> u64 {
    time.0.saturating_mul(BYTES_PER_MS) / 1_000
}

/// A buffer that plays at real speed: when will all that was sent have played?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Playout {
    ends_at: Micros,
}

impl Playout {
    /// `bytes` of μ-law were sent at `now`.
    pub fn sent(&mut self, bytes: u64, now: Micros) {
        self.ends_at = self.ends_at.max(now) + mulaw_time(bytes);
    }

    /// The far buffer was emptied.
    pub fn cleared(&mut self, now: Micros) {
        self.ends_at = self.ends_at.min(now);
    }

    /// Audio that is ahead of the caller's ear.
    #[must_use]
    pub fn lead(&self, now: Micros) -> Micros {
        self.ends_at.since(now)
    }

    /// When everything sent will have been played.
    #[must_use]
    pub fn ends_at(&self) -> Micros {
        self.ends_at
    }
}

/// A stretch of one item that was sent without a break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Span {
    item: ItemId,
    /// Position in the stream of all audio ever sent, in bytes.
    start: u64,
    /// Positions in the item, in bytes: where the stretch begins, and how far it
    /// has been sent and acknowledged.
    from: u64,
    sent_to: u64,
    acknowledged_to: u64,
    /// Up to where the item was heard when the far buffer was cleared, once it was.
    cut_at: Option<u64>,
    /// How far the item had been heard and sent in stretches before this one.
    heard_before: u64,
    sent_before: u64,
}

impl Span {
    /// What was heard of its item when the playing head is at `head`, unless a mark
    /// says that it was more.
    fn heard_up_to(&self, head: u64) -> Heard {
        let by_time = self.from + head.saturating_sub(self.start);
        let heard = self.cut_at.unwrap_or(by_time.max(self.acknowledged_to).min(self.sent_to));
        Heard {
            item: self.item.clone(),
            heard_bytes: heard.max(self.heard_before),
            sent_bytes: self.sent_to.max(self.sent_before),
        }
    }
}

/// What the caller has heard of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// The item.
    pub item: ItemId,
    /// Bytes of it that have been played to the caller.
    pub heard_bytes: u64,
    /// Bytes of it that were sent to the carrier.
    pub sent_bytes: u64,
}

impl Heard {
    /// Milliseconds of the item that have been played to the caller.
    #[must_use]
    pub fn heard_ms(&self) -> u64 {
        self.heard_bytes / BYTES_PER_MS
    }
}

/// See the module's text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlaybackClock {
    playout: Playout,
    total_sent: u64,
    delay: Micros,
    spans: VecDeque<Span>,
}

impl PlaybackClock {
    /// `bytes` of `item`, from its byte `from` on, were handed to the carrier at
    /// `now`. What was cleared before it was heard may be sent again: it counts once.
    pub fn sent(&mut self, item: &ItemId, from: u64, bytes: u64, now: Micros) {
        let goes_on = |s: &Span| s.item == *item && s.cut_at.is_none() && s.sent_to == from;
        match self.spans.back_mut() {
            Some(span) if goes_on(span) => span.sent_to += bytes,
            Some(_) | None => self.begin_span(item, from, bytes),
        }
        self.total_sent += bytes;
        self.playout.sent(bytes, now);
        while self.spans.len() > KEPT_ITEMS {
            self.spans.pop_front();
        }
    }

    /// A new stretch takes the place of those of its item that are over.
    fn begin_span(&mut self, item: &ItemId, from: u64, bytes: u64) {
        let mut before = (0, 0);
        self.spans.retain(|span| {
            let over = span.item == *item && span.cut_at.is_some();
            if over {
                let Heard { heard_bytes, sent_bytes, .. } = span.heard_up_to(0);
                before = (before.0.max(heard_bytes), before.1.max(sent_bytes));
            }
            !over
        });
        self.spans.push_back(Span {
            item: item.clone(),
            start: self.total_sent,
            from,
            sent_to: from.saturating_add(bytes),
            acknowledged_to: from,
            cut_at: None,
            heard_before: before.0,
            sent_before: before.1,
        });
    }

    /// The carrier says that it has played `item` up to `bytes`.
    pub fn acknowledged(&mut self, item: &ItemId, bytes: u64, now: Micros) {
        // While the far buffer is running dry its end and the mark coincide and
        // the distance says nothing about the way there and back.
        let playing = self.playout.lead(now) > Micros::ZERO;
        let head = self.head(now);
        let Some(span) =
            self.spans.iter_mut().rev().find(|s| s.item == *item && s.cut_at.is_none())
        else {
            return;
        };
        span.acknowledged_to = span.acknowledged_to.max(bytes.min(span.sent_to));
        if playing {
            let marked = span.start + bytes.saturating_sub(span.from);
            let behind = mulaw_time(head.saturating_sub(marked));
            self.delay = smooth(self.delay, behind);
        }
    }

    /// What is left in the far buffer was thrown away at `now`; answers what had
    /// been heard of every item that was cut, oldest first. No mark from before
    /// counts any more, so what had been heard is settled for every item.
    ///
    /// The order to clear takes as long to the far buffer as the audio took, and
    /// the buffer plays on until it is there: the delay cancels out.
    pub fn cleared(&mut self, now: Micros) -> Vec<Heard> {
        let head = self.head(now);
        let heard: Vec<Heard> = self.spans.iter().map(|s| s.heard_up_to(head)).collect();
        let mut cut = Vec::new();
        for (span, heard) in self.spans.iter_mut().zip(heard) {
            if span.cut_at.is_none() {
                span.cut_at = Some(heard.heard_bytes);
                cut.extend((heard.heard_bytes < heard.sent_bytes).then_some(heard));
            }
        }
        // What plays next starts from silence: nothing is under way to the ear.
        self.playout.cleared(Micros(now.0.saturating_sub(self.delay.0)));
        cut
    }

    /// What the caller has heard of `item` by `now`.
    #[must_use]
    pub fn heard(&self, item: &ItemId, now: Micros) -> Option<Heard> {
        self.spans.iter().rev().find(|s| s.item == *item).map(|s| self.heard_of(s, now))
    }

    /// Whether a clear at `now` would cut something.
    #[must_use]
    pub fn has_unheard(&self, now: Micros) -> bool {
        let head = self.head(now);
        let unheard = |heard: Heard| heard.heard_bytes < heard.sent_bytes;
        self.spans.iter().any(|s| s.cut_at.is_none() && unheard(s.heard_up_to(head)))
    }

    /// When everything sent will have been heard, by time alone.
    #[must_use]
    pub fn ends_at(&self) -> Micros {
        self.playout.ends_at() + self.delay
    }

    /// Whether the caller is hearing something at `now`, by time alone.
    #[must_use]
    pub fn is_playing(&self, now: Micros) -> bool {
        self.ends_at() > now
    }

    /// Whether every mark of what was sent has come back, or they are overdue by
    /// [`MARK_GRACE`] and time says that all of it must have been played.
    #[must_use]
    pub fn all_heard(&self, now: Micros) -> bool {
        let marked = |s: &Span| s.cut_at.is_some() || s.acknowledged_to >= s.sent_to;
        self.spans.iter().all(marked) || now >= self.ends_at() + MARK_GRACE
    }

    fn heard_of(&self, span: &Span, now: Micros) -> Heard {
        span.heard_up_to(self.head(Micros(now.0.saturating_sub(self.delay.0))))
    }

    /// Position of the far playing head in the stream of all audio, by time.
    fn head(&self, now: Micros) -> u64 {
        self.total_sent.saturating_sub(mulaw_bytes(self.playout.lead(now)))
    }
}

fn smooth(old: Micros, reading: Micros) -> Micros {
    if old == Micros::ZERO {
        return reading;
    }
    Micros(old.0 - (old.0 >> DELAY_GAIN_SHIFT) + (reading.0 >> DELAY_GAIN_SHIFT))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn item(name: &str) -> ItemId {
        ItemId::parse(name).unwrap()
    }

    const fn ms(ms: u64) -> Micros {
        Micros::from_millis(ms)
    }

    #[test]
    fn time_alone_says_what_was_heard_and_never_more_than_was_sent() {
        let mut clock = PlaybackClock::default();
        clock.sent(&item("a"), 0, 8_000, ms(100));
        assert_eq!(clock.heard(&item("a"), ms(350)).unwrap().heard_ms(), 250);
        assert_eq!(clock.heard(&item("a"), ms(9_000)).unwrap().heard_ms(), 1_000);
        assert!(!clock.all_heard(ms(1_399)), "marks may still come");
        assert!(clock.all_heard(ms(1_400)));
    }

    #[test]
    fn a_late_mark_moves_the_clock_back_by_the_delay_it_shows() {
        let mut clock = PlaybackClock::default();
        clock.sent(&item("a"), 0, 16_000, ms(0));
        clock.acknowledged(&item("a"), 1_600, ms(280));
        assert_eq!(clock.heard(&item("a"), ms(280)).unwrap().heard_ms(), 200);
        assert_eq!(clock.heard(&item("a"), ms(330)).unwrap().heard_ms(), 250);
    }

    #[test]
    fn a_clear_cuts_the_playing_item_and_zeroes_the_ones_behind_it() {
        let mut clock = PlaybackClock::default();
        clock.sent(&item("a"), 0, 4_000, ms(0));
        clock.sent(&item("b"), 0, 4_000, ms(0));
        let cut = clock.cleared(ms(300));
        assert_eq!(cut.iter().map(Heard::heard_ms).collect::<Vec<_>>(), [300, 0]);
        assert_eq!(clock.heard(&item("a"), ms(5_000)).unwrap().heard_ms(), 300);
        assert!(clock.all_heard(ms(300)));
        clock.acknowledged(&item("b"), 4_000, ms(301));
        assert_eq!(clock.heard(&item("b"), ms(302)).unwrap().heard_bytes, 0);
    }

    #[test]
    fn after_a_clear_nothing_is_awaited_whatever_the_delay_was() {
        let mut clock = PlaybackClock::default();
        clock.sent(&item("heard"), 0, 800, ms(0));
        clock.sent(&item("playing"), 0, 16_000, ms(0));
        clock.acknowledged(&item("heard"), 800, ms(300));
        assert_eq!(clock.cleared(ms(400)).len(), 1);
        assert!(!clock.is_playing(ms(400)), "the delay is no audio");
        assert!(clock.all_heard(ms(400)));
        assert!(clock.cleared(ms(401)).is_empty(), "a second clear cuts nothing");
    }

    #[test]
    fn what_is_sent_again_after_a_clear_counts_once() {
        let mut clock = PlaybackClock::default();
        clock.sent(&item("a"), 0, 8_000, ms(0));
        assert_eq!(clock.cleared(ms(300)).len(), 1);
        assert_eq!(clock.heard(&item("a"), ms(900)).unwrap().heard_ms(), 300);
        clock.sent(&item("a"), 1_600, 6_400, ms(900));
        let at = |clock: &PlaybackClock, at| clock.heard(&item("a"), ms(at)).unwrap();
        assert_eq!(at(&clock, 950).heard_ms(), 300, "250 ms is what it is at, for the second time");
        assert_eq!(at(&clock, 1_100).heard_ms(), 400);
        assert_eq!(at(&clock, 9_000).heard_bytes, 8_000);
        assert_eq!(at(&clock, 9_000).sent_bytes, 8_000);
        clock.acknowledged(&item("a"), 8_000, ms(1_710));
        assert!(clock.all_heard(ms(1_710)));
    }

    #[test]
    fn what_is_sent_again_and_cleared_before_it_plays_takes_nothing_back() {
        let mut clock = PlaybackClock::default();
        clock.sent(&item("a"), 0, 8_000, ms(0));
        clock.cleared(ms(500));
        clock.sent(&item("a"), 3_200, 800, ms(600));
        let cut = clock.cleared(ms(610));
        assert_eq!(cut[0].heard_ms(), 500);
        assert_eq!(cut[0].sent_bytes, 8_000);
        assert_eq!(clock.heard(&item("a"), ms(5_000)).unwrap().heard_ms(), 500);
    }

    #[test]
    fn a_gap_between_two_items_is_not_counted_as_heard() {
        let mut clock = PlaybackClock::default();
        clock.sent(&item("a"), 0, 800, ms(0));
        clock.sent(&item("b"), 0, 800, ms(1_000));
        assert_eq!(clock.heard(&item("b"), ms(1_050)).unwrap().heard_ms(), 50);
    }
}
