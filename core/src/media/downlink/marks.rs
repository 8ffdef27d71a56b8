//! Marks: names that follow the audio and come back when it was played.

use std::collections::VecDeque;
use std::collections::vec_deque::Drain;

use crate::ids::{ItemId, StreamSid};
use crate::media::segment::Segment;
use crate::wire::twilio::write_mark;

/// A mark follows this much audio: 120 ms, which is one chunk.
pub const MARK_SPACING_BYTES: u64 = 960;

/// Marks that may be outstanding: the lead holds about seven.
const KEPT_MARKS: usize = 64;

/// One mark that is on its way.
#[derive(Debug)]
pub(super) struct Mark {
    number: u64,
    pub(super) item: ItemId,
    /// How far into the item it stands, in bytes.
    pub(super) bytes: u64,
    /// Whether the item ends there.
    pub(super) finishes: bool,
}

/// The marks that have not come back, oldest first.
#[derive(Debug, Default)]
pub(super) struct Marks {
    outstanding: VecDeque<Mark>,
    next: u64,
}

impl Marks {
    /// Makes the mark for where `segment` is; answers its message for the carrier.
    pub(super) fn set(
        &mut self,
        segment: &mut Segment,
        finishes: bool,
        generation: u64,
        stream: &StreamSid,
    ) -> String {
        segment.unmarked_bytes = 0;
        let number = self.next;
        self.next += 1;
        let (item, bytes) = (segment.item.clone(), segment.sent_bytes);
        self.outstanding.push_back(Mark { number, item, bytes, finishes });
        // Marks of a carrier that returns none are not kept for ever.
        if self.outstanding.len() > KEPT_MARKS {
            self.outstanding.pop_front();
        }
        let name = format!("{generation}.{number}{}", if finishes { ".end" } else { "" });
        let mut message = String::new();
        write_mark(&mut message, stream, &name);
        message
    }

    /// Takes what a returned mark tells of: its own place and those before it. None
    /// when it is no mark of ours, or of an older generation than `generation`, and
    /// so came back because of a clear.
    pub(super) fn take(&mut self, name: &str, generation: u64) -> Option<Drain<'_, Mark>> {
        let (of, number) = parse(name)?;
        let known = self.outstanding.iter().position(|m| m.number == number)?;
        (of == generation).then(|| self.outstanding.drain(..=known))
    }

    /// What comes back from now on means nothing.
    pub(super) fn forget(&mut self) {
        self.outstanding.clear();
    }
}

fn parse(name: &str) -> Option<(u64, u64)> {
    let mut parts = name.split('.');
    let generation = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    Some((generation, number))
}

const _: () = assert!(MARK_SPACING_BYTES >= 800, "a mark every 100 ms at most");
