//! Many calls in one report, and the limits that it is held to.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use hdrhistogram::Histogram;
use serde::{Serialize, Serializer};

use super::clock::Lateness;
use super::report::{CallReport, Ended, StreamReport};

/// Most calls whose own reports are kept.
const MAX_DETAILS: usize = 20;

/// Longest reason that failures are counted under, in characters.
const MAX_REASON_CHARS: usize = 120;

/// Times in milliseconds, as a histogram with three digits of precision.
#[derive(Clone, Debug)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        #[expect(
            clippy::expect_used,
            reason = "three digits are within the library's 0 to 5"
        )]
        Self(Histogram::new(3).expect("a histogram of three digits"))
    }
}

impl Times {
    fn record(&mut self, ms: u64) {
        self.0.saturating_record(ms);
    }

    /// How many were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time, in milliseconds, that `percent` of the recorded ones do not
    /// exceed; 0 when none were recorded.
    #[must_use]
    pub fn percentile_ms(&self, percent: f64) -> u64 {
        self.0.value_at_quantile(percent / 100.0)
    }
}

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Percentiles {
            count: u64,
            p50: u64,
            p95: u64,
            p99: u64,
            max: u64,
        }
        let at = |percent| self.percentile_ms(percent);
        let (p50, p95, p99, max) = (at(50.0), at(95.0), at(99.0), at(100.0));
        Percentiles {
            count: self.count(),
            p50,
            p95,
            p99,
            max,
        }
        .serialize(serializer)
    }
}

/// What many calls came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LoadReport {
    /// Calls that are over.
    pub calls: u64,
    /// Calls that failed.
    pub failed: u64,
    /// How often each reason made a call fail.
    pub failures: BTreeMap<String, u64>,
    /// How calls ended.
    pub ended: BTreeMap<&'static str, u64>,
    /// How long the whole run took, in milliseconds.
    pub wall_ms: u64,
    /// Whether the run was cut short from the keyboard.
    pub interrupted: bool,
    /// The voice webhook's answer.
    pub webhook_ms: Times,
    /// From a call's beginning until its stream's `start`.
    pub setup_ms: Times,
    /// From `start` until the caller heard something.
    pub first_audio_ms: Times,
    /// From the caller's first speech over the agent to the `clear`.
    pub interruption_ms: Times,
    /// Interruptions that were not followed by a `clear`.
    pub interruptions_ignored: u64,
    /// Frames sent to the server.
    pub frames_sent: u64,
    /// Frames discarded because the server read too slowly.
    pub frames_discarded: u64,
    /// Media messages received.
    pub media_received: u64,
    /// Times that audio broke off in the middle of an utterance.
    pub underruns: u64,
    /// Silence in the middle of utterances, in milliseconds.
    pub underrun_ms: u64,
    /// Frames heard of a response that had been cleared.
    pub stale_frames: u64,
    /// Messages that Twilio would not have understood.
    pub invalid_commands: u64,
    /// How late the simulator itself was.
    pub lateness: Lateness,
    /// Limits that were broken.
    pub broken: Vec<String>,
    /// The first calls, and the first that failed.
    pub details: Vec<CallReport>,
}

impl LoadReport {
    pub(super) fn add(&mut self, report: CallReport) {
        self.calls += 1;
        *self.ended.entry(name(report.ended)).or_default() += 1;
        record(&mut self.webhook_ms, report.webhook_ms);
        record(&mut self.setup_ms, report.setup_ms);
        record(&mut self.first_audio_ms, report.first_audio_ms());
        for stream in &report.streams {
            self.add_stream(stream);
        }
        let failure = report.failure();
        if let Some(reason) = &failure {
            self.failed += 1;
            let reason = reason.chars().take(MAX_REASON_CHARS).collect();
            *self.failures.entry(reason).or_default() += 1;
        }
        let limit = if failure.is_some() {
            2 * MAX_DETAILS
        } else {
            MAX_DETAILS
        };
        if self.details.len() < limit {
            self.details.push(report);
        }
    }

    fn add_stream(&mut self, stream: &StreamReport) {
        for interruption in &stream.interruptions {
            match interruption.cleared_after_ms {
                Some(ms) => self.interruption_ms.record(ms),
                None => self.interruptions_ignored += 1,
            }
        }
        self.frames_sent += stream.frames_sent;
        self.frames_discarded += stream.frames_discarded;
        self.media_received += stream.media_received;
        self.invalid_commands += stream.invalid_commands;
        self.underruns += stream.playback.underruns;
        self.underrun_ms += stream.playback.underrun_ms;
        self.stale_frames += stream.playback.stale_frames;
        self.lateness.add(&stream.lateness);
    }

    /// Fills in which limits were broken. Without a limit on failed calls, none
    /// may fail.
    pub(super) fn judge(&mut self, thresholds: &[Threshold]) {
        let default = Threshold {
            measure: Measure::Failed,
            limit: 0,
        };
        let names_failed = thresholds.iter().any(|t| t.measure == Measure::Failed);
        let implied = if names_failed { None } else { Some(&default) };
        let broken = thresholds.iter().chain(implied).filter_map(|threshold| {
            let value = self.measured(threshold.measure);
            (value > threshold.limit).then(|| format!("{threshold}, but it is {value}"))
        });
        self.broken = broken.collect();
    }

    fn measured(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Setup => self.setup_ms.percentile_ms(95.0),
            Measure::FirstAudio => self.first_audio_ms.percentile_ms(95.0),
            Measure::Interruption => self.interruption_ms.percentile_ms(95.0),
            Measure::Failed => self.failed,
            Measure::Lost => self.frames_discarded,
            Measure::Underruns => self.underruns,
            Measure::Stale => self.stale_frames,
            Measure::Invalid => self.invalid_commands,
        }
    }
}

fn record(times: &mut Times, ms: Option<u64>) {
    if let Some(ms) = ms {
        times.record(ms);
    }
}

fn name(ended: Ended) -> &'static str {
    match ended {
        Ended::FarEnd => "far_end",
        Ended::Caller => "caller",
        Ended::Duration => "duration",
        Ended::Rejected => "rejected",
        Ended::Failed => "failed",
    }
}

/// A limit on something measured: `max_setup_ms=500`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    measure: Measure,
    limit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Setup,
    FirstAudio,
    Interruption,
    Failed,
    Lost,
    Underruns,
    Stale,
    Invalid,
}

const MEASURES: [(&str, Measure); 8] = [
    ("max_setup_ms", Measure::Setup),
    ("max_first_audio_ms", Measure::FirstAudio),
    ("max_interruption_ms", Measure::Interruption),
    ("max_failed", Measure::Failed),
    ("max_lost", Measure::Lost),
    ("max_underruns", Measure::Underruns),
    ("max_stale", Measure::Stale),
    ("max_invalid", Measure::Invalid),
];

/// Why a text is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// No `=`, or no whole number behind it.
    #[error("{0:?} is no NAME=NUMBER")]
    Form(String),
    /// A name that is not measured.
    #[error("{0:?} is not measured; there are {names}", names = MEASURES.map(|(name, _)| name).join(", "))]
    Name(String),
}

impl FromStr for Threshold {
    type Err = ThresholdError;
    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let form = || ThresholdError::Form(text.to_owned());
        let (wanted, limit) = text.split_once('=').ok_or_else(form)?;
        let limit = limit.trim().parse().map_err(|_| form())?;
        let found = MEASURES.iter().find(|(name, _)| *name == wanted.trim());
        let (_, measure) = found.ok_or_else(|| ThresholdError::Name(wanted.to_owned()))?;
        Ok(Self {
            measure: *measure,
            limit,
        })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = MEASURES
            .iter()
            .find(|(_, measure)| *measure == self.measure);
        write!(f, "{}={}", name.map_or("", |(name, _)| name), self.limit)
    }
}
