//! One item's audio in the downlink.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ids::ItemId;

use super::phrase::CHUNK_BYTES;

/// Base64 characters of one chunk.
const CHUNK_CHARS: usize = CHUNK_BYTES / 3 * 4;

/// What base64 cannot cut: three bytes as four characters.
const GROUP_BYTES: u64 = 3;
const GROUP_CHARS: usize = 4;

/// Audio that has gone and is kept: 1.5 s. The lead is a second and a chunk, and
/// a sentence is taken up a tenth of a second before where it was left.
pub(super) const TAIL_BYTES: u64 = 12_000;

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

/// Audio of one item: what waits, how much has gone, and the last of what has
/// gone, for as long as the caller may not have heard it.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) item: ItemId,
    /// The model's response it belongs to; none for a phrase.
    pub(super) response: Option<String>,
    /// Whether it may be heard: its response was admitted, or it is a phrase.
    pub(super) admitted: bool,
    /// Bytes of the item that have gone; what is to be sent again has not.
    pub(super) sent_bytes: u64,
    pub(super) unmarked_bytes: u64,
    /// No more audio will come.
    pub(super) finished: bool,
    /// Bytes of other items that have gone since all of it had.
    pub(super) sent_after: u64,
    queue: VecDeque<Audio>,
    /// Payloads at the front of the queue that have gone whole.
    gone: usize,
    /// Where in the item the queue begins, in bytes.
    kept_from: u64,
    /// Characters of the first payload that waits which have gone already.
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
            sent_after: 0,
            queue: VecDeque::new(),
            gone: 0,
            kept_from: 0,
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
        self.queue.iter().skip(self.gone).map(Audio::text)
    }

    /// Base64 characters that have not gone.
    pub(super) fn waiting_chars(&self) -> usize {
        self.waiting_chars
    }

    /// Base64 characters that have gone and are kept.
    pub(super) fn kept_chars(&self) -> usize {
        self.queue.iter().map(|a| a.text().len()).sum::<usize>().saturating_sub(self.waiting_chars)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.len() == self.gone
    }

    /// Hands the next chunk (at most [`CHUNK_BYTES`] of audio) to `send`; answers
    /// its bytes of audio, or none when nothing waits.
    pub(super) fn take_chunk(&mut self, send: impl FnOnce(&str)) -> Option<u64> {
        let text = self.queue.get(self.gone)?.text();
        let end = (self.taken + CHUNK_CHARS).min(text.len());
        let chunk = text.get(self.taken..end).unwrap_or_default();
        let bytes = decoded_len(chunk);
        self.waiting_chars = self.waiting_chars.saturating_sub(chunk.len());
        send(chunk);
        if end == text.len() {
            self.gone += 1;
            self.taken = 0;
        } else {
            self.taken = end;
        }
        self.sent_bytes += bytes;
        self.unmarked_bytes += bytes;
        self.forget_heard();
        Some(bytes)
    }

    /// What has gone of the item from its byte `to` on is to be sent again, or from
    /// a little before it, as base64 allows. What is kept no longer is not.
    pub(super) fn rewind(&mut self, to: u64) {
        if to >= self.sent_bytes {
            return;
        }
        let mut start = self.kept_from;
        for (index, audio) in self.queue.iter().enumerate() {
            let length = decoded_len(audio.text());
            if to < start + length {
                let groups = to.saturating_sub(start) / GROUP_BYTES;
                self.gone = index;
                self.taken = usize::try_from(groups).unwrap_or(0) * GROUP_CHARS;
                self.sent_bytes = start + groups * GROUP_BYTES;
                break;
            }
            start += length;
        }
        let waiting: usize = self.waiting().map(str::len).sum();
        self.waiting_chars = waiting.saturating_sub(self.taken);
        self.unmarked_bytes = 0;
    }

    /// Lets go of payloads that ended so long before the last that was sent that
    /// they must have been heard.
    fn forget_heard(&mut self) {
        while self.gone > 0 {
            let Some(length) = self.queue.front().map(|a| decoded_len(a.text())) else {
                return;
            };
            if self.sent_bytes.saturating_sub(self.kept_from + length) < TAIL_BYTES {
                return;
            }
            self.queue.pop_front();
            self.kept_from += length;
            self.gone -= 1;
        }
    }
}

/// Bytes that padded base64 stands for.
fn decoded_len(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take(2).filter(|b| *b == b'=').count();
    (base64.len() / 4 * 3).saturating_sub(padding) as u64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

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

    fn pattern(bytes: u8) -> Segment {
        let mut segment = Segment::new(ItemId::parse("i").unwrap(), None, true);
        for start in (0..bytes).step_by(30) {
            segment.push(&STANDARD.encode((start..start + 30).collect::<Vec<u8>>()));
        }
        segment
    }

    fn drain(segment: &mut Segment) -> Vec<u8> {
        let mut all = Vec::new();
        while segment.take_chunk(|c| all.extend(STANDARD.decode(c).unwrap())).is_some() {}
        all
    }

    #[test]
    fn goes_back_to_where_it_is_told_or_a_little_before() {
        for to in 0..120 {
            let mut segment = pattern(120);
            assert_eq!(drain(&mut segment).len(), 120);
            segment.rewind(to);
            let again = drain(&mut segment);
            let first = u64::from(again[0]);
            assert!(first <= to && to - first < 3, "told {to}, went to {first}");
            assert_eq!(again, (again[0]..120).collect::<Vec<_>>());
            assert_eq!((segment.sent_bytes, segment.waiting_chars()), (120, 0));
        }
    }

    #[test]
    fn goes_back_before_all_of_it_has_gone_and_never_forward() {
        let mut segment = pattern(90);
        segment.take_chunk(|_| {});
        segment.rewind(60);
        assert_eq!(segment.sent_bytes, 30, "that has not gone yet");
        segment.rewind(15);
        assert_eq!(segment.waiting_chars(), 100);
        assert_eq!(drain(&mut segment), (15..90).collect::<Vec<_>>());
    }

    #[test]
    fn keeps_a_tail_and_no_more() {
        let mut segment = Segment::new(ItemId::parse("i").unwrap(), None, true);
        let payload = STANDARD.encode([7; 960]);
        for sent in 1..200 {
            segment.push(&payload);
            segment.take_chunk(|_| {});
            let kept = segment.kept_chars() as u64 / 4 * 3;
            assert!(kept >= TAIL_BYTES.min(sent * 960) && kept < TAIL_BYTES + 960, "{kept}");
        }
        segment.rewind(0);
        assert_eq!(segment.sent_bytes % 960, 0, "as far back as there is something");
        assert!(segment.sent_bytes > 150_000);
    }
}
