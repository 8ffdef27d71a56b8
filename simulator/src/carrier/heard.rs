//! What the phone plays, told from the watermarks in the audio itself.

use std::collections::VecDeque;

use serde::Serialize;
use trunkline_core::time::Micros;

use crate::speech::watermark::{self, MARK_BYTES};

/// A watermark in the received audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Bytes received before it.
    pub(super) offset: u64,
    pub(super) response: u16,
    pub(super) frame: u16,
}

/// Finds watermarks wherever they lie: the server may cut the audio anew, and
/// an item need not end on a frame's border.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// The end of the audio before, which may hold the start of a mark.
    tail: Vec<u8>,
    /// Received offset of the tail's first byte.
    offset: u64,
}

impl Scanner {
    pub(super) fn scan(&mut self, audio: &[u8], found: &mut VecDeque<Stamp>) {
        self.tail.extend_from_slice(audio);
        let mut at = 0;
        while let Some(window) = self.tail.get(at..at + MARK_BYTES) {
            if let Some((response, frame)) = watermark::read(window) {
                found.push_back(Stamp { offset: self.offset + as_u64(at), response, frame });
                at += MARK_BYTES;
            } else {
                at += 1;
            }
        }
        self.tail.drain(..at);
        self.offset += as_u64(at);
    }
}

/// What was heard of one response, by watermark. Times in milliseconds of the
/// call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// The response's number.
    pub response: u16,
    /// Frames played, 20 ms each.
    pub frames: u64,
    /// The last frame's number.
    pub last_frame: u16,
    /// When the first frame began to play.
    pub first_ms: u64,
    /// When the last frame began to play.
    pub last_ms: u64,
    /// Frames that were missing or out of order.
    pub skips: u64,
    /// Whether a `clear` cut it off.
    pub cleared: bool,
}

impl Heard {
    /// The entry of `response`, made when it is heard first.
    pub(super) fn of(all: &mut Vec<Self>, response: u16, at: Micros) -> &mut Self {
        // The response that plays is among the last ones.
        let place = all.iter().rposition(|heard| heard.response == response);
        let place = place.unwrap_or_else(|| {
            let ms = at.as_millis();
            let new = Self {
                response,
                frames: 0,
                last_frame: 0,
                first_ms: ms,
                last_ms: ms,
                skips: 0,
                cleared: false,
            };
            all.push(new);
            all.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
        &mut all[place]
    }

    pub(super) fn note(&mut self, frame: u16, at: Micros) {
        let expected = if self.frames == 0 { 0 } else { self.last_frame.wrapping_add(1) };
        if frame != expected {
            self.skips += 1;
        }
        self.frames += 1;
        self.last_frame = frame;
        self.last_ms = at.as_millis();
    }

    /// Marks a response as cut off, though nothing of it was heard yet.
    pub(super) fn cut(all: &mut Vec<Self>, response: u16) {
        if let Some(heard) = all.iter_mut().rfind(|heard| heard.response == response) {
            heard.cleared = true;
        } else {
            Self::of(all, response, Micros::ZERO).cleared = true;
        }
    }
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
