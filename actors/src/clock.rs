//! A call's clock: the core's microseconds on one side, wall time on the other.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_core::time::Micros;

/// Counts from the start of one call. Wall time is read once, so that a clock
/// that is set in mid-call neither stretches the call nor reorders its events.
#[derive(Clone, Copy, Debug)]
pub struct CallClock {
    origin: Instant,
    started_at: DateTime<Utc>,
}

impl CallClock {
    /// A clock that starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now(), started_at: Utc::now() }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Micros {
        Micros::from(self.origin.elapsed())
    }

    /// The wall time of a point of the call.
    #[must_use]
    pub fn wall(&self, at: Micros) -> DateTime<Utc> {
        let offset = i64::try_from(at.0).map_or(TimeDelta::MAX, TimeDelta::microseconds);
        self.started_at.checked_add_signed(offset).unwrap_or(self.started_at)
    }

    /// The instant of a point of the call, for timers.
    #[must_use]
    pub fn instant(&self, at: Micros) -> Instant {
        self.origin.checked_add(at.into()).unwrap_or(self.origin)
    }

    /// The wall time at the start.
    #[must_use]
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }
}
