//! The persistence actor: everything that is to be stored goes through its
//! queue, in order, in batches, on a thread that may block.
//!
//! Whoever has something to store puts it into the queue and goes on; a slow or
//! absent database delays nobody. Where there is a journal (beside Postgres),
//! what the database does not take at once is committed there and drained in
//! order afterwards; [`writing`] says how. Otherwise it waits in the queue, which
//! is bounded: past the bound the newest record is dropped, counted and logged,
//! so that what was stored stays a true beginning of the story.

mod queue;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt as _, AsyncContext as _, Context};
use chrono::Utc;
use tokio::sync::oneshot;
use trunkline_core::ids::NodeId;
use trunkline_store::{Journal, NodeDayCost, Scope, Store, StoreError};

use crate::blocked::BlockBoard;
use crate::message::Shell;
use crate::spending::Spending;
use crate::switches::SwitchBoard;
use crate::tree::Probe;

pub(crate) use queue::Mark;
pub use queue::RecordQueue;

use writing::Progress;

/// How often the journal's numbers are shown, and a database that does not answer
/// is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// What the persistence actor is told.
#[derive(Debug)]
pub enum PersistenceMessage {
    /// There is something in the queue.
    Wake,
    /// Answer once everything that is in the queue by now is in the database, also
    /// where it goes there by way of the journal.
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
    journal: Option<Journal>,
    switches: SwitchBoard,
    blocked: BlockBoard,
    spending: (Spending, NodeId),
    switch_poll: Duration,
    progress: Progress,
    flushes: Vec<(Mark, oneshot::Sender<()>)>,
}

impl Persistence {
    /// An actor that empties `queue` into `store`, by way of `journal` at need, and
    /// keeps the switches and the block list as the database has them.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        queue: Arc<RecordQueue>,
        store: Store,
        journal: Option<Journal>,
        (switches, blocked, spending): (SwitchBoard, BlockBoard, (Spending, NodeId)),
        switch_poll: Duration,
    ) -> Self {
        // A predecessor that died may have left records in the journal.
        let behind = journal.as_ref().is_some_and(|journal| !journal.is_empty());
        Self {
            probe,
            queue,
            store,
            journal,
            switches,
            blocked,
            spending,
            switch_poll,
            progress: Progress::new(behind),
            flushes: Vec::new(),
        }
    }

    /// Answers those whose records are committed, also while others arrive.
    fn answer_flushes(&mut self) {
        let queue = &self.queue;
        if self.journal.as_ref().is_some_and(|journal| !journal.is_empty()) {
            return;
        }
        for (_, reply) in self.flushes.extract_if(.., |(mark, _)| queue.has_committed(*mark)) {
            // Whoever asked and did not wait needs no answer.
            reply.send(()).unwrap_or_default();
        }
    }

    fn poll_switches(&mut self, context: &mut Context<Self>) {
        let store = self.store.clone();
        let readings = (self.switches.begin(), self.blocked.begin());
        let read = actix_rt::task::spawn_blocking(move || {
            // A node answers calls of all tenants.
            let all = Scope::AllTenants;
            let blocked = store.blocked_numbers(all)?;
            Ok::<_, StoreError>((store.switches(all)?, blocked, spent_today(&store)?))
        });
        context.spawn(wrap_future(read).map(move |read, actor: &mut Self, context| {
            // While the database is away all of it stays as it was.
            if let Ok(Ok((switches, blocked, spent))) = read {
                actor.switches.replace(readings.0, &switches);
                actor.blocked.replace(readings.1, &blocked);
                let (spending, me) = &actor.spending;
                spending.refresh(&spent, me);
            }
            context.run_later(actor.switch_poll, Self::poll_switches);
        }));
    }
}

/// What every tenant's calls of today and of the day before have cost, by node.
///
/// # Errors
/// When the database cannot be asked.
pub fn spent_today(store: &Store) -> Result<Vec<NodeDayCost>, StoreError> {
    let today = Utc::now().date_naive();
    let yesterday = today.pred_opt().unwrap_or(today);
    store.node_day_costs(Scope::AllTenants, yesterday, today)
}

impl Actor for Persistence {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.go_on(context);
        self.poll_switches(context);
        context.run_interval(LOOK, Self::look);
    }
}

impl Shell for Persistence {
    type Message = PersistenceMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: PersistenceMessage, context: &mut Self::Context) {
        match message {
            PersistenceMessage::Wake => {}
            PersistenceMessage::Flush { reply } => self.flushes.push((self.queue.mark(), reply)),
        }
        self.go_on(context);
    }
}

crate::receives_letters!(Persistence);
