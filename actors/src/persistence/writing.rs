//! How records reach the database, and the journal when they do not reach it at
//! once.
//!
//! As a rule a batch goes straight to the database. One that has not been
//! committed by [`JOURNAL_AFTER`], or could not be, is committed to the journal,
//! and from then on the database is *behind*: everything new goes to the journal
//! as well, so that the order is kept, and a drain moves it on in that order.
//! When the journal is empty the database is no longer behind.
//!
//! One thing at a time is done with the database, and one with the journal; a
//! write that does not come back holds up the first and not the second.

use std::time::{Duration, Instant};

use actix::fut::wrap_future;
use actix::{ActorFutureExt as _, AsyncContext as _, Context};
use chrono::Utc;
use trunkline_store::{Drained, Record, Store, StoreError};

use super::Persistence;
use super::queue::{Batch, BatchNumber};
use crate::metrics;

/// Waits between tries while the database, or the journal's disk, is away.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MOST: Duration = Duration::from_secs(2);

/// A record that the database has not committed when it has waited so long goes to
/// the journal. It is to be safe within 100 ms; the journal's disk needs a few to
/// some tens of them.
const JOURNAL_AFTER: Duration = Duration::from_millis(40);
/// Whatever its records have waited, a write is given this long.
const WRITE_AT_LEAST: Duration = Duration::from_millis(10);
/// A database that has not answered for so long counts as away.
const SLOW: Duration = Duration::from_secs(2);

/// Records drained together at most.
const DRAIN: u32 = 500;

/// What is under way.
pub(super) struct Progress {
    database: Work,
    /// Counts what is done with the database, for timers to know theirs.
    works: u64,
    /// Something is being put into the journal, or it is given time to recover.
    journalling: bool,
    /// New records must go behind those in the journal.
    behind: bool,
    /// The drain under way takes all there is: what comes meanwhile waits for it.
    last_round: bool,
    /// A batch that is in the journal while its write is still under way: the
    /// journal's place behind it.
    twice: Option<(BatchNumber, i64)>,
    full: bool,
    retry: Duration,
    journal_retry: Duration,
}

/// What is being done with the database.
#[derive(Clone, Copy, Debug)]
enum Work {
    Nothing,
    Writing {
        since: Instant,
    },
    Draining {
        since: Instant,
    },
    /// It failed, and is given time to recover.
    Waiting,
}

impl Work {
    fn since(self) -> Option<Instant> {
        match self {
            Self::Writing { since } | Self::Draining { since } => Some(since),
            Self::Nothing | Self::Waiting => None,
        }
    }
}

impl Progress {
    pub(super) fn new(behind: bool) -> Self {
        Self {
            database: Work::Nothing,
            works: 0,
            journalling: false,
            behind,
            last_round: false,
            twice: None,
            full: false,
            retry: RETRY_FIRST,
            journal_retry: RETRY_FIRST,
        }
    }

    /// Begins something with the database.
    fn begin(&mut self, work: Work) -> u64 {
        self.database = work;
        self.works += 1;
        self.works
    }

    fn is_idle(&self) -> bool {
        matches!(self.database, Work::Nothing)
    }
}

impl Persistence {
    /// Whatever can be begun is begun.
    pub(super) fn go_on(&mut self, context: &mut Context<Self>) {
        self.answer_flushes();
        let drained = self.journal.as_ref().is_none_or(trunkline_store::Journal::is_empty);
        if self.progress.is_idle() && !self.progress.journalling && drained {
            self.progress.behind = false;
        }
        if self.progress.is_idle() {
            if self.progress.behind {
                self.drain(context);
            } else {
                self.write(context);
            }
        }
        self.put_into_journal(context);
        self.show();
    }

    /// A batch goes straight to the database.
    fn write(&mut self, context: &mut Context<Self>) {
        let Some(Batch { number, records, waited }) = self.queue.take_batch() else {
            return;
        };
        let since = Instant::now();
        let work = self.progress.begin(Work::Writing { since });
        if self.journal.is_some() {
            let patience = JOURNAL_AFTER.saturating_sub(waited).max(WRITE_AT_LEAST);
            context.run_later(patience, move |actor, context| actor.too_slow(work, context));
        }
        let (store, size) = (self.store.clone(), records.len());
        let written = actix_rt::task::spawn_blocking(move || apply(&store, &records));
        context.spawn(wrap_future(written).map(move |done, actor: &mut Self, context| {
            match done {
                Ok(Ok(refused)) => {
                    metrics::records_written(size.saturating_sub(refused), since.elapsed());
                    actor.queue.committed(number);
                    actor.took();
                    actor.forget_twice(number, context);
                }
                Ok(Err(error)) => actor.failed(&error.to_string(), context),
                Err(error) => actor.failed(&error.to_string(), context),
            }
            actor.go_on(context);
        }));
    }

    /// The database has not answered: what waits for it goes to the journal.
    fn too_slow(&mut self, work: u64, context: &mut Context<Self>) {
        if self.progress.works == work && self.progress.database.since().is_some() {
            self.progress.behind = true;
            self.progress.last_round = false;
            self.go_on(context);
        }
    }

    /// The database took a batch that the journal had got as well by then.
    fn forget_twice(&mut self, number: BatchNumber, context: &mut Context<Self>) {
        let twice = self.progress.twice.take().filter(|(written, _)| *written == number);
        let (Some((_, last)), Some(journal)) = (twice, self.journal.clone()) else {
            return;
        };
        let since = Instant::now();
        self.progress.begin(Work::Draining { since });
        let removed = actix_rt::task::spawn_blocking(move || journal.remove_through(last));
        context.spawn(wrap_future(removed).map(|done, actor: &mut Self, context| {
            if let Ok(Err(error)) = done {
                // What is there twice is drained, which changes nothing.
                tracing::warn!(%error, "the journal could not be cleared");
            }
            actor.progress.database = Work::Nothing;
            actor.go_on(context);
        }));
    }

    /// The journal's oldest records go to the database.
    fn drain(&mut self, context: &mut Context<Self>) {
        let Some(journal) = self.journal.clone().filter(|journal| !journal.is_empty()) else {
            return;
        };
        let since = Instant::now();
        let work = self.progress.begin(Work::Draining { since });
        self.progress.last_round = self.queue.is_up()
            && !self.progress.journalling
            && journal.size().records <= u64::from(DRAIN);
        context.run_later(JOURNAL_AFTER, move |actor, context| actor.too_slow(work, context));
        let store = self.store.clone();
        let drained = actix_rt::task::spawn_blocking(move || journal.drain_into(&store, DRAIN));
        context.spawn(wrap_future(drained).map(move |done, actor: &mut Self, context| {
            actor.progress.last_round = false;
            match done {
                Ok(Ok(drained)) => {
                    complain_of_refused(&drained);
                    let stored = drained.records.saturating_sub(drained.refused.len());
                    metrics::records_written(stored, since.elapsed());
                    metrics::journal_drained(drained.records);
                    actor.took();
                }
                Ok(Err(error)) => actor.failed(&error.to_string(), context),
                Err(error) => actor.failed(&error.to_string(), context),
            }
            actor.go_on(context);
        }));
    }

    /// The next batch goes to the journal, if the database is behind.
    fn put_into_journal(&mut self, context: &mut Context<Self>) {
        let Progress { journalling, behind, last_round, .. } = self.progress;
        if journalling || !behind || last_round {
            return;
        }
        // While its write is under way a batch is put in as it is: the write may
        // yet succeed, and then it is known where in the journal it lies.
        let writing = matches!(self.progress.database, Work::Writing { .. });
        let in_flight = self.queue.batch_in_flight().filter(|_| writing);
        let twice = in_flight.is_some();
        let next = in_flight.or_else(|| self.queue.take_batch());
        let (Some(batch), Some(journal)) = (next, self.journal.clone()) else {
            return;
        };
        self.progress.journalling = true;
        let Batch { number, records, .. } = batch;
        let size = records.len();
        let put = actix_rt::task::spawn_blocking(move || journal.append(&records, Utc::now()));
        context.spawn(wrap_future(put).map(move |done, actor: &mut Self, context| {
            actor.progress.journalling = false;
            match done {
                Ok(Ok(appended)) => {
                    actor.queue.committed(number);
                    actor.journalled(size, appended.refused);
                    if twice {
                        actor.progress.twice = appended.last.map(|last| (number, last));
                    }
                }
                Ok(Err(error)) => actor.journal_failed(&error.to_string(), context),
                Err(error) => actor.journal_failed(&error.to_string(), context),
            }
            actor.go_on(context);
        }));
    }

    /// The database took what it was given.
    fn took(&mut self) {
        self.progress.database = Work::Nothing;
        self.progress.retry = RETRY_FIRST;
        if self.queue.set_database_up(true) {
            tracing::info!("the database takes records again");
        }
    }

    /// The database did not take what it was given: it is tried again.
    fn failed(&mut self, error: &str, context: &mut Context<Self>) {
        self.progress.twice = None;
        self.is_away(error);
        self.progress.behind = self.journal.is_some();
        let work = self.progress.begin(Work::Waiting);
        context.run_later(self.progress.retry, move |actor, context| {
            if actor.progress.works == work {
                actor.progress.database = Work::Nothing;
                actor.go_on(context);
            }
        });
        self.progress.retry = (self.progress.retry * 2).min(RETRY_MOST);
    }

    fn is_away(&self, error: &str) {
        if self.queue.set_database_up(false) {
            let held = if self.journal.is_some() { "in the journal" } else { "in memory" };
            tracing::error!(error, "the database takes no records; they wait {held}");
        }
    }

    fn journalled(&mut self, records: usize, refused: usize) {
        self.progress.journal_retry = RETRY_FIRST;
        metrics::journal_taken(records.saturating_sub(refused));
        metrics::records_dropped("journal_full", refused);
        if refused > 0 && !self.progress.full {
            tracing::error!("the journal is full: of calls only beginnings and ends are kept");
        }
        self.progress.full = refused > 0;
        if self.queue.set_journal_up(true) {
            tracing::info!("the journal takes records again");
        }
    }

    fn journal_failed(&mut self, error: &str, context: &mut Context<Self>) {
        if self.queue.set_journal_up(false) {
            tracing::error!(error, "the journal takes no records; they wait in memory");
        }
        self.progress.journalling = true;
        context.run_later(self.progress.journal_retry, |actor, context| {
            actor.progress.journalling = false;
            actor.go_on(context);
        });
        self.progress.journal_retry = (self.progress.journal_retry * 2).min(RETRY_MOST);
    }

    /// Every now and then.
    pub(super) fn look(&mut self, _: &mut Context<Self>) {
        if self.progress.database.since().is_some_and(|since| since.elapsed() >= SLOW) {
            self.is_away("it does not answer");
        }
        self.show();
    }

    fn show(&self) {
        if let Some(journal) = &self.journal {
            let size = journal.size();
            metrics::journal_up(self.queue.is_journal_up());
            metrics::journal_size(size.records, size.bytes, size.age(Utc::now()));
        }
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

fn complain_of_refused(drained: &Drained) {
    for (kind, reason) in &drained.refused {
        tracing::error!(kind, %reason, "the database refused a record of the journal");
    }
    metrics::records_dropped("refused", drained.refused.len());
}
