//! Tasks that run beside the actors: who waits for an actor's end, and the alarms
//! that wake one. They are counted, so that one that outlives its actor is seen.
//!
//! What an actor runs inside itself, timers included, ends with the actor and is
//! not counted here; nor is what handles an HTTP connection, which is a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_rt::task::JoinHandle;

/// How many such tasks there are. Cheap to clone; shared by all threads.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<AtomicUsize>);

impl Tasks {
    /// Spawns a task on this thread. It counts until its future is dropped: at
    /// its end, or when it is aborted.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let counted = Counted::new(&self.0);
        actix_rt::spawn(async move {
            let _counted = counted;
            future.await
        })
    }

    /// How many live: one for each actor that `supervise` spawned, and one for
    /// each stream that carries a call.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(live))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn a_task_counts_until_it_ends_or_is_aborted() {
        let tasks = Tasks::default();
        let ends = tasks.spawn(async { 7 });
        let never = tasks.spawn(std::future::pending::<()>());
        assert_eq!(tasks.live(), 2, "before either was polled");
        assert_eq!(ends.await.unwrap(), 7);
        assert_eq!(tasks.live(), 1);
        never.abort();
        assert!(never.await.unwrap_err().is_cancelled());
        assert_eq!(tasks.live(), 0);
    }
}
