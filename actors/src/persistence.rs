//! The persistence actor: everything that is to be stored goes through its
//! queue, in order, in batches, on a thread that may block.
//!
//! Whoever has something to store puts it into the queue and goes on; a slow or
//! absent database fills the queue and delays nobody. The queue is bounded: past
//! the bound the newest record is dropped, counted and logged, so that what was
//! stored stays a true beginning of the story.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context};
use tokio::sync::oneshot;
use trunkline_store::{Record, Store, StoreError};

use crate::message::Shell;
use crate::metrics;
use crate::switches::SwitchBoard;
use crate::tree::Probe;

/// Records committed together at most. Two hundred small rows take SQLite a few
/// milliseconds, well under the hundred that a record may wait.
const BATCH: usize = 256;

/// Waits between tries while the database is away.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MOST: Duration = Duration::from_secs(2);

/// What waits for the database. Outlives the actor.
#[derive(Debug)]
pub struct RecordQueue {
    waiting: Mutex<VecDeque<Record>>,
    /// The batch that is being written; kept until it is committed, so that a
    /// writer that dies loses nothing. Applying it twice is applying it once.
    in_flight: Mutex<Vec<Record>>,
    bound: usize,
    overflowing: AtomicBool,
    up: AtomicBool,
    wake_sent: AtomicBool,
}

impl RecordQueue {
    /// An empty queue for at most `bound` records.
    #[must_use]
    pub fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            in_flight: Mutex::default(),
            bound,
            overflowing: AtomicBool::new(false),
            up: AtomicBool::new(true),
            wake_sent: AtomicBool::new(false),
        })
    }

    /// Puts a record into the queue; answers whether there was room.
    pub fn push(&self, record: Record) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= self.bound {
            drop(waiting);
            metrics::records_dropped("queue_full", 1);
            if !self.overflowing.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    bound = self.bound,
                    kind = record.kind(),
                    "the record queue is full: records are being dropped"
                );
            }
            return false;
        }
        waiting.push_back(record);
        metrics::records_waiting(waiting.len());
        true
    }

    /// Whether the writer must be told that there is something: only the first of
    /// many records in a row sends a message.
    pub(crate) fn needs_wake(&self) -> bool {
        !self.wake_sent.swap(true, Ordering::AcqRel)
    }

    /// Whether the last write went well.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Records that are not committed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.waiting).len() + lock(&self.in_flight).len()
    }

    /// Whether everything is committed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take_batch(&self) -> Vec<Record> {
        self.wake_sent.store(false, Ordering::Release);
        let mut in_flight = lock(&self.in_flight);
        let mut waiting = lock(&self.waiting);
        let room = BATCH.saturating_sub(in_flight.len()).min(waiting.len());
        in_flight.extend(waiting.drain(..room));
        metrics::records_waiting(waiting.len());
        in_flight.clone()
    }

    fn committed(&self) {
        lock(&self.in_flight).clear();
        self.overflowing.store(false, Ordering::Relaxed);
        self.set_up(true);
    }

    fn set_up(&self, up: bool) {
        if self.up.swap(up, Ordering::Relaxed) != up {
            if up {
                tracing::info!("the database takes records again");
            } else {
                tracing::error!("the database takes no records; they wait in memory");
            }
        }
        metrics::store_up(up);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the persistence actor is told.
#[derive(Debug)]
pub enum PersistenceMessage {
    /// There is something in the queue.
    Wake,
    /// Answer once the queue is empty.
    Flush {
        /// The answer.
        reply: oneshot::Sender<()>,
    },
}

/// See the module's text.
pub struct Persistence {
    probe: Arc<Probe>,
    queue: Arc<RecordQueue>,
    store: Store,
    switches: SwitchBoard,
    switch_poll: Duration,
    writing: bool,
    retry: Duration,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Persistence {
    /// An actor that empties `queue` into `store`, and keeps `switches` as the
    /// database has them.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        queue: Arc<RecordQueue>,
        store: Store,
        switches: SwitchBoard,
        switch_poll: Duration,
    ) -> Self {
        Self {
            probe,
            queue,
            store,
            switches,
            switch_poll,
            writing: false,
            retry: RETRY_FIRST,
            flushes: Vec::new(),
        }
    }

    fn write_next(&mut self, context: &mut Context<Self>) {
        if self.writing {
            return;
        }
        let batch = self.queue.take_batch();
        if batch.is_empty() {
            for reply in self.flushes.drain(..) {
                // Whoever asked and did not wait needs no answer.
                reply.send(()).unwrap_or_default();
            }
            return;
        }
        self.writing = true;
        let store = self.store.clone();
        let began = Instant::now();
        let size = batch.len();
        let write = actix_rt::task::spawn_blocking(move || apply(&store, &batch));
        context.spawn(wrap_future(write).map(move |done, actor: &mut Self, context| {
            actor.writing = false;
            match done {
                Ok(Ok(refused)) => {
                    metrics::records_written(size - refused, began.elapsed());
                    actor.queue.committed();
                    actor.retry = RETRY_FIRST;
                    actor.write_next(context);
                }
                Ok(Err(error)) => actor.wait_and_retry(&error.to_string(), context),
                Err(error) => actor.wait_and_retry(&error.to_string(), context),
            }
        }));
    }

    fn wait_and_retry(&mut self, error: &str, context: &mut Context<Self>) {
        if self.queue.is_up() {
            tracing::error!(error, "a batch of records could not be written");
        }
        self.queue.set_up(false);
        self.writing = true;
        context.run_later(self.retry, |actor, context| {
            actor.writing = false;
            actor.write_next(context);
        });
        self.retry = (self.retry * 2).min(RETRY_MOST);
    }

    fn poll_switches(&mut self, context: &mut Context<Self>) {
        let store = self.store.clone();
        let read = actix_rt::task::spawn_blocking(move || store.switches());
        context.spawn(wrap_future(read).map(|rows, actor: &mut Self, context| {
            // While the database is away the switches stay as they were.
            if let Ok(Ok(rows)) = rows {
                actor.switches.replace(&rows);
            }
            context.run_later(actor.switch_poll, Self::poll_switches);
        }));
    }
}

fn apply(store: &Store, batch: &[Record]) -> Result<usize, StoreError> {
    let applied = store.apply(batch)?;
    for refused in &applied.refused {
        let kind = batch.get(refused.index).map_or("unknown", Record::kind);
        tracing::error!(kind, reason = %refused.reason, "the database refused a record");
    }
    metrics::records_dropped("refused", applied.refused.len());
    Ok(applied.refused.len())
}

impl Actor for Persistence {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.write_next(context);
        self.poll_switches(context);
    }
}

impl Shell for Persistence {
    type Message = PersistenceMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: PersistenceMessage, context: &mut Self::Context) {
        match message {
            PersistenceMessage::Wake => self.write_next(context),
            PersistenceMessage::Flush { reply } => {
                self.flushes.push(reply);
                self.write_next(context);
            }
        }
    }
}

crate::receives_letters!(Persistence);
