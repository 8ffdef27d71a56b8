//! What is due later, in order of time and then of insertion.

use std::collections::BTreeMap;

/// Things to do, each at a time in milliseconds.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    due: BTreeMap<(u64, u64), T>,
    inserted: u64,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self { due: BTreeMap::new(), inserted: 0 }
    }

    pub(crate) fn at(&mut self, at_ms: u64, thing: T) {
        self.inserted += 1;
        self.due.insert((at_ms, self.inserted), thing);
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.due.keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// The next thing that is due by `now_ms`.
    pub(crate) fn pop(&mut self, now_ms: u64) -> Option<T> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now_ms).then(|| entry.remove())
    }

    /// Takes out everything that `which` names, in order.
    pub(crate) fn take(&mut self, mut which: impl FnMut(&T) -> bool) -> Vec<T> {
        self.due.extract_if(.., |_, thing| which(thing)).map(|(_, thing)| thing).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.due.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_time_then_insertion_and_taking_leaves_the_rest() {
        let mut queue = Queue::new();
        queue.at(20, "c");
        queue.at(10, "a");
        queue.at(20, "d");
        queue.at(10, "b");
        assert_eq!(queue.next_ms(), Some(10));
        assert_eq!(queue.pop(9), None);
        assert_eq!(queue.take(|t| matches!(*t, "b" | "d")), ["b", "d"]);
        assert_eq!((queue.pop(30), queue.pop(30), queue.pop(30)), (Some("a"), Some("c"), None));
    }
}
