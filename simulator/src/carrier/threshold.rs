//! The limits that a load run is held to.

use std::fmt;
use std::str::FromStr;

use super::summary::LoadReport;

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
    of: fn(&LoadReport) -> f64,
}

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const FAILED: Measure = Measure { name: "max_failed", of: |r| r.failed as f64 };

/// Every name there is. Those that end in `_ms` are milliseconds; `max_…_ms` are
/// 95th percentiles, the others say which they are.
static MEASURES: [Measure; 17] = [
    Measure { name: "max_setup_ms", of: |r| r.setup_ms.percentile_ms(95.0) as f64 },
    Measure { name: "max_first_audio_ms", of: |r| r.first_audio_ms.percentile_ms(95.0) as f64 },
    Measure { name: "max_interruption_ms", of: |r| r.interruption_ms.percentile_ms(95.0) as f64 },
    FAILED,
    Measure { name: "max_lost", of: |r| r.frames_discarded as f64 },
    Measure { name: "max_underruns", of: |r| r.underruns as f64 },
    Measure { name: "max_stale", of: |r| r.stale_frames as f64 },
    Measure { name: "max_invalid", of: |r| r.invalid_commands as f64 },
    Measure { name: "setup_p99_ms", of: |r| r.setup_ms.percentile_ms(99.0) as f64 },
    Measure { name: "first_audio_p99_ms", of: first_audio_p99_ms },
    Measure { name: "interruption_p99_ms", of: |r| r.interruption_ms.percentile_ms(99.0) as f64 },
    Measure { name: "p50_round_trip_ms", of: |r| round_trip_ms(r, 50.0) },
    Measure { name: "p99_round_trip_ms", of: |r| round_trip_ms(r, 99.0) },
    Measure { name: "p999_round_trip_ms", of: |r| round_trip_ms(r, 99.9) },
    Measure { name: "lost_frames", of: |r| (r.echo.counts.lost + r.frames_discarded) as f64 },
    Measure { name: "duplicated_frames", of: |r| r.echo.counts.duplicated as f64 },
    Measure {
        name: "cpu_ms_per_call_second",
        // A limit on what was not measured is not kept.
        of: |r| r.server.map_or(f64::INFINITY, |server| server.cpu_ms_per_call_second),
    },
];

fn round_trip_ms(report: &LoadReport, percent: f64) -> f64 {
    report.echo.round_trip_us.percentile(percent) as f64 / 1_000.0
}

/// Finer where it was measured finer.
fn first_audio_p99_ms(report: &LoadReport) -> f64 {
    if report.first_media_us.count() > 0 {
        report.first_media_us.percentile(99.0) as f64 / 1_000.0
    } else {
        report.first_audio_ms.percentile_ms(99.0) as f64
    }
}

/// The names of all measures.
pub(super) fn names() -> String {
    MEASURES.iter().map(|measure| measure.name).collect::<Vec<_>>().join(", ")
}

/// Which limits a run broke. Without a limit on failed calls, none may fail.
pub(super) fn broken(report: &LoadReport, thresholds: &[Threshold]) -> Vec<String> {
    let none_fail = Threshold { measure: &FAILED, limit: 0.0 };
    let names_failed = thresholds.iter().any(|t| *t.measure == FAILED);
    let implied = if names_failed { None } else { Some(&none_fail) };
    let broken = thresholds.iter().chain(implied).filter_map(|threshold| {
        let value = (threshold.measure.of)(report);
        (value > threshold.limit).then(|| {
            let value = if value.is_finite() {
                format!("{}", (value * 1_000.0).round() / 1_000.0)
            } else {
                "not known (--server-pid)".to_owned()
            };
            format!("{threshold}, but it is {value}")
        })
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
        assert!(broken(&report, &limits(&["lost_frames=2", "p99_round_trip_ms=0.5"])).is_empty());
        assert_eq!(broken(&report, &limits(&["lost_frames=1.5"])).len(), 1);
        let unknown = broken(&report, &limits(&["cpu_ms_per_call_second=9"]));
        assert!(unknown.iter().all(|text| text.contains("server-pid")) && unknown.len() == 1);
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
