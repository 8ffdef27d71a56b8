//! Which frames came back, which did not, and in which order.

use std::collections::BTreeSet;

use serde::Serialize;

/// Most missing frames of one stream that are remembered by number; further ones
/// count as lost even if they should still come.
const MAX_MISSING: usize = 10_000;

/// What became of a stream's stamped frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EchoCounts {
    /// Frames sent with a stamp.
    pub stamped: u64,
    /// Of them, those sent before the first one that came back: the model was
    /// not listening yet.
    pub early: u64,
    /// Frames that came back.
    pub returned: u64,
    /// Frames that did not, from the first one that did.
    pub lost: u64,
    /// Frames that came back more than once.
    pub duplicated: u64,
    /// Frames that came back after a later one.
    pub reordered: u64,
}

/// Follows one stream.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The next frame to be sent.
    next: u32,
    first: Option<u32>,
    /// The frame after the latest that came back.
    expected: u32,
    missing: BTreeSet<u32>,
    given_up: u64,
    returned: u64,
    duplicated: u64,
    reordered: u64,
}

impl Order {
    /// The number of the frame that is sent now.
    pub(super) fn send(&mut self) -> u32 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }

    /// A frame came back; answers whether it came for the first time.
    pub(super) fn take(&mut self, number: u32) -> bool {
        if number >= self.next {
            return false;
        }
        if self.first.is_none() {
            self.first = Some(number);
            self.expected = number;
        }
        if number >= self.expected {
            for missing in self.expected..number {
                if self.missing.len() < MAX_MISSING {
                    self.missing.insert(missing);
                } else {
                    self.given_up += 1;
                }
            }
            self.expected = number + 1;
        } else if self.missing.remove(&number) {
            self.reordered += 1;
        } else {
            self.duplicated += 1;
            return false;
        }
        self.returned += 1;
        true
    }

    /// Whether anything came back.
    pub(super) fn has_begun(&self) -> bool {
        self.first.is_some()
    }

    pub(super) fn counts(&self) -> EchoCounts {
        let never_came = if self.first.is_some() {
            self.missing.len() as u64 + self.given_up + u64::from(self.next - self.expected)
        } else {
            0
        };
        EchoCounts {
            stamped: self.next.into(),
            early: self.first.unwrap_or(self.next).into(),
            returned: self.returned,
            lost: never_came,
            duplicated: self.duplicated,
            reordered: self.reordered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(sent: u32, back: &[u32]) -> EchoCounts {
        let mut order = Order::default();
        for _ in 0..sent {
            order.send();
        }
        for number in back {
            order.take(*number);
        }
        order.counts()
    }

    #[test]
    fn losses_count_from_the_first_frame_that_came_back() {
        let counts = after(10, &[3, 4, 6, 8, 6, 5]);
        let expected =
            EchoCounts { stamped: 10, early: 3, returned: 5, lost: 2, duplicated: 1, reordered: 1 };
        assert_eq!(counts, expected);
        assert_eq!(after(10, &[]).lost, 0);
        assert_eq!(after(3, &[7]).returned, 0);
    }

    proptest! {
        #[test]
        fn every_frame_is_early_returned_or_lost(sent in 0u32..60, back in proptest::collection::vec(0u32..70, 0..100)) {
            let counts = after(sent, &back);
            let early_late = counts.early + counts.returned + counts.lost;
            prop_assert_eq!(early_late, u64::from(sent));
        }
    }
}
