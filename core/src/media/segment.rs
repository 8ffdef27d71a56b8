//! One item's audio in the downlink.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ids::ItemId;

use super::phrase::CHUNK_BYTES;

/// Base64 characters of one chunk.
const CHUNK_CHARS: usize = CHUNK_BYTES / 3 * 4;

#[derive(Debug)]
enum Audio {
    Own(String),
    Shared(Arc<str>),
}

impl Audio {
    fn text(&self) -> &str {
        match self {
            Self::Own(text) => text,
            Self::Shared(text) => text,
        }
    }
}

/// Audio of one item: what waits, and how much has gone.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) item: ItemId,
    /// The model's response it belongs to; none for a phrase.
    pub(super) response: Option<String>,
    /// Whether it may be heard: its response was admitted, or it is a phrase.
    pub(super) admitted: bool,
    pub(super) sent_bytes: u64,
    pub(super) unmarked_bytes: u64,
    /// No more audio will come.
    pub(super) finished: bool,
    queue: VecDeque<Audio>,
    /// Characters of the front of the queue that have gone already.
    taken: usize,
    /// Characters that were put in and have not gone.
    waiting_chars: usize,
}

impl Segment {
    pub(super) fn new(item: ItemId, response: Option<String>, admitted: bool) -> Self {
        Self {
            item,
            response,
            admitted,
            sent_bytes: 0,
            unmarked_bytes: 0,
            finished: false,
            queue: VecDeque::new(),
            taken: 0,
            waiting_chars: 0,
        }
    }

    pub(super) fn push(&mut self, payload: &str) {
        if !payload.is_empty() {
            self.waiting_chars += payload.len();
            self.queue.push_back(Audio::Own(payload.to_owned()));
        }
    }

    pub(super) fn push_shared(&mut self, payload: &Arc<str>) {
        self.waiting_chars += payload.len();
        self.queue.push_back(Audio::Shared(Arc::clone(payload)));
    }

    /// Payloads that have not gone, the first of them perhaps in part.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &str> {
        self.queue.iter().map(Audio::text)
    }

    /// Base64 characters that have not gone.
    pub(super) fn waiting_chars(&self) -> usize {
        self.waiting_chars
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Hands the next chunk (at most [`CHUNK_BYTES`] of audio) to `send`; answers
    /// its bytes of audio, or none when nothing waits.
    pub(super) fn take_chunk(&mut self, send: impl FnOnce(&str)) -> Option<u64> {
        let front = self.queue.front()?;
        let text = front.text();
        let end = (self.taken + CHUNK_CHARS).min(text.len());
        let chunk = text.get(self.taken..end).unwrap_or_default();
        let bytes = decoded_len(chunk);
        self.waiting_chars = self.waiting_chars.saturating_sub(chunk.len());
        send(chunk);
        if end == text.len() {
            self.queue.pop_front();
            self.taken = 0;
        } else {
            self.taken = end;
        }
        self.sent_bytes += bytes;
        self.unmarked_bytes += bytes;
        Some(bytes)
    }
}

/// Bytes that padded base64 stands for.
fn decoded_len(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take(2).filter(|b| *b == b'=').count();
    (base64.len() / 4 * 3).saturating_sub(padding) as u64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn cuts_a_long_payload_where_base64_allows_and_keeps_every_byte() {
        let mut segment = Segment::new(ItemId::parse("i").unwrap(), None, true);
        segment.push(&"A".repeat(CHUNK_CHARS * 2 + 6));
        segment.push("AAA=");
        let mut sizes = Vec::new();
        while let Some(bytes) = segment.take_chunk(|chunk| assert!(!chunk.is_empty())) {
            sizes.push(bytes);
        }
        assert_eq!(sizes, [960, 960, 3, 2]);
        assert_eq!(segment.sent_bytes, 1_925);
    }
}
