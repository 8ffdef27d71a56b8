//! Once a second: how many calls are live, what the server and the simulator
//! itself have used, and what echo callers measured.
//!
//! Two sums are kept: over the whole run, and over the time in which all calls
//! were live. The second one, where there is enough of it, is the run's result:
//! it holds neither set-up nor end.

use std::cmp::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::clock::Lateness;
use super::echo::Interval;
use super::load::Counts;
use super::process::{Used, used};
use super::times::Times;

/// From one sample to the next.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// After the last call began, until its set-up no longer shows.
const SETTLE: Duration = Duration::from_secs(1);

/// Least time with all calls live that is taken for the result, in microseconds.
const MIN_HOLD_US: u64 = 2_000_000;

/// One second of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sample {
    /// When it ended, in milliseconds since the run began.
    pub at_ms: u64,
    /// Calls live at its end.
    pub live: u32,
    /// Calls over by then.
    pub over: u32,
    /// Round trip of echoed frames in it: median, in microseconds.
    pub round_trip_p50_us: u64,
    /// The same: 99th percentile.
    pub round_trip_p99_us: u64,
    /// CPU of the server in it, in parts of one core; 0 where it is not known.
    pub server_cores: f64,
    /// Memory of the server at its end, in KiB; 0 where it is not known.
    pub server_rss_kib: u64,
    /// Files and sockets that the server had open at its end; 0 where it is not
    /// known.
    pub server_files: u64,
    /// CPU of the simulator in it, in parts of one core.
    pub own_cores: f64,
}

/// What a process used for the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ProcessUse {
    /// User and system time, in milliseconds.
    pub cpu_ms: u64,
    /// Of all calls together, for which that was.
    pub call_seconds: f64,
    /// The one over the other.
    pub cpu_ms_per_call_second: f64,
    /// User and system time of the whole run, in milliseconds, over its calls:
    /// what a short call costs with its beginning and its end.
    pub cpu_ms_per_call: f64,
    /// Memory resident before the first call, in KiB.
    pub rss_before_kib: u64,
    /// Most memory resident while most calls were live, in KiB.
    pub rss_peak_kib: u64,
    /// What was added per call live then, in KiB.
    pub rss_per_call_kib: f64,
}

/// A sum over part of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    pub(super) us: u64,
    pub(super) round_trip_us: Times,
    pub(super) lateness: Lateness,
    call_us: u64,
    server_cpu_ms: u64,
    own_cpu_ms: u64,
}

/// See the module's text.
pub(super) struct Sampler {
    began: Instant,
    server_pid: Option<u32>,
    server_first: Option<Used>,
    server_last: Option<Used>,
    own_first: Option<Used>,
    own_last: Option<Used>,
    last_at: Instant,
    /// Microseconds of live calls since the last sample, and up to when.
    call_us: u64,
    counted_to: Instant,
    live: u32,
    over: u32,
    all_begun_at: Option<Instant>,
    first_over: bool,
    /// Most memory with most calls live, and how many those were.
    rss_peak: (u64, u32),
    own_rss_peak: (u64, u32),
    whole: Sum,
    hold: Sum,
    pub(super) samples: Vec<Sample>,
}

impl Sampler {
    pub(super) fn start(server_pid: Option<u32>) -> Self {
        let now = Instant::now();
        let server = server_pid.and_then(used);
        let own = used(std::process::id());
        Self {
            began: now,
            server_pid,
            server_first: server,
            server_last: server,
            own_first: own,
            own_last: own,
            last_at: now,
            call_us: 0,
            counted_to: now,
            live: 0,
            over: 0,
            all_begun_at: None,
            first_over: false,
            rss_peak: (0, 0),
            own_rss_peak: (0, 0),
            whole: Sum::default(),
            hold: Sum::default(),
            samples: Vec::new(),
        }
    }

    /// A call began or ended.
    pub(super) fn note(&mut self, counts: Counts, calls: u32) {
        self.count_to(Instant::now());
        self.live = counts.begun.saturating_sub(counts.over);
        self.over = counts.over;
        if counts.begun == calls {
            self.all_begun_at.get_or_insert_with(Instant::now);
        }
        self.first_over |= counts.over > 0 && self.all_begun_at.is_some();
        if counts.over > 0 && counts.begun < calls {
            // Calls come and go: there is no time in which all are live.
            self.first_over = true;
        }
    }

    fn count_to(&mut self, now: Instant) {
        let us = as_us(now.saturating_duration_since(self.counted_to));
        self.call_us += us * u64::from(self.live);
        self.counted_to = now;
    }

    /// Takes a sample; answers it for a display.
    pub(super) fn sample(&mut self, interval: &Interval) -> Sample {
        let now = Instant::now();
        self.count_to(now);
        let us = as_us(now.saturating_duration_since(self.last_at)).max(1);
        let server = self.server_pid.and_then(used).or(self.server_last);
        let own = used(std::process::id()).or(self.own_last);
        let sum = Sum {
            us,
            round_trip_us: interval.round_trip_us.clone(),
            lateness: interval.lateness.clone(),
            call_us: std::mem::take(&mut self.call_us),
            server_cpu_ms: since(self.server_last, server),
            own_cpu_ms: since(self.own_last, own),
        };
        let settled = self.all_begun_at.is_some_and(|at| at + SETTLE <= self.last_at);
        if settled && !self.first_over {
            self.hold.add(&sum);
        }
        self.whole.add(&sum);
        (self.last_at, self.server_last, self.own_last) = (now, server, own);
        let rss = |used: Option<Used>| used.map_or(0, |used| used.rss_kib);
        keep_peak(&mut self.rss_peak, rss(server), self.live);
        keep_peak(&mut self.own_rss_peak, rss(own), self.live);
        let cores = |cpu_ms: u64| cpu_ms as f64 * 1_000.0 / us as f64;
        let sample = Sample {
            at_ms: as_us(now.saturating_duration_since(self.began)) / 1_000,
            live: self.live,
            over: self.over,
            round_trip_p50_us: interval.round_trip_us.percentile(50.0),
            round_trip_p99_us: interval.round_trip_us.percentile(99.0),
            server_cores: cores(sum.server_cpu_ms),
            server_rss_kib: rss(server),
            server_files: server.map_or(0, |used| used.files),
            own_cores: cores(sum.own_cpu_ms),
        };
        self.samples.push(sample.clone());
        sample
    }

    /// The time that the run's result is taken from.
    pub(super) fn result(&self) -> &Sum {
        if self.hold.us >= MIN_HOLD_US { &self.hold } else { &self.whole }
    }

    pub(super) fn server_use(&self) -> Option<ProcessUse> {
        let first = self.server_first?;
        Some(self.process_use(|sum| sum.server_cpu_ms, first, self.rss_peak))
    }

    pub(super) fn own_use(&self) -> Option<ProcessUse> {
        Some(self.process_use(|sum| sum.own_cpu_ms, self.own_first?, self.own_rss_peak))
    }

    fn process_use(
        &self,
        cpu_ms_of: fn(&Sum) -> u64,
        first: Used,
        (rss_kib, live): (u64, u32),
    ) -> ProcessUse {
        let cpu_ms = cpu_ms_of(self.result());
        let call_seconds = self.result().call_us as f64 / 1e6;
        let over = |value: f64, by: f64| if by > 0.0 { value / by } else { 0.0 };
        ProcessUse {
            cpu_ms,
            call_seconds,
            cpu_ms_per_call_second: over(cpu_ms as f64, call_seconds),
            cpu_ms_per_call: over(cpu_ms_of(&self.whole) as f64, self.over.into()),
            rss_before_kib: first.rss_kib,
            rss_peak_kib: rss_kib,
            rss_per_call_kib: over(rss_kib.saturating_sub(first.rss_kib) as f64, live.into()),
        }
    }
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.us += other.us;
        self.round_trip_us.add(&other.round_trip_us);
        self.lateness.add(&other.lateness);
        self.call_us += other.call_us;
        self.server_cpu_ms += other.server_cpu_ms;
        self.own_cpu_ms += other.own_cpu_ms;
    }
}

fn keep_peak(peak: &mut (u64, u32), rss_kib: u64, live: u32) {
    *peak = match live.cmp(&peak.1) {
        Ordering::Greater => (rss_kib, live),
        Ordering::Equal => (peak.0.max(rss_kib), live),
        Ordering::Less => *peak,
    };
}

fn since(before: Option<Used>, now: Option<Used>) -> u64 {
    match (before, now) {
        (Some(before), Some(now)) => now.cpu_ms.saturating_sub(before.cpu_ms),
        (None, _) | (_, None) => 0,
    }
}

fn as_us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
