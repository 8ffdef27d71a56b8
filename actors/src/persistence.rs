//! The persistence actor: everything that is to be stored goes through its
//! queue, in order, in batches, on a thread that may block.
//!
//! Whoever has something to store puts it into the queue and goes on; a slow or
//! absent database fills the queue and delays nobody. The queue is bounded: past
//! the bound the newest record is dropped, counted and logged, so that what was
//! stored stays a true beginning of the story.

mod queue;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context};
use tokio::sync::oneshot;
use trunkline_store::{Record, Store, StoreError};

use crate::message::Shell;
use crate::metrics;
use crate::switches::SwitchBoard;
use crate::tree::Probe;

pub use queue::RecordQueue;

use queue::Mark;

/// Waits between tries while the database is away.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MOST: Duration = Duration::from_secs(2);

/// What the persistence actor is told.
#[derive(Debug)]
pub enum PersistenceMessage {
    /// There is something in the queue.
    Wake,
    /// Answer once everything that is in the queue by now is committed.
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
    flushes: Vec<(Mark, oneshot::Sender<()>)>,
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
        self.answer_flushes();
        let batch = self.queue.take_batch();
        if batch.is_empty() {
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

    /// Answers those whose records are committed, also while others arrive.
    fn answer_flushes(&mut self) {
        let queue = &self.queue;
        for (_, reply) in self.flushes.extract_if(.., |(mark, _)| queue.has_committed(*mark)) {
            // Whoever asked and did not wait needs no answer.
            reply.send(()).unwrap_or_default();
        }
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
                self.flushes.push((self.queue.mark(), reply));
                self.write_next(context);
            }
        }
    }
}

crate::receives_letters!(Persistence);
