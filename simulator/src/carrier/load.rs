//! Many calls at once, on one thread.

use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};

use super::call::place;
use super::echo::{EchoLoad, Interval};
use super::pattern::{Mix, Pattern};
use super::plan::CallPlan;
use super::report::CallReport;
use super::sampler::{EVERY, Sample, Sampler};
use super::summary::LoadReport;

/// How many calls, how fast, and what is measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Calls in all.
    pub calls: u32,
    /// From one call's beginning to the next one's.
    pub spacing: Duration,
    /// Most calls at a time; 0 is no limit.
    pub concurrency: u32,
    /// How calls come.
    pub pattern: Pattern,
    /// Calls that begin at once in a burst.
    pub burst: u32,
    /// How long calls last by the pattern; the plan's own limit when unset.
    pub hold: Option<Duration>,
    /// Whether callers whose script has no step send stamped frames and measure
    /// their echo.
    pub echo: bool,
    /// The server's process, whose use is measured.
    pub server_pid: Option<u32>,
}

/// How far a load run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls begun.
    pub begun: u32,
    /// Calls over.
    pub over: u32,
    /// Calls over that failed.
    pub failed: u64,
}

/// Places calls by `plan` until all are over, or until the process is
/// interrupted; `told` hears of every call's beginning and end. Must run on an
/// actix runtime.
pub async fn place_calls(plan: CallPlan, load: Load, mut told: impl FnMut(Counts)) -> LoadReport {
    let told = move |counts: Counts, _: Option<&Sample>| told(counts);
    Box::pin(place_mix(plan.into(), load, told)).await
}

/// The same with several kinds of calls; `told` hears of every second's sample
/// too.
pub async fn place_mix(
    mix: Mix,
    load: Load,
    told: impl FnMut(Counts, Option<&Sample>),
) -> LoadReport {
    let (over, reports) = unbounded_channel();
    let run = Run {
        mix,
        load,
        echo: load.echo.then(EchoLoad::start),
        sampler: Sampler::start(load.server_pid),
        summary: LoadReport::default(),
        counts: Counts::default(),
        began: Instant::now(),
        over,
    };
    Box::pin(run.run(reports, told)).await
}

struct Run {
    mix: Mix,
    load: Load,
    echo: Option<EchoLoad>,
    sampler: Sampler,
    summary: LoadReport,
    counts: Counts,
    began: Instant,
    over: UnboundedSender<CallReport>,
}

impl Run {
    async fn run(
        mut self,
        mut reports: UnboundedReceiver<CallReport>,
        mut told: impl FnMut(Counts, Option<&Sample>),
    ) -> LoadReport {
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        let mut second = tokio::time::interval_at(self.began + EVERY, EVERY);
        while self.counts.over < self.load.calls {
            let due = self.began + self.begins(self.counts.begun);
            let sample = tokio::select! {
                report = reports.recv() => {
                    let Some(report) = report else { break };
                    self.end(report);
                    None
                }
                () = sleep_until(due), if self.may_begin() => {
                    self.begin();
                    None
                }
                _ = second.tick() => Some(self.sample()),
                _ = interrupted.as_mut() => {
                    self.summary.interrupted = true;
                    break;
                }
            };
            told(self.counts, sample.as_ref());
        }
        self.finish()
    }

    fn may_begin(&self) -> bool {
        let Load { calls, concurrency, .. } = self.load;
        let live = self.counts.begun - self.counts.over;
        self.counts.begun < calls && (concurrency == 0 || live < concurrency)
    }

    fn begins(&self, n: u32) -> Duration {
        self.load.pattern.begins(n, self.load.spacing, self.load.burst)
    }

    fn begin(&mut self) {
        let Some(mut plan) = self.mix.draw() else {
            self.load.calls = self.counts.over;
            return;
        };
        let late = self.began.elapsed().saturating_sub(self.begins(self.counts.begun));
        self.summary.begun_late_ms.record(as_ms(late));
        let Load { calls, spacing, pattern, .. } = self.load;
        if let Some(hold) = self.load.hold {
            plan.max_duration = pattern.lasts(self.counts.begun, calls, spacing, hold);
        }
        self.counts.begun += 1;
        // A caller with a story follows it.
        let echo = self.echo.clone().filter(|_| plan.script.steps.is_empty());
        let over = self.over.clone();
        actix_rt::spawn(async move {
            let report = Box::pin(place(&plan, None, echo)).await;
            if over.send(report).is_err() {
                tracing::debug!("a call ended after the run");
            }
        });
        self.sampler.note(self.counts, calls);
    }

    fn end(&mut self, report: CallReport) {
        self.counts.over += 1;
        self.summary.add(report);
        self.counts.failed = self.summary.failed;
        self.sampler.note(self.counts, self.load.calls);
    }

    fn sample(&mut self) -> Sample {
        let interval = self.echo.as_ref().map_or_else(Interval::default, |echo| echo.meter.take());
        self.sampler.sample(&interval)
    }

    fn finish(mut self) -> LoadReport {
        self.sample();
        let mut summary = self.summary;
        summary.wall_ms = as_ms(self.began.elapsed());
        summary.take_samples(self.sampler, self.load.echo);
        if self.load.concurrency == 0 {
            summary.judge_beginnings();
        }
        summary
    }
}

fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
