//! Whether the server's memory grows with the calls that it has had.

use serde::Serialize;

use super::sampler::Sample;

/// Fewest samples that tell anything: as many seconds.
const MIN_SAMPLES: usize = 5;

/// Fewest calls that end between the first and the last of them.
const MIN_CALLS: u32 = 100;

/// Most growth that passes for none, in KiB per 1,000 calls. A server may keep
/// some hundred bytes of a call for a while, to recognise it again; a buffer, task
/// or socket that outlives its call is more.
const FLAT_KIB: f64 = 400.0;

/// How the server's memory changed in the second half of a run of calls that come
/// and go. What the first calls needed stays for those after them, and is left
/// out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Growth {
    /// Calls that ended in that half.
    pub calls: u32,
    /// The slope, in KiB per 1,000 calls that ended.
    pub kib_per_1000_calls: f64,
    /// Whether that is as good as nothing: 400 KiB or less.
    pub flat: bool,
}

impl Growth {
    /// The growth over these samples; `None` when too few calls came and went, or
    /// the server's memory is not known.
    pub(super) fn of(samples: &[Sample]) -> Option<Self> {
        let all = samples.last()?.over;
        let known = samples.iter().filter(|sample| sample.server_rss_kib > 0);
        let points: Vec<_> = known
            .filter(|sample| sample.over >= all / 2 && sample.live > 0)
            .map(|sample| (sample.over, sample.server_rss_kib))
            .collect();
        let calls = points.last()?.0 - points.first()?.0;
        if points.len() < MIN_SAMPLES || calls < MIN_CALLS {
            return None;
        }
        let kib_per_1000_calls = slope(&points)? * 1_000.0;
        Some(Self { calls, kib_per_1000_calls, flat: kib_per_1000_calls <= FLAT_KIB })
    }
}

/// The straight line through these points by least squares: how steep it is.
fn slope(points: &[(u32, u64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| f64::from(*x)).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| *y as f64).sum::<f64>() / count;
    let (mut both, mut square) = (0.0, 0.0);
    for (x, y) in points {
        let (dx, dy) = (f64::from(*x) - mean_x, *y as f64 - mean_y);
        both += dx * dy;
        square += dx * dx;
    }
    (square > 0.0).then_some(both / square)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    /// One hundred calls end every second; memory is what `rss_kib` says of them.
    fn run(seconds: u32, rss_kib: impl Fn(u32) -> u64) -> Vec<Sample> {
        let second = |n: u32| Sample {
            over: n * 100,
            live: 20,
            server_rss_kib: rss_kib(n * 100),
            ..Sample::default()
        };
        (0..seconds).map(second).collect()
    }

    #[test]
    fn what_the_first_calls_took_is_no_growth_and_a_leak_is() {
        let settled = run(40, |over| 50_000 + u64::from(over.min(1_000)) * 10);
        let growth = Growth::of(&settled).unwrap();
        assert!(growth.flat && growth.kib_per_1000_calls.abs() < 1.0, "{growth:?}");
        assert!((1_900..=2_000).contains(&growth.calls), "{growth:?}");

        let leaking = Growth::of(&run(40, |over| 50_000 + u64::from(over) * 2)).unwrap();
        assert!(!leaking.flat && (leaking.kib_per_1000_calls - 2_000.0).abs() < 1.0);
    }

    #[test]
    fn calls_that_all_stay_and_unknown_memory_tell_nothing() {
        let mut staying = run(40, |_| 50_000);
        staying.iter_mut().for_each(|sample| sample.over = 0);
        assert_eq!(Growth::of(&staying), None);
        assert_eq!(Growth::of(&run(40, |_| 0)), None);
        assert_eq!(Growth::of(&run(6, |_| 1)), None, "too short");
        assert_eq!(Growth::of(&[]), None);
    }
}
