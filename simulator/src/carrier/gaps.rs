//! How long it took from one media message to the next.

use trunkline_core::time::Micros;

/// Longest gap that is told apart, in milliseconds; those above count as this.
const MOST_MS: usize = 10_000;

/// Gaps between the media messages of one stream, to the millisecond. They say
/// something of a server where its agent never pauses, as an echo does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// How many there were of each length.
    counts: Vec<u64>,
}

impl Gaps {
    pub(super) fn record(&mut self, gap: Micros) {
        let ms = usize::try_from(gap.as_millis()).map_or(MOST_MS, |ms| ms.min(MOST_MS));
        if self.counts.len() <= ms {
            self.counts.resize(ms + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(ms) {
            *count += 1;
        }
    }

    /// Adds those of another stream.
    pub fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (own, more) in self.counts.iter_mut().zip(&other.counts) {
            *own += more;
        }
    }

    /// How many gaps there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The gap, in milliseconds, that so many of a thousand do not exceed; 0 where
    /// there was none.
    #[must_use]
    pub fn per_mille_ms(&self, per_mille: u64) -> u64 {
        let wanted = (self.count() * per_mille).div_ceil(1_000);
        let mut seen = 0;
        for (ms, count) in (0..).zip(&self.counts) {
            seen += count;
            if seen >= wanted {
                return ms;
            }
        }
        0
    }

    /// The longest, in milliseconds.
    #[must_use]
    pub fn max_ms(&self) -> u64 {
        self.per_mille_ms(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_to_the_millisecond() {
        let mut gaps = Gaps::default();
        assert_eq!(gaps.max_ms(), 0);
        for _ in 0..990 {
            gaps.record(Micros::from_millis(20));
        }
        let mut late = Gaps::default();
        for _ in 0..10 {
            late.record(Micros::from_millis(90));
        }
        gaps.add(&late);
        assert_eq!(gaps.count(), 1_000);
        assert_eq!((gaps.per_mille_ms(990), gaps.per_mille_ms(991)), (20, 90));
        late.record(Micros::from_millis(60_000));
        assert_eq!(late.max_ms(), 10_000);
    }
}
