//! What the database said last, for many who look at it. Readings are numbered as they
//! begin: one that began earlier does not take the place of one that began later,
//! however late its answer comes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

/// A reading that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Reading(u64);

#[derive(Debug, Default)]
struct Shared<T> {
    begun: AtomicU64,
    known: RwLock<(u64, T)>,
}

/// See the module's text. Cheap to clone.
#[derive(Debug)]
pub(crate) struct Latest<T>(Arc<Shared<T>>);

impl<T> Clone for Latest<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Latest<T> {
    fn default() -> Self {
        Self(Arc::new(Shared::default()))
    }
}

impl<T> Latest<T> {
    /// To be called before the database is asked, and after what was changed in it.
    pub(crate) fn begin(&self) -> Reading {
        Reading(self.0.begun.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// What is known.
    pub(crate) fn look<R>(&self, at: impl FnOnce(&T) -> R) -> R {
        let known: RwLockReadGuard<'_, (u64, T)> =
            self.0.known.read().unwrap_or_else(PoisonError::into_inner);
        at(&known.1)
    }

    /// What a reading brought.
    pub(crate) fn put(&self, reading: Reading, brought: T) {
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if reading.0 > known.0 {
            *known = (reading.0, brought);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_that_began_earlier_does_not_undo_a_later_one() {
        let latest = Latest::<&str>::default();
        let (poll, change) = (latest.begin(), latest.begin());
        latest.put(change, "thrown");
        latest.put(poll, "as before");
        assert_eq!(latest.look(|known| *known), "thrown");
        latest.put(latest.begin(), "back");
        assert_eq!(latest.look(|known| *known), "back");
    }
}
