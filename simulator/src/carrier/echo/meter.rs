//! What all echo callers of a load measure together.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::super::clock::Lateness;
use super::super::times::Times;

/// What was measured since the last look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interval {
    /// From a frame's sending to its return, in microseconds.
    pub(crate) round_trip_us: Times,
    /// How late the callers' own ticks were.
    pub(crate) lateness: Lateness,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Meter {
    origin: Instant,
    interval: RefCell<Interval>,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { origin: Instant::now(), interval: RefCell::default() }
    }

    /// Microseconds since the load began.
    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn round_trip(&self, us: u64) {
        self.interval.borrow_mut().round_trip_us.record(us);
    }

    pub(super) fn late(&self, late: Duration) {
        self.interval.borrow_mut().lateness.record(late);
    }

    /// Takes what was measured since the last time.
    pub(crate) fn take(&self) -> Interval {
        self.interval.take()
    }
}
