//! What waits to be written. One worker at a time empties the queue, in order, on a
//! thread that may block; it is there only while there is work.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::metrics;

use super::work::Work;

/// Most that may wait. Some seconds of thousands of calls.
const MOST_WAITING_BYTES: usize = 64 << 20;

/// Something to be done with files.
#[derive(Debug)]
pub(super) enum Job {
    /// A recording goes on.
    Append { file: Arc<FlightFile>, bytes: Vec<u8> },
    /// A recording is over.
    Close { file: Arc<FlightFile>, keep: bool },
    /// Those of an earlier life are to be completed.
    Recover,
    /// Those that are too old or too many are to go.
    Sweep,
}

impl Job {
    fn bytes(&self) -> usize {
        match self {
            Self::Append { bytes, .. } => bytes.len(),
            Self::Close { .. } | Self::Recover | Self::Sweep => 0,
        }
    }
}

/// A recording's file, as calls and the worker both know it.
#[derive(Debug)]
pub(super) struct FlightFile {
    /// Its name without ending: when it began, and which call.
    pub(super) name: String,
    /// Something that belonged into it was lost: what comes later is not written.
    lost: AtomicBool,
}

impl FlightFile {
    pub(super) fn new(name: String) -> Self {
        Self { name, lost: AtomicBool::new(false) }
    }

    pub(super) fn has_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Answers whether it is the first loss.
    pub(super) fn lose(&self) -> bool {
        !self.lost.swap(true, Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// Whether there is a worker.
    working: bool,
    /// Who waits for the queue to be empty.
    flushes: Vec<oneshot::Sender<()>>,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    work: Work,
}

impl Queue {
    pub(super) fn new(work: Work) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), work })
    }

    /// Has something done. A piece of a recording for which there is no room is
    /// lost, and the recording ends there.
    pub(super) fn push(self: &Arc<Self>, job: Job) {
        let mut waiting = self.lock();
        if waiting.bytes + job.bytes() > MOST_WAITING_BYTES {
            drop(waiting);
            lose(&job);
            return;
        }
        waiting.bytes += job.bytes();
        waiting.jobs.push_back(job);
        metrics::recorder_waiting(waiting.bytes);
        let idle = !std::mem::replace(&mut waiting.working, true);
        drop(waiting);
        if idle {
            self.start_worker();
        }
    }

    /// Resolves once the queue is empty.
    pub(super) fn emptied(&self) -> oneshot::Receiver<()> {
        let (done, emptied) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.working {
            waiting.flushes.push(done);
        } else {
            done.send(()).unwrap_or_default();
        }
        emptied
    }

    fn start_worker(self: &Arc<Self>) {
        let queue = Arc::clone(self);
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || queue.work_off())),
            // No runtime, no calls: nobody is kept waiting here.
            Err(_) => queue.work_off(),
        }
    }

    fn work_off(&self) {
        let _worker = Worker(self);
        while let Some(job) = self.next_job() {
            self.work.perform(job);
        }
    }

    fn next_job(&self) -> Option<Job> {
        let mut waiting = self.lock();
        let job = waiting.jobs.pop_front();
        match &job {
            Some(job) => waiting.bytes -= job.bytes(),
            None => waiting.rest(),
        }
        metrics::recorder_waiting(waiting.bytes);
        job
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn rest(&mut self) {
        self.working = false;
        for done in self.flushes.drain(..) {
            // Whoever asked and did not wait needs no answer.
            done.send(()).unwrap_or_default();
        }
    }
}

/// Sees to it that a worker that panics has a successor: the job that killed it is
/// gone, and the next one that comes starts another.
struct Worker<'a>(&'a Queue);

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the flight recorder's worker panicked");
            self.0.lock().rest();
        }
    }
}

fn lose(job: &Job) {
    if let Job::Append { file, .. } = job
        && file.lose()
    {
        metrics::recording("lost");
        tracing::error!(recording = file.name, "too much waits to be written: a recording ends");
    }
}
