//! Many calls at once, on one thread.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, sleep_until};

use super::call::place_call;
use super::plan::CallPlan;
use super::summary::LoadReport;

/// How many calls, and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Calls in all.
    pub calls: u32,
    /// From one call's beginning to the next one's.
    pub spacing: Duration,
    /// Most calls at a time; 0 is no limit.
    pub concurrency: u32,
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
    let plan = Rc::new(plan);
    let (over, mut reports) = unbounded_channel();
    let mut summary = LoadReport::default();
    let mut counts = Counts::default();
    let began = Instant::now();
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    while counts.over < load.calls {
        let live = counts.begun - counts.over;
        let may_begin =
            counts.begun < load.calls && (load.concurrency == 0 || live < load.concurrency);
        let due = began + load.spacing.saturating_mul(counts.begun);
        tokio::select! {
            report = reports.recv() => {
                let Some(report) = report else { break };
                counts.over += 1;
                summary.add(report);
                counts.failed = summary.failed;
            }
            () = sleep_until(due), if may_begin => {
                counts.begun += 1;
                let (plan, over) = (Rc::clone(&plan), over.clone());
                actix_rt::spawn(async move {
                    let report = place_call(&plan, None).await;
                    if over.send(report).is_err() {
                        tracing::debug!("a call ended after the run");
                    }
                });
            }
            _ = interrupted.as_mut() => {
                summary.interrupted = true;
                break;
            }
        }
        told(counts);
    }
    summary.wall_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    summary
}
