//! What the phone plays, told from the watermarks in the audio itself.

use serde::Serialize;
use trunkline_core::time::Micros;

pub(super) use crate::speech::watermark::{Scanner, Stamp};

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
        if self.frames == 0 {
            // It may have been cut off before any of it was heard, and sent again.
            self.first_ms = at.as_millis();
        }
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
