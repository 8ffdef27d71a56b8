//! Many callers at once. They have a thread of their own, so that they are on time
//! while the test does something else, and the test while they speak.

use std::cell::RefCell;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use trunkline_simulator::carrier::{CallPlan, CallReport, Gaps, place_call};

use super::World;

/// Open files that five hundred calls need, here and in the server, with room:
/// a webhook, a stream and a session each.
const FILES: u64 = 4_096;

/// Longest that callers of a live crowd stay, whatever their script says.
const LONGEST: Duration = Duration::from_secs(600);

/// A call that is over.
pub struct Past {
    /// Its place in the list of plans.
    pub number: usize,
    /// The moment before it began, by this process's clock.
    pub began: Instant,
    /// What its caller and its carrier saw.
    pub report: CallReport,
}

impl Past {
    /// When its stream ended, by this process's clock: at this moment or up to a
    /// millisecond later.
    pub fn cut(&self) -> Instant {
        let stream = self.report.streams.last();
        let stream = stream.unwrap_or_else(|| panic!("no stream: {:?}", self.report));
        self.began + Duration::from_millis(stream.ended_at_ms)
    }
}

/// See the module's text. Callers who still talk when this is dropped vanish.
pub struct Crowd {
    over: JoinHandle<Vec<Past>>,
    stay: oneshot::Sender<()>,
}

impl Crowd {
    /// Places all of these calls now.
    pub fn at_once(plans: Vec<CallPlan>) -> Self {
        let all = plans.len();
        Self::in_a_row(plans, all)
    }

    /// Places these calls in order, so many at a time.
    pub fn in_a_row(plans: Vec<CallPlan>, at_a_time: usize) -> Self {
        Self::lines(plans.into_iter(), at_a_time)
    }

    fn lines(plans: impl Iterator<Item = CallPlan> + Send + 'static, at_a_time: usize) -> Self {
        let (stay, gone) = oneshot::channel();
        let over = actix_rt::task::spawn_blocking(move || {
            actix_rt::System::new().block_on(async move {
                tokio::select! {
                    past = place_all(plans, at_a_time) => past,
                    _ = gone => Vec::new(),
                }
            })
        });
        Self { over, stay }
    }

    /// Places these calls over and over, so many at a time, until `time` is over;
    /// those that have begun go on to their end.
    pub fn for_a_while(plans: Vec<CallPlan>, at_a_time: usize, time: Duration) -> Self {
        assert!(!plans.is_empty(), "no call to place");
        let until = Instant::now() + time;
        let endless = std::iter::repeat_with(move || plans.clone()).flatten();
        Self::lines(endless.take_while(move |_| Instant::now() < until), at_a_time)
    }

    /// Waits for all of them.
    pub async fn reports(self) -> Vec<Past> {
        let _stay = self.stay;
        let mut past = self.over.await.expect("the callers' thread");
        past.sort_unstable_by_key(|past| past.number);
        past
    }

    /// All callers vanish: their connections are closed without a word.
    pub async fn vanish(self) {
        drop(self.stay);
        assert!(self.over.await.expect("the callers' thread").is_empty(), "they were still there");
    }
}

async fn place_all(plans: impl Iterator<Item = CallPlan> + 'static, at_a_time: usize) -> Vec<Past> {
    let waiting = Rc::new(RefCell::new(plans.enumerate()));
    let lines = (0..at_a_time).map(|_| {
        let waiting = Rc::clone(&waiting);
        actix_rt::spawn(async move {
            let mut past = Vec::new();
            loop {
                let next = waiting.borrow_mut().next();
                let Some((number, plan)) = next else {
                    return past;
                };
                let began = Instant::now();
                let report = place_call(&plan, None).await;
                past.push(Past { number, began, report });
            }
        })
    });
    let lines: Vec<_> = lines.collect();
    let mut past = Vec::new();
    for line in lines {
        past.extend(line.await.expect("a line of callers"));
    }
    past
}

impl World {
    /// So many plans of the same call.
    pub fn calls(&self, count: usize, script: &str) -> Vec<CallPlan> {
        vec![self.call(script); count]
    }

    /// Waits until so many calls live.
    pub async fn live(&self, count: usize) {
        super::wait_for(&format!("{count} live calls"), async || {
            let live = self.metrics().await.sum("trunkline_calls_live");
            (live == count as f64).then_some(())
        })
        .await;
    }

    /// So many live calls, all there until `script` ends them. Some of them, a fifth or
    /// ten at least, have an echo for a model: their agent never pauses, so that the
    /// gaps between its frames say what a caller would hear.
    pub async fn live_crowd(&self, count: usize, script: &str) -> [Crowd; 2] {
        let measured = (count / 5).max(10).min(count);
        let plans = |count| {
            let mut plans = self.calls(count, script);
            plans.iter_mut().for_each(|plan| plan.max_duration = LONGEST);
            plans
        };
        let others = Crowd::at_once(plans(count - measured));
        self.live(count - measured).await;
        self.model(|knobs| knobs.echo = true);
        let measured = Crowd::at_once(plans(measured));
        self.live(count).await;
        self.model(|_| ());
        [others, measured]
    }

    /// Has the greeting spoken to its end once, so that it is kept.
    pub async fn learn_greeting(&self) {
        let report = self.place("wait greeting\nhangup").await;
        self.stored(&report.call_sid).await;
    }
}

/// The reports of both, and the gaps that those who had an echo heard.
pub async fn reports_and_gaps([others, measured]: [Crowd; 2]) -> (Vec<CallReport>, Gaps) {
    let of = async |crowd: Crowd| -> Vec<CallReport> {
        crowd.reports().await.into_iter().map(|past| past.report).collect()
    };
    let (mut reports, measured) = (of(others).await, of(measured).await);
    let gaps = super::gaps(&measured);
    reports.extend(measured);
    (reports, gaps)
}

/// Lets this process, and the servers that it starts afterwards, open enough
/// files for a crowd, where the usual limit is lower.
pub fn allow_many_files() {
    let [soft, hard] = file_limits();
    if soft < FILES {
        let limit = format!("--nofile={hard}:{hard}");
        let pid = std::process::id().to_string();
        let raised = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(raised.is_ok_and(|status| status.success()), "prlimit raises the limit on files");
    }
    let [soft, hard] = file_limits();
    assert!(soft >= FILES, "{FILES} open files are needed, {soft} allowed (hard limit {hard})");
}

/// The soft and the hard limit on open files.
fn file_limits() -> [u64; 2] {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux's limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut numbers = line.expect("a limit on files").split_whitespace();
    [(); 2].map(|()| match numbers.next() {
        Some("unlimited") => u64::MAX,
        number => number.and_then(|n| n.parse().ok()).expect("a number"),
    })
}
