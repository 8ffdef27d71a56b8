//! How loud what we play is, at the time at which it plays: a ring of 10 ms slots
//! that begins some seconds ago and ends where the audio sent so far ends.

use super::power::{level_dbfs, sum_of_squares};
use crate::audio::level::FLOOR_DBFS;
use crate::time::Micros;
use crate::turn::playback::{mulaw_bytes, mulaw_time};

/// Length of a slot.
pub(super) const SLOT: Micros = Micros::from_millis(10);

/// Samples in a slot.
pub(super) const SLOT_SAMPLES: usize = 80;

/// Slots that are kept: 5.12 s. About a second of them is ahead of the caller's
/// ear, half a second behind it is looked at.
const SLOTS: usize = 512;

/// Audio that plays further ahead than this is not noted: it would overwrite
/// what plays now.
const AHEAD: u64 = 400;

/// What is louder than this is worth listening for.
const LOUD_DBFS: f32 = -45.0;

#[derive(Clone, Copy, Debug)]
struct Slot {
    sum: u64,
    level_dbfs: f32,
}

const SILENT: Slot = Slot { sum: 0, level_dbfs: FLOOR_DBFS };

/// The number of the slot in which a time is.
pub(super) const fn slot_of(at: Micros) -> u64 {
    at.0 / SLOT.0
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Envelope {
    slots: [Slot; SLOTS],
    /// One past the newest slot that was written.
    end: u64,
    /// One past the newest slot that is loud.
    loud_end: u64,
}

impl Envelope {
    pub(super) const fn new() -> Self {
        Self { slots: [SILENT; SLOTS], end: 0, loud_end: 0 }
    }

    /// Notes audio that begins to play at `plays_at`, where it is `now`.
    pub(super) fn add(&mut self, mulaw: &[u8], plays_at: Micros, now: Micros) {
        let last = slot_of(now).saturating_add(AHEAD);
        let (mut rest, mut at) = (mulaw, plays_at);
        while !rest.is_empty() && slot_of(at) <= last {
            let slot = slot_of(at);
            let until = Micros(slot.saturating_add(1).saturating_mul(SLOT.0));
            let room = usize::try_from(mulaw_bytes(until.since(at))).unwrap_or(1).max(1);
            let (piece, left) = rest.split_at(room.min(rest.len()));
            self.add_to(slot, sum_of_squares(piece));
            at = at + mulaw_time(piece.len() as u64);
            rest = left;
        }
    }

    /// What was to play from `at` on will not.
    pub(super) fn cut(&mut self, at: Micros) {
        let from = slot_of(at);
        self.end = self.end.min(from);
        self.loud_end = self.loud_end.min(from);
    }

    /// The level of a slot, in dB below full scale.
    pub(super) fn level_dbfs(&self, slot: u64) -> f32 {
        if slot >= self.end || slot + SLOTS as u64 <= self.end {
            return FLOOR_DBFS;
        }
        self.slots.get(index(slot)).map_or(FLOOR_DBFS, |s| s.level_dbfs)
    }

    /// Levels of the `N` slots that end with `newest`, newest first.
    pub(super) fn back_from<const N: usize>(&self, newest: u64) -> [f32; N] {
        let mut levels = [FLOOR_DBFS; N];
        for (level, back) in levels.iter_mut().zip(0..) {
            *level = newest.checked_sub(back).map_or(FLOOR_DBFS, |slot| self.level_dbfs(slot));
        }
        levels
    }

    /// Whether anything loud has played within `slots` before `slot`. What is
    /// still to play after it counts too, which does no harm.
    pub(super) fn was_loud_within(&self, slots: u64, slot: u64) -> bool {
        self.loud_end + slots > slot
    }

    fn add_to(&mut self, slot: u64, sum: u64) {
        // Slots that were passed over were silent; more than all need not be.
        for skipped in self.end.max(slot.saturating_sub(SLOTS as u64))..=slot {
            if let Some(silent) = self.slots.get_mut(index(skipped)) {
                *silent = SILENT;
            }
        }
        self.end = self.end.max(slot + 1);
        if let Some(here) =
            self.slots.get_mut(index(slot)).filter(|_| slot + SLOTS as u64 > self.end)
        {
            here.sum = here.sum.saturating_add(sum);
            here.level_dbfs = level_dbfs(here.sum, SLOT_SAMPLES);
            if here.level_dbfs > LOUD_DBFS {
                self.loud_end = self.loud_end.max(slot + 1);
            }
        }
    }
}

fn index(slot: u64) -> usize {
    usize::try_from(slot % SLOTS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: [u8; 160] = [0x90; 160];

    fn near(a: f32, b: f32) -> bool {
        (a - b).abs() < 0.2
    }

    #[test]
    fn audio_is_where_it_plays_however_it_was_cut() {
        let (mut whole, mut cut) = (Envelope::new(), Envelope::new());
        let start = Micros::from_millis(1_005);
        whole.add(&LOUD, start, Micros::from_millis(900));
        for (n, piece) in LOUD.chunks(7).enumerate() {
            let at = start + mulaw_time(7 * n as u64);
            cut.add(piece, at, Micros::from_millis(900));
        }
        let full = level_dbfs(sum_of_squares(&LOUD), 160);
        for (slot, expected) in
            [(99, -96.0), (100, full - 3.0), (101, full), (102, full - 3.0), (103, -96.0)]
        {
            assert!(near(whole.level_dbfs(slot), expected), "{slot}: {}", whole.level_dbfs(slot));
            assert!((whole.level_dbfs(slot) - cut.level_dbfs(slot)).abs() < 1.0, "{slot}");
        }
    }

    #[test]
    fn what_was_cleared_does_not_play_and_gaps_are_silent() {
        let mut envelope = Envelope::new();
        for ms in [0, 20, 40, 6_000, 6_020] {
            envelope.add(&LOUD, Micros::from_millis(ms), Micros::from_millis(5_900));
        }
        assert!(near(envelope.level_dbfs(0), -96.0), "older than the ring");
        assert!(near(envelope.level_dbfs(300), -96.0));
        assert!(!near(envelope.level_dbfs(603), -96.0));
        envelope.cut(Micros::from_millis(6_020));
        assert!(near(envelope.level_dbfs(602), -96.0));
        assert!(!near(envelope.level_dbfs(601), -96.0));
        assert!(envelope.was_loud_within(60, 650) && !envelope.was_loud_within(60, 670));
    }

    #[test]
    fn times_out_of_all_bounds_do_no_harm() {
        let mut envelope = Envelope::new();
        envelope.add(&LOUD, Micros::MAX, Micros::ZERO);
        envelope.add(&LOUD, Micros::from_secs(3_600), Micros::ZERO);
        assert!(near(envelope.level_dbfs(slot_of(Micros::from_secs(3_600))), -96.0));
        envelope.add(&LOUD, Micros::MAX, Micros::MAX);
        envelope.add(&LOUD, Micros::ZERO, Micros::MAX);
    }
}
