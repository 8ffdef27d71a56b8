//! What waits for the database.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    up: AtomicBool,
    wake_sent: AtomicBool,
}

/// One lock over all of it: two could be taken in either order.
#[derive(Debug, Default)]
struct Held {
    waiting: VecDeque<Record>,
    /// The batch that is being written; kept until it is committed, so that a
    /// writer that dies loses nothing. Applying it twice is applying it once.
    in_flight: Vec<Record>,
    /// Records that were ever taken in, and those of them that are committed.
    taken_in: u64,
    committed: u64,
}

/// A place in the order of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(u64);

impl RecordQueue {
    /// An empty queue for at most `bound` records.
    #[must_use]
    pub fn new(bound: usize) -> Arc<Self> {
        Arc::new(Self {
            held: Mutex::default(),
            bound,
            overflowing: AtomicBool::new(false),
            up: AtomicBool::new(true),
            wake_sent: AtomicBool::new(false),
        })
    }

    /// Puts a record into the queue; answers whether there was room.
    pub fn push(&self, record: Record) -> bool {
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
            return false;
        }
        held.waiting.push_back(record);
        held.taken_in += 1;
        metrics::records_waiting(held.waiting.len());
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

    /// The next batch: what was taken before and is not committed comes first.
    pub(super) fn take_batch(&self) -> Vec<Record> {
        self.wake_sent.store(false, Ordering::Release);
        let mut held = self.lock();
        let Held { waiting, in_flight, .. } = &mut *held;
        let room = BATCH.saturating_sub(in_flight.len()).min(waiting.len());
        in_flight.extend(waiting.drain(..room));
        metrics::records_waiting(waiting.len());
        in_flight.clone()
    }

    /// The batch taken last is committed.
    pub(super) fn committed(&self) {
        let mut held = self.lock();
        held.committed += u64::try_from(held.in_flight.len()).unwrap_or(u64::MAX);
        held.in_flight.clear();
        drop(held);
        self.overflowing.store(false, Ordering::Relaxed);
        self.set_up(true);
    }

    /// The database took a batch, or did not.
    pub(super) fn set_up(&self, up: bool) {
        if self.up.swap(up, Ordering::Relaxed) != up {
            if up {
                tracing::info!("the database takes records again");
            } else {
                tracing::error!("the database takes no records; they wait in memory");
            }
        }
        metrics::store_up(up);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
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

    #[test]
    fn a_mark_is_reached_although_more_comes_behind_it() {
        let queue = RecordQueue::new(1_000);
        assert!(queue.has_committed(queue.mark()), "nothing was to be committed");
        push(&queue, BATCH);
        let mark = queue.mark();
        assert_eq!(queue.take_batch().len(), BATCH);
        push(&queue, 10);
        assert!(!queue.has_committed(mark));
        queue.committed();
        assert!(queue.has_committed(mark) && !queue.has_committed(queue.mark()));
        assert_eq!(queue.len(), 10);
    }

    #[test]
    fn a_batch_that_was_not_committed_is_taken_again() {
        let queue = RecordQueue::new(1_000);
        push(&queue, 3);
        assert_eq!(queue.take_batch().len(), 3);
        push(&queue, 2);
        assert_eq!(queue.take_batch().len(), 5);
        assert_eq!(queue.len(), 5);
        queue.committed();
        assert!(queue.is_empty() && queue.has_committed(queue.mark()));
    }
}
