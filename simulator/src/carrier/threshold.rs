//! The limits that a load run is held to.

use std::fmt;
use std::str::FromStr;

use super::summary::LoadReport;
use super::times::Times;

/// A limit on something measured: `max_setup_ms=500`. What is measured must not
/// exceed it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    measure: &'static Measure,
    limit: f64,
}

/// Something that a limit can be set on.
#[derive(Debug)]
struct Measure {
    name: &'static str,
    /// For the command line's help.
    meaning: &'static str,
    /// `None` where a run has nothing of it.
    of: fn(&LoadReport) -> Option<f64>,
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn measure(
    name: &'static str,
    meaning: &'static str,
    of: fn(&LoadReport) -> Option<f64>,
) -> Measure {
    Measure { name, meaning, of }
}

const FAILED: Measure =
    measure("max_failed", "calls that failed; 0 unless it is given", |r| Some(r.failed as f64));

/// Every name there is.
static MEASURES: [Measure; 24] = [
    FAILED,
    measure("max_setup_ms", "set-up, 95th percentile", |r| at(&r.setup_ms, 95.0)),
    measure("setup_p99_ms", "set-up, 99th percentile", |r| at(&r.setup_ms, 99.0)),
    measure("max_first_audio_ms", "first audio heard, 95th percentile", |r| {
        at(&r.first_audio_ms, 95.0)
    }),
    measure("first_audio_p99_ms", "first audio heard, 99th percentile", |r| {
        at(&r.first_audio_ms, 99.0)
    }),
    measure("first_media_p99_ms", "first media message, 99th percentile", |r| {
        at_us(&r.first_media_us, 99.0)
    }),
    measure("reply_p50_ms", "end of speech to the answer's first audio, median", |r| {
        at_us(&r.reply_us, 50.0)
    }),
    measure("reply_p95_ms", "the same, 95th percentile", |r| at_us(&r.reply_us, 95.0)),
    measure("reply_p99_ms", "the same, 99th percentile", |r| at_us(&r.reply_us, 99.0)),
    measure("max_interruption_ms", "interruption to clear, 95th percentile", |r| {
        at(&r.interruption_ms, 95.0)
    }),
    measure("interruption_p99_ms", "interruption to clear, 99th percentile", |r| {
        at(&r.interruption_ms, 99.0)
    }),
    measure("p50_round_trip_ms", "round trip of echoed frames, median", |r| round_trip(r, 50.0)),
    measure("p99_round_trip_ms", "the same, 99th percentile", |r| round_trip(r, 99.0)),
    measure("p999_round_trip_ms", "the same, 99.9th percentile", |r| round_trip(r, 99.9)),
    measure("lost_frames", "echoed frames lost, and frames that the server did not read", |r| {
        Some((r.echo.counts.lost + r.frames_discarded) as f64)
    }),
    measure("duplicated_frames", "echoed frames that came back twice", |r| {
        Some(r.echo.counts.duplicated as f64)
    }),
    measure("max_lost", "frames that the server did not read", |r| Some(r.frames_discarded as f64)),
    measure("max_underruns", "times that audio broke off within an utterance", |r| {
        Some(r.underruns as f64)
    }),
    measure("max_stale", "frames heard of what had been cleared", |r| Some(r.stale_frames as f64)),
    measure("max_invalid", "messages that the carrier would not understand", |r| {
        Some(r.invalid_commands as f64)
    }),
    measure("cpu_ms_per_call_second", "the server's CPU; needs --server-pid", |r| {
        Some(r.server?.cpu_ms_per_call_second)
    }),
    measure("cpu_ms_per_call", "the same of the whole run, over its calls", |r| {
        Some(r.server?.cpu_ms_per_call)
    }),
    measure("memory_kib_per_call", "the server's memory; needs --server-pid", |r| {
        Some(r.server?.rss_per_call_kib)
    }),
    measure("memory_kib_per_1000_calls", "its growth while calls come and go", |r| {
        // Less memory than before is no measure below zero.
        Some(r.growth?.kib_per_1000_calls.max(0.0))
    }),
];

fn at(times: &Times, percent: f64) -> Option<f64> {
    (times.count() > 0).then(|| times.percentile(percent) as f64)
}

fn at_us(times: &Times, percent: f64) -> Option<f64> {
    at(times, percent).map(|us| us / 1_000.0)
}

fn round_trip(report: &LoadReport, percent: f64) -> Option<f64> {
    at_us(&report.echo.round_trip_us, percent)
}

/// The names of all measures, and what each is.
pub(super) fn measures() -> impl Iterator<Item = (&'static str, &'static str)> {
    MEASURES.iter().map(|measure| (measure.name, measure.meaning))
}

fn names() -> String {
    measures().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

/// Which limits a run broke. Without a limit on failed calls, none may fail.
pub(super) fn broken(report: &LoadReport, thresholds: &[Threshold]) -> Vec<String> {
    let none_fail = Threshold { measure: &FAILED, limit: 0.0 };
    let names_failed = thresholds.iter().any(|t| *t.measure == FAILED);
    let implied = if names_failed { None } else { Some(&none_fail) };
    let broken = thresholds.iter().chain(implied).filter_map(|threshold| {
        let Some(value) = (threshold.measure.of)(report) else {
            return Some(format!("{threshold}, but nothing of it was measured"));
        };
        let rounded = (value * 1_000.0).round() / 1_000.0;
        (value > threshold.limit).then(|| format!("{threshold}, but it is {rounded}"))
    });
    broken.collect()
}

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// No `=`, or no number of 0 or more behind it.
    #[error("{0:?} is no NAME=NUMBER")]
    Form(String),
    /// A name that is not measured.
    #[error("{0:?} is not measured; there are {names}", names = names())]
    Name(String),
}

impl FromStr for Threshold {
    type Err = ThresholdError;
    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let form = || ThresholdError::Form(text.to_owned());
        let (wanted, limit) = text.split_once('=').ok_or_else(form)?;
        let limit: f64 = limit.trim().parse().map_err(|_| form())?;
        if !limit.is_finite() || limit < 0.0 {
            return Err(form());
        }
        let found = MEASURES.iter().find(|measure| measure.name == wanted.trim());
        let measure = found.ok_or_else(|| ThresholdError::Name(wanted.to_owned()))?;
        Ok(Self { measure, limit })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.measure.name, self.limit)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_broken_by_more_than_it_and_by_what_is_not_known() {
        let mut report = LoadReport { frames_discarded: 2, ..LoadReport::default() };
        let limits = |texts: &[&str]| -> Vec<Threshold> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert!(broken(&report, &limits(&["lost_frames=2", "duplicated_frames=0"])).is_empty());
        assert_eq!(broken(&report, &limits(&["lost_frames=1.5"])).len(), 1);
        for name in ["cpu_ms_per_call_second", "p99_round_trip_ms", "max_interruption_ms"] {
            let unknown = broken(&report, &limits(&[&format!("{name}=9")]));
            assert!(unknown.iter().all(|text| text.contains("nothing of it")));
            assert_eq!(unknown.len(), 1, "{name}");
        }
        report.failed = 1;
        assert_eq!(broken(&report, &[]), ["max_failed=0, but it is 1"]);
    }

    #[test]
    fn only_numbers_of_zero_or_more_are_limits() {
        for wrong in ["lost_frames", "lost_frames=", "lost_frames=-1", "lost_frames=NaN", "x=1"] {
            assert!(wrong.parse::<Threshold>().is_err(), "{wrong}");
        }
    }
}
