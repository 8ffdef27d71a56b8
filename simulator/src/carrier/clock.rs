//! The call's clock, and how far behind it the simulator itself has been.

use serde::Serialize;
use tokio::time::{Duration, Instant};
use trunkline_core::time::Micros;

/// Length of one media frame.
pub const FRAME: Duration = Duration::from_millis(20);

/// Counts time from the moment a call began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    pub(super) fn now(self) -> Micros {
        Micros::from(self.origin.elapsed())
    }

    /// Milliseconds since the call began.
    pub(super) fn ms(self) -> u64 {
        self.now().as_millis()
    }
}

/// An absolute schedule: tick `n` is due at `start + n × 20 ms`, whatever
/// happened to the ticks before it, so that lateness never adds up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    start: Instant,
    ticks: u32,
}

impl Schedule {
    pub(super) fn starting(start: Instant) -> Self {
        Self { start, ticks: 0 }
    }

    /// When the next tick is due.
    pub(super) fn due(self) -> Instant {
        self.start + FRAME * self.ticks
    }

    /// Takes the tick that is due: its scheduled moment, and how late `now` is.
    pub(super) fn take(&mut self, now: Instant) -> (Instant, Duration) {
        let due = self.due();
        self.ticks = self.ticks.saturating_add(1);
        (due, now.saturating_duration_since(due))
    }
}

/// How late the simulator sent its frames, as counts per band. A load report
/// whose own clock was late says little about the server it measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lateness {
    /// Frames less than 2 ms late.
    pub under_2_ms: u64,
    /// Frames 2 ms to less than 5 ms late.
    pub under_5_ms: u64,
    /// Frames 5 ms to less than 10 ms late.
    pub under_10_ms: u64,
    /// Frames 10 ms to less than 20 ms late.
    pub under_20_ms: u64,
    /// Frames at least a whole frame late.
    pub over_20_ms: u64,
    /// The latest of all, in microseconds.
    pub max_us: u64,
}

impl Lateness {
    pub(super) fn record(&mut self, late: Duration) {
        let us = Micros::from(late).0;
        self.max_us = self.max_us.max(us);
        let band = match us {
            0..2_000 => &mut self.under_2_ms,
            2_000..5_000 => &mut self.under_5_ms,
            5_000..10_000 => &mut self.under_10_ms,
            10_000..20_000 => &mut self.under_20_ms,
            20_000.. => &mut self.over_20_ms,
        };
        *band += 1;
    }

    /// Frames that were counted.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.under_2_ms + self.under_5_ms + self.under_10_ms + self.under_20_ms + self.over_20_ms
    }

    /// Why a run as late as this says more about the simulator than about the
    /// server: more than one frame in a hundred left 10 ms late or later. `None`
    /// for a run that was in time, or too short to tell.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let late = self.under_20_ms + self.over_20_ms;
        let frames = self.frames();
        (frames >= 1_000 && late * 100 > frames).then(|| {
            let percent = late.saturating_mul(100) / frames;
            format!("{percent} % of the simulator's own frames were 10 ms late or later")
        })
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.under_2_ms += other.under_2_ms;
        self.under_5_ms += other.under_5_ms;
        self.under_10_ms += other.under_10_ms;
        self.under_20_ms += other.under_20_ms;
        self.over_20_ms += other.over_20_ms;
        self.max_us = self.max_us.max(other.max_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_tick_does_not_move_the_ones_after_it() {
        let start = Instant::now();
        let mut schedule = Schedule::starting(start);
        let (_, late) = schedule.take(start + Duration::from_millis(7));
        assert_eq!(late, Duration::from_millis(7));
        for _ in 1..500 {
            schedule.take(schedule.due() + Duration::from_millis(3));
        }
        assert_eq!(schedule.due(), start + Duration::from_secs(10));
    }

    #[test]
    fn lateness_falls_into_its_band() {
        let mut lateness = Lateness::default();
        for ms in [0, 1, 3, 7, 12, 25] {
            lateness.record(Duration::from_millis(ms));
        }
        assert_eq!(
            lateness,
            Lateness {
                under_2_ms: 2,
                under_5_ms: 1,
                under_10_ms: 1,
                under_20_ms: 1,
                over_20_ms: 1,
                max_us: 25_000
            }
        );
    }

    #[test]
    fn a_run_is_complained_about_when_one_frame_in_a_hundred_is_late() {
        let late =
            |late, of| Lateness { under_2_ms: of - late, under_20_ms: late, ..Lateness::default() };
        assert_eq!(late(10, 1_000).complaint(), None);
        assert!(late(11, 1_000).complaint().is_some_and(|why| why.starts_with("1 %")));
        assert_eq!(late(500, 999).complaint(), None, "too short to tell");
    }
}
