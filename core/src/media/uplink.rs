//! Caller audio on its way to the model.

use std::collections::VecDeque;

use crate::wire::realtime::write_append;

/// Frames kept while the model is not ready, or does not read: ten seconds. What
/// the caller said before the model was there is heard once it is; older audio
/// than this is worth less than memory.
const KEPT_FRAMES: usize = 500;

/// What an uplink has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UplinkCounts {
    /// Frames that came from the caller.
    pub frames: u64,
    /// Frames thrown away: the model was not reading, or they were no base64.
    pub dropped: u64,
}

/// A bounded queue of messages for the model, each a caller frame spliced into
/// the model's own message. When it is full the oldest frame goes.
#[derive(Debug, Default)]
pub struct Uplink {
    queue: VecDeque<String>,
    open: bool,
    /// Frames are kept as they come, for who does not speak the model's protocol.
    plain: bool,
    counts: UplinkCounts,
}

impl Uplink {
    /// A caller frame, as base64 in the form that the model was configured for.
    /// Answers whether there is something to write now.
    pub fn push(&mut self, payload: &str) -> bool {
        self.counts.frames += 1;
        let mut message = String::new();
        if self.plain {
            message.push_str(payload);
        } else if write_append(&mut message, payload).is_err() {
            self.counts.dropped += 1;
            return false;
        }
        if self.queue.len() == KEPT_FRAMES {
            self.queue.pop_front();
            self.counts.dropped += 1;
        }
        self.queue.push_back(message);
        self.open
    }

    /// Frames are given as they come from now on, base64, or (`false`) as messages
    /// of the model's. What waits in the other form is dropped.
    pub fn set_plain(&mut self, plain: bool) {
        if std::mem::replace(&mut self.plain, plain) != plain {
            self.counts.dropped += self.queue.len() as u64;
            self.queue.clear();
        }
    }

    /// The model takes audio from now on, or (`false`) no longer.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// The next message for the model, while it takes audio.
    pub fn pop(&mut self) -> Option<String> {
        if self.open { self.queue.pop_front() } else { None }
    }

    /// Messages that were taken and reached nobody wait again, before all others. Of
    /// more than fit the oldest go.
    pub fn give_back(&mut self, messages: Vec<String>) {
        for message in messages.into_iter().rev() {
            if self.queue.len() < KEPT_FRAMES {
                self.queue.push_front(message);
            } else {
                self.counts.dropped += 1;
            }
        }
    }

    /// Whether [`Self::pop`] has something to give.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.open && !self.queue.is_empty()
    }

    /// Frames that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Counts since the call began.
    #[must_use]
    pub fn counts(&self) -> UplinkCounts {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_the_model_was_ready_is_kept_in_order() {
        let mut uplink = Uplink::default();
        assert!(!uplink.push("AAAA"));
        assert!(!uplink.push("BBBB"));
        assert_eq!(uplink.pop(), None);
        uplink.set_open(true);
        let first = uplink.pop();
        assert!(first.as_deref().is_some_and(|m| m.contains("AAAA")), "{first:?}");
        assert!(uplink.push("CCCC"));
        assert_eq!(uplink.waiting(), 2);
    }

    #[test]
    fn plain_frames_are_given_as_they_came() {
        let mut uplink = Uplink::default();
        uplink.set_plain(true);
        uplink.set_open(true);
        assert!(uplink.push("AAAA"));
        assert_eq!(uplink.pop().as_deref(), Some("AAAA"));
        uplink.push("AAAA");
        uplink.set_plain(false);
        assert_eq!((uplink.pop(), uplink.counts().dropped), (None, 1));
    }

    #[test]
    fn what_reached_nobody_is_heard_first_by_the_next() {
        let mut uplink = Uplink::default();
        uplink.set_plain(true);
        uplink.set_open(true);
        uplink.push("CCCC");
        uplink.give_back(vec!["AAAA".to_owned(), "BBBB".to_owned()]);
        let all: Vec<String> = std::iter::from_fn(|| uplink.pop()).collect();
        assert_eq!(all, ["AAAA", "BBBB", "CCCC"]);
        uplink.give_back(vec!["old".to_owned(); 3]);
        uplink.give_back(vec!["new".to_owned(); KEPT_FRAMES]);
        assert_eq!((uplink.waiting(), uplink.counts().dropped), (KEPT_FRAMES, 3));
    }

    #[test]
    fn a_model_that_never_reads_costs_bounded_memory_and_is_counted() {
        let mut uplink = Uplink::default();
        for _ in 0..KEPT_FRAMES + 7 {
            uplink.push("AAAA");
        }
        assert_eq!(uplink.waiting(), KEPT_FRAMES);
        assert_eq!(uplink.counts().dropped, 7);
    }
}
