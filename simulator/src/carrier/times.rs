//! Times of many calls, as a histogram.

use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};

/// Times as a histogram with three digits of precision; in milliseconds, unless
/// the name of what holds it says microseconds.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "three digits are within the library's 0 to 5")]
        Self(Histogram::new(3).expect("a histogram of three digits"))
    }
}

impl Times {
    pub(super) fn record(&mut self, time: u64) {
        // Unlike its saturating sister, this one lets the histogram grow.
        if let Err(error) = self.0.record(time) {
            tracing::error!(%error, time, "a time could not be recorded");
        }
    }

    pub(super) fn record_if(&mut self, time: Option<u64>) {
        if let Some(time) = time {
            self.record(time);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        if let Err(error) = self.0.add(&other.0) {
            // Both grow by themselves, so there is nothing that does not fit.
            tracing::error!(%error, "times could not be added up");
        }
    }

    /// How many were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that `percent` of the recorded ones do not exceed; 0 when none
    /// were recorded.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> u64 {
        self.0.value_at_quantile(percent / 100.0)
    }

    /// How many fell where: bands that each reach half as far again as the one
    /// before, from `first` up, without the empty ones at either end.
    #[must_use]
    pub fn bands(&self, first: u64) -> Vec<Band> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let bands = self.0.iter_log(first.max(1), 1.5).map(|step| Band {
            up_to: step.value_iterated_to(),
            count: step.count_since_last_iteration(),
        });
        bands.skip_while(|band| band.count == 0).collect()
    }

    /// [`Times::percentile`], where the times are milliseconds.
    #[must_use]
    pub fn percentile_ms(&self, percent: f64) -> u64 {
        self.percentile(percent)
    }
}

/// Times within a part of their range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Band {
    /// The longest of them at most, in the unit of the times.
    pub up_to: u64,
    /// How many there are, above the band before.
    pub count: u64,
}

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Percentiles {
            count: u64,
            p50: u64,
            p90: u64,
            p95: u64,
            p99: u64,
            p999: u64,
            max: u64,
        }
        let at = |percent| self.percentile(percent);
        let percentiles = Percentiles {
            count: self.count(),
            p50: at(50.0),
            p90: at(90.0),
            p95: at(95.0),
            p99: at(99.0),
            p999: at(99.9),
            max: at(100.0),
        };
        percentiles.serialize(serializer)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn long_times_are_kept_as_they_are() {
        let mut times = Times::default();
        for ms in [1, 30, 5_000, 90_000_000] {
            times.record(ms);
        }
        let near = |percent, ms: u64| times.percentile(percent).abs_diff(ms) * 1_000 <= ms;
        assert!(near(75.0, 5_000) && near(100.0, 90_000_000), "{times:?}");
        let mut sum = Times::default();
        sum.add(&times);
        assert_eq!(sum.count(), 4);
        assert_eq!(sum.percentile(100.0), times.percentile(100.0));
    }

    #[test]
    fn every_time_is_in_one_band_and_no_band_at_the_ends_is_empty() {
        let mut times = Times::default();
        for us in [900, 1_000, 1_001, 40_000] {
            times.record(us);
        }
        let bands = times.bands(100);
        assert_eq!(bands.iter().map(|band| band.count).sum::<u64>(), 4);
        assert!(bands.windows(2).all(|pair| pair[0].up_to < pair[1].up_to), "{bands:?}");
        assert!(bands[0].count > 0 && bands[bands.len() - 1].count > 0, "{bands:?}");
        assert!(Times::default().bands(100).is_empty());
    }
}
