//! What waits for the database.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use trunkline_store::Record;

use crate::metrics;

/// Records committed together at most. Two hundred small rows take SQLite a few
/// milliseconds, well under the hundred that a record may wait.
const BATCH: usize = 256;

/// What waits for the database. Outlives the actor; shared by all threads.
#[derive(Debug)]
pub struct RecordQueue {
    held: Mutex<Held>,
    bound: usize,
    overflowing: AtomicBool,
    database_up: AtomicBool,
    journal_up: AtomicBool,
    wake_sent: AtomicBool,
    /// How many records are committed, for those who wait for theirs.
    announced: watch::Sender<u64>,
}

/// One lock over all of it: two could be taken in either order.
#[derive(Debug, Default)]
struct Held {
    waiting: VecDeque<Waiting>,
    /// The batch that is being written; kept until it is committed, so that a
    /// writer that dies loses nothing. Applying it twice is applying it once.
    in_flight: Vec<Waiting>,
    /// Which batch that is.
    batch: BatchNumber,
    /// Records that were ever taken in, and those of them that are committed.
    taken_in: u64,
    committed: u64,
}

#[derive(Debug)]
struct Waiting {
    record: Record,
    since: Instant,
}

/// A place in the order of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

/// A batch's number: one that was taken again, with more, has another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BatchNumber(u64);

/// Records that are to be committed together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) number: BatchNumber,
    pub(super) records: Vec<Record>,
    /// How long the first of them has waited.
    pub(super) waited: Duration,
}

impl RecordQueue {
    /// An empty queue for at most `bound` records.
    #[must_use]
    pub fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self {
            held: Mutex::default(),
            bound,
            overflowing: AtomicBool::new(false),
            database_up: AtomicBool::new(true),
            journal_up: AtomicBool::new(true),
            wake_sent: AtomicBool::new(false),
            announced: watch::Sender::new(0),
        })
    }

    /// Puts a record into the queue; answers whether there was room.
    pub fn push(&self, record: Record) -> bool {
        self.put(record).is_some()
    }

    /// The same; answers with the place behind it, where there was room.
    pub(crate) fn put(&self, record: Record) -> Option<Mark> {
        let mut held = self.lock();
        if held.waiting.len() >= self.bound {
            drop(held);
            metrics::records_dropped("queue_full", 1);
            if !self.overflowing.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    bound = self.bound,
                    kind = record.kind(),
                    "the record queue is full: records are being dropped"
                );
            }
            return None;
        }
        held.waiting.push_back(Waiting { record, since: Instant::now() });
        held.taken_in += 1;
        metrics::records_waiting(held.waiting.len());
        Some(Mark(held.taken_in))
    }

    /// Waits until every record before this place is committed, to the database or to
    /// the journal, whatever becomes of the writer meanwhile.
    pub(crate) fn until_committed(&self, mark: Mark) -> impl Future<Output = ()> + use<> {
        let mut committed = self.announced.subscribe();
        async move {
            // It fails where nobody can commit any more: then nobody waits either.
            if committed.wait_for(|committed| Mark(*committed) >= mark).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether the writer must be told that there is something: only the first of
    /// many records in a row sends a message.
    pub(crate) fn needs_wake(&self) -> bool {
        !self.wake_sent.swap(true, Ordering::AcqRel)
    }

    /// Whether the database took what it was given last, and in good time.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.database_up.load(Ordering::Relaxed)
    }

    /// Whether the journal, where there is one, took what it was given last.
    #[must_use]
    pub fn is_journal_up(&self) -> bool {
        self.journal_up.load(Ordering::Relaxed)
    }

    /// Records that are not committed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        let held = self.lock();
        held.waiting.len() + held.in_flight.len()
    }

    /// Whether everything is committed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place behind the last record so far.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.lock().taken_in)
    }

    /// Whether every record before this place is committed.
    pub(super) fn has_committed(&self, mark: Mark) -> bool {
        Mark(self.lock().committed) >= mark
    }

    /// The next batch: what was taken before and is not committed comes first,
    /// and more is added to it. None when there is nothing.
    pub(super) fn take_batch(&self) -> Option<Batch> {
        self.wake_sent.store(false, Ordering::Release);
        let mut held = self.lock();
        let Held { waiting, in_flight, batch, .. } = &mut *held;
        let room = BATCH.saturating_sub(in_flight.len()).min(waiting.len());
        if room > 0 {
            in_flight.extend(waiting.drain(..room));
            batch.0 += 1;
            metrics::records_waiting(waiting.len());
        }
        batch_of(&held)
    }

    /// The batch that is being written, as it is.
    pub(super) fn batch_in_flight(&self) -> Option<Batch> {
        batch_of(&self.lock())
    }

    /// This batch is committed. One that was taken again, with more, in the
    /// meantime is not: it is written once more.
    pub(super) fn committed(&self, number: BatchNumber) {
        let mut held = self.lock();
        if held.batch != number {
            return;
        }
        held.committed += u64::try_from(held.in_flight.len()).unwrap_or(u64::MAX);
        for waiting in held.in_flight.drain(..) {
            metrics::record_durable(waiting.since.elapsed());
        }
        self.announced.send_replace(held.committed);
        drop(held);
        self.overflowing.store(false, Ordering::Relaxed);
    }

    /// The database took what it was given, or did not; answers whether that is news.
    pub(super) fn set_database_up(&self, up: bool) -> bool {
        metrics::store_up(up);
        self.database_up.swap(up, Ordering::Relaxed) != up
    }

    /// The journal took what it was given, or did not; answers whether that is news.
    pub(super) fn set_journal_up(&self, up: bool) -> bool {
        metrics::journal_up(up);
        self.journal_up.swap(up, Ordering::Relaxed) != up
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn batch_of(held: &Held) -> Option<Batch> {
    let waited = held.in_flight.first()?.since.elapsed();
    let records = held.in_flight.iter().map(|waiting| waiting.record.clone()).collect();
    Some(Batch { number: held.batch, records, waited })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use std::task::{Context, Waker};

    use chrono::Utc;
    use trunkline_core::ids::NodeId;
    use trunkline_store::NodeChange;

    use super::*;

    fn push(queue: &RecordQueue, count: usize) {
        for _ in 0..count {
            let node_id = NodeId::parse("node").unwrap();
            assert!(queue.push(Record::Node(NodeChange::Seen { node_id, at: Utc::now() })));
        }
    }

    fn take(queue: &RecordQueue) -> (BatchNumber, usize) {
        queue.take_batch().map(|batch| (batch.number, batch.records.len())).unwrap()
    }

    #[test]
    fn a_mark_is_reached_although_more_comes_behind_it() {
        let queue = RecordQueue::new(1_000);
        assert!(queue.has_committed(queue.mark()), "nothing was to be committed");
        push(&queue, BATCH);
        let mark = queue.mark();
        let (number, size) = take(&queue);
        assert_eq!(size, BATCH);
        push(&queue, 10);
        assert!(!queue.has_committed(mark));
        queue.committed(number);
        assert!(queue.has_committed(mark) && !queue.has_committed(queue.mark()));
        assert_eq!(queue.len(), 10);
    }

    #[test]
    fn whoever_waits_for_a_record_is_told_of_its_commit() {
        let queue = RecordQueue::new(1);
        let node_id = NodeId::parse("node").unwrap();
        let record = Record::Node(NodeChange::Seen { node_id, at: Utc::now() });
        let mark = queue.put(record.clone()).unwrap();
        assert_eq!(queue.put(record), None, "there is no room");
        let mut waits = std::pin::pin!(queue.until_committed(mark));
        let mut context = Context::from_waker(Waker::noop());
        let (number, _) = take(&queue);
        assert!(waits.as_mut().poll(&mut context).is_pending());
        queue.committed(number);
        assert!(waits.poll(&mut context).is_ready());
        let mut late = std::pin::pin!(queue.until_committed(mark));
        assert!(late.as_mut().poll(&mut context).is_ready(), "it was committed before");
    }

    #[test]
    fn a_batch_that_was_not_committed_is_taken_again() {
        let queue = RecordQueue::new(1_000);
        assert!(queue.take_batch().is_none());
        push(&queue, 3);
        let (first, size) = take(&queue);
        assert_eq!(size, 3);
        assert_eq!(take(&queue), (first, 3), "nothing came: it is the same");
        push(&queue, 2);
        assert_eq!(queue.batch_in_flight().map(|batch| batch.records.len()), Some(3));
        let (second, size) = take(&queue);
        assert_eq!((size, queue.len()), (5, 5));
        queue.committed(first);
        assert_eq!(queue.len(), 5, "it was taken again, with more");
        queue.committed(second);
        assert!(queue.is_empty() && queue.has_committed(queue.mark()));
        queue.committed(second);
        assert!(queue.has_committed(queue.mark()) && queue.lock().committed == 5, "once");
    }
}
