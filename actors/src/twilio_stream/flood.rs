//! Too many messages.
//!
//! The carrier sends fifty a second, and one for each mark that was played; after
//! a hole in the network, all that was held up at once. A peer that sends many
//! times that, be it pings, would have the thread to itself that other calls
//! share. Before its `start` it has next to nothing to say.

use std::time::{Duration, Instant};

/// Messages before the stream's `start`: the carrier sends one.
const BEFORE_START: u32 = 32;
/// The clock is looked at once in so many messages: it costs more than the rest.
const BATCH: u32 = 1_000;
/// Less than this for a batch is too fast: five hundred a second, ten times what a
/// call has.
const FASTEST: Duration = Duration::from_secs(2);
/// What was held up comes as fast as it can: ten seconds of it, after which the
/// stream would have been given up, with as many marks is one batch.
const FAST_BATCHES: u32 = 2;

/// Counts a stream's messages.
#[derive(Debug)]
pub(super) struct Flood {
    counted: u32,
    began: Instant,
    fast: u32,
}

impl Flood {
    pub(super) fn new() -> Self {
        Self { counted: 0, began: Instant::now(), fast: 0 }
    }

    /// One more message has come, before the stream's `start` or after it; answers
    /// whether they are too many.
    pub(super) fn is_flood(&mut self, started: bool) -> bool {
        self.counted += 1;
        if !started {
            return self.counted > BEFORE_START;
        }
        self.counted >= BATCH && self.batch_is_one_too_many(Instant::now())
    }

    fn batch_is_one_too_many(&mut self, now: Instant) -> bool {
        let is_fast = now.duration_since(self.began) < FASTEST;
        self.fast = if is_fast { self.fast + 1 } else { 0 };
        self.counted = 0;
        self.began = now;
        self.fast >= FAST_BATCHES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_has_not_started_has_little_to_say() {
        let mut flood = Flood::new();
        assert!((0..BEFORE_START).all(|_| !flood.is_flood(false)));
        assert!(flood.is_flood(false));
    }

    #[test]
    fn what_was_held_up_may_come_at_once_but_not_go_on() {
        let mut flood = Flood::new();
        assert!((0..2 * BATCH - 1).all(|_| !flood.is_flood(true)));
        assert!(flood.is_flood(true), "a second batch as fast as the first");
    }

    #[test]
    fn a_call_may_last_for_hours() {
        let mut flood = Flood::new();
        let mut now = Instant::now();
        for _ in 0..10_000 {
            // A hundred messages a second, and now and then a batch at once.
            now += Duration::from_secs(10);
            assert!(!flood.batch_is_one_too_many(now));
            assert!(!flood.batch_is_one_too_many(now));
        }
    }
}
