//! Many calls in one report.

use std::collections::BTreeMap;

use serde::Serialize;

use super::clock::Lateness;
use super::echo::EchoCounts;
use super::growth::Growth;
use super::report::{CallReport, Ended, StreamReport};
use super::sampler::{ProcessUse, Sample, Sampler};
use super::threshold::{self, Threshold};
use super::times::{Band, Times};

/// Most calls whose own reports are kept.
const MAX_DETAILS: usize = 20;

/// Longest reason that failures are counted under, in characters.
const MAX_REASON_CHARS: usize = 120;

/// Latest beginning of a call that still passes for the planned one, in
/// milliseconds, at the 99th percentile: a second's calls are one point of the
/// report's plots.
const MAX_BEGUN_LATE_MS: u64 = 1_000;

/// Up to where round trips are not told apart, in microseconds: faster than a
/// loopback's own.
const FIRST_BAND_US: u64 = 50;

/// What became of the stamped frames of all calls.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EchoSummary {
    /// Sums over all streams.
    #[serde(flatten)]
    pub counts: EchoCounts,
    /// From a frame's sending to its return, in microseconds.
    pub round_trip_us: Times,
    /// How many took how long, in microseconds.
    pub bands: Vec<Band>,
}

impl EchoSummary {
    fn add(&mut self, other: &EchoCounts) {
        let counts = &mut self.counts;
        counts.stamped += other.stamped;
        counts.early += other.early;
        counts.returned += other.returned;
        counts.lost += other.lost;
        counts.duplicated += other.duplicated;
        counts.reordered += other.reordered;
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
    /// From `start` until the first media message came, in microseconds. In echo
    /// load that holds the wait for the first frame's own turn, up to 20 ms.
    pub first_media_us: Times,
    /// From the last audible frame that a caller sent until the answer's first audio
    /// came, in microseconds.
    pub reply_us: Times,
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
    /// What became of stamped frames; zeros outside echo load.
    pub echo: EchoSummary,
    /// What the server used, where its process is known.
    pub server: Option<ProcessUse>,
    /// What the simulator itself used.
    pub own: Option<ProcessUse>,
    /// How the server's memory grew with calls that came and went; nothing of a
    /// run whose calls all stayed, or that was short.
    pub growth: Option<Growth>,
    /// How much later than planned calls began, in milliseconds: the simulator had
    /// no time, or as many calls as may be were live.
    pub begun_late_ms: Times,
    /// How much of the run the round trips and both uses are of: the time in
    /// which all calls were live, if that was two seconds or more, else all.
    pub measured_ms: u64,
    /// Why this run says little about the server, if it does: the simulator was
    /// late itself.
    pub limited: Option<String>,
    /// The run by seconds.
    pub samples: Vec<Sample>,
    /// Limits that were broken.
    pub broken: Vec<String>,
    /// The first calls, and the first that failed.
    pub details: Vec<CallReport>,
}

impl LoadReport {
    pub(super) fn add(&mut self, report: CallReport) {
        self.calls += 1;
        *self.ended.entry(name(report.ended)).or_default() += 1;
        self.webhook_ms.record_if(report.webhook_ms);
        self.setup_ms.record_if(report.setup_ms);
        self.first_audio_ms.record_if(report.first_audio_ms());
        for stream in &report.streams {
            self.add_stream(stream);
        }
        let failure = report.failure();
        if let Some(reason) = &failure {
            self.failed += 1;
            let reason = reason.chars().take(MAX_REASON_CHARS).collect();
            *self.failures.entry(reason).or_default() += 1;
        }
        let limit = if failure.is_some() { 2 * MAX_DETAILS } else { MAX_DETAILS };
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
        stream.replies.iter().for_each(|reply| self.reply_us.record(reply.after_us));
        self.frames_sent += stream.frames_sent;
        self.frames_discarded += stream.frames_discarded;
        self.media_received += stream.media_received;
        self.invalid_commands += stream.invalid_commands;
        self.underruns += stream.playback.underruns;
        self.underrun_ms += stream.playback.underrun_ms;
        self.stale_frames += stream.playback.stale_frames;
        self.lateness.add(&stream.lateness);
        self.first_media_us.record_if(stream.first_media_us);
        if let Some(counts) = &stream.echo {
            self.echo.add(counts);
        }
    }

    /// What the sampler saw of the run.
    pub(super) fn take_samples(&mut self, sampler: Sampler, echo: bool) {
        let result = sampler.result();
        if echo {
            self.echo.round_trip_us = result.round_trip_us.clone();
            self.limited = result.lateness.complaint();
        } else {
            self.limited = self.lateness.complaint();
        }
        self.measured_ms = result.us / 1_000;
        self.server = sampler.server_use();
        self.own = sampler.own_use();
        self.echo.bands = self.echo.round_trip_us.bands(FIRST_BAND_US);
        self.growth = Growth::of(&sampler.samples);
        self.samples = sampler.samples;
    }

    /// Calls that began much later than planned, though nothing stood in their way
    /// but the simulator itself, are not the load that was asked for.
    pub(super) fn judge_beginnings(&mut self) {
        let late_ms = self.begun_late_ms.percentile(99.0);
        if late_ms > MAX_BEGUN_LATE_MS {
            let why = || format!("one call in a hundred began {late_ms} ms later than planned");
            self.limited.get_or_insert_with(why);
        }
    }

    /// Fills in which limits were broken. Without a limit on failed calls, none
    /// may fail.
    pub(super) fn judge(&mut self, thresholds: &[Threshold]) {
        self.broken = threshold::broken(self, thresholds);
    }
}

fn name(ended: Ended) -> &'static str {
    match ended {
        Ended::FarEnd => "far_end",
        Ended::Caller => "caller",
        Ended::Duration => "duration",
        Ended::Rejected => "rejected",
        Ended::Refused => "refused",
        Ended::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_begin_a_second_late_make_it_another_load() {
        let mut report = LoadReport::default();
        (0..200).for_each(|_| report.begun_late_ms.record(3));
        report.begun_late_ms.record(60_000);
        report.judge_beginnings();
        assert_eq!(report.limited, None, "one in two hundred");
        (0..3).for_each(|_| report.begun_late_ms.record(2_000));
        report.judge_beginnings();
        assert!(report.limited.is_some_and(|why| why.contains("later than planned")));
    }
}
