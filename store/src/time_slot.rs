//! A time that can be booked, and what may be booked at all.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use serde::Serialize;

/// Longest appointment, in minutes. Ours: a day.
pub const MAX_MINUTES: u32 = 1_440;
/// How far ahead a time may be booked, in days. As the clinic's system had it.
pub const MAX_DAYS_AHEAD: i64 = 90;

/// From when until when. Whole seconds; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TimeSlot {
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
}

/// Why a time cannot be booked, whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTimeSlot {
    /// Fractions of a second.
    #[error("the start must be a whole second")]
    NotWhole,
    /// No minutes, or too many.
    #[error("minutes must be between 1 and {MAX_MINUTES}")]
    Minutes,
    /// It has begun.
    #[error("the time is in the past")]
    Past,
    /// Too far ahead.
    #[error("the time is more than {MAX_DAYS_AHEAD} days ahead")]
    TooFar,
}

impl TimeSlot {
    /// A time of so many minutes.
    ///
    /// # Errors
    /// When there is no such time.
    pub fn new(starts_at: DateTime<Utc>, minutes: u32) -> Result<Self, BadTimeSlot> {
        if starts_at.nanosecond() != 0 {
            return Err(BadTimeSlot::NotWhole);
        }
        if !(1..=MAX_MINUTES).contains(&minutes) {
            return Err(BadTimeSlot::Minutes);
        }
        let length = TimeDelta::minutes(i64::from(minutes));
        let ends_at = starts_at.checked_add_signed(length).ok_or(BadTimeSlot::TooFar)?;
        Ok(Self { starts_at, ends_at })
    }

    /// Whether it may still be booked.
    ///
    /// # Errors
    /// When it is in the past or too far ahead.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), BadTimeSlot> {
        if self.starts_at < now {
            Err(BadTimeSlot::Past)
        } else if self.starts_at - now > TimeDelta::days(MAX_DAYS_AHEAD) {
            Err(BadTimeSlot::TooFar)
        } else {
            Ok(())
        }
    }

    /// As the database has it.
    pub(crate) const fn stored(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>) -> Self {
        Self { starts_at, ends_at }
    }

    /// When it begins.
    #[must_use]
    pub const fn starts_at(&self) -> DateTime<Utc> {
        self.starts_at
    }

    /// When it is over.
    #[must_use]
    pub const fn ends_at(&self) -> DateTime<Utc> {
        self.ends_at
    }

    /// How long it is.
    #[must_use]
    pub fn minutes(&self) -> u32 {
        u32::try_from((self.ends_at - self.starts_at).num_minutes()).unwrap_or(0)
    }
}

/// What is left of a time when others are taken out of it. `taken` may come in any
/// order and reach beyond it.
pub(crate) fn gaps(
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    taken: impl IntoIterator<Item = TimeSlot>,
) -> Vec<TimeSlot> {
    let mut taken: Vec<TimeSlot> = taken.into_iter().collect();
    taken.sort_unstable();
    let (mut free, mut at) = (Vec::new(), from);
    for slot in taken {
        if at < slot.starts_at.min(to) {
            free.push(TimeSlot::stored(at, slot.starts_at.min(to)));
        }
        at = at.max(slot.ends_at);
    }
    if at < to {
        free.push(TimeSlot::stored(at, to));
    }
    free
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn slot(from: i64, to: i64) -> TimeSlot {
        TimeSlot::stored(at(from), at(to))
    }

    #[test]
    fn what_cannot_be_booked_is_refused_with_a_reason() {
        assert_eq!(TimeSlot::new(at(0), 0), Err(BadTimeSlot::Minutes));
        assert_eq!(TimeSlot::new(at(0), 1_441), Err(BadTimeSlot::Minutes));
        assert_eq!(
            TimeSlot::new(at(0) + TimeDelta::milliseconds(1), 30),
            Err(BadTimeSlot::NotWhole)
        );
        assert_eq!(
            TimeSlot::new(DateTime::<Utc>::MAX_UTC.with_nanosecond(0).unwrap(), 30),
            Err(BadTimeSlot::TooFar)
        );
        let slot = TimeSlot::new(at(0), 30).unwrap();
        assert_eq!((slot.ends_at(), slot.minutes()), (at(30), 30));
        assert_eq!(slot.check(at(0)), Ok(()));
        assert_eq!(slot.check(at(1)), Err(BadTimeSlot::Past));
        assert_eq!(slot.check(at(0) - TimeDelta::days(90)), Ok(()));
        assert_eq!(slot.check(at(-1) - TimeDelta::days(90)), Err(BadTimeSlot::TooFar));
    }

    #[test]
    fn what_is_free_is_what_is_left() {
        assert_eq!(gaps(at(0), at(60), []), [slot(0, 60)]);
        assert_eq!(
            gaps(at(0), at(60), [slot(30, 40), slot(10, 20)]),
            [slot(0, 10), slot(20, 30), slot(40, 60)]
        );
        // Side by side, one in the other, and reaching beyond the ends.
        assert_eq!(
            gaps(at(0), at(60), [slot(-5, 5), slot(5, 30), slot(10, 20), slot(50, 70)]),
            [slot(30, 50)]
        );
        assert_eq!(gaps(at(0), at(60), [slot(-5, 70)]), []);
        assert_eq!(gaps(at(0), at(60), [slot(70, 80)]), [slot(0, 60)]);
    }
}
