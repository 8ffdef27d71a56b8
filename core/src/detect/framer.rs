//! Cuts what the carrier sends into frames of 20 ms. Carriers send just that; one
//! that sends other lengths is understood too.

use crate::audio::FRAME_BYTES;
use crate::audio::g711::SILENCE;
use crate::time::Micros;
use crate::turn::playback::mulaw_time;

/// One frame, and what came before it.
pub(super) type Frame = [u8; FRAME_BYTES];

/// Bytes of a frame that is not full yet.
#[derive(Debug)]
pub(super) struct Framer {
    bytes: Frame,
    held: usize,
}

impl Framer {
    pub(super) const fn new() -> Self {
        Self { bytes: [SILENCE; FRAME_BYTES], held: 0 }
    }

    /// Gives `full` each frame that became full, with the time of its end, where
    /// the last of `mulaw` came at `at`.
    pub(super) fn push(&mut self, mulaw: &[u8], at: Micros, mut full: impl FnMut(&Frame, Micros)) {
        let mut rest = mulaw;
        while !rest.is_empty() {
            let room = self.bytes.get_mut(self.held..).unwrap_or_default();
            let (taken, left) = rest.split_at(room.len().min(rest.len()));
            room.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
            self.held += taken.len();
            rest = left;
            if self.held >= FRAME_BYTES {
                self.held = 0;
                full(&self.bytes, at - mulaw_time(rest.len() as u64));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;

    fn frames(pieces: &[usize]) -> Vec<(u8, u64)> {
        let audio: Vec<u8> = (0..3_200_u16).map(|n| n.to_le_bytes()[0]).collect();
        let (mut framer, mut seen, mut from) = (Framer::new(), Vec::new(), 0);
        for piece in pieces {
            let to = from + piece;
            let at = mulaw_time(to as u64);
            framer.push(&audio[from..to], at, |f, at| seen.push((f[0], at.as_millis())));
            from = to;
        }
        seen
    }

    #[test]
    fn however_it_is_cut_the_frames_are_the_same() {
        let expected: Vec<_> = frames(&[160; 10]);
        assert_eq!(expected.first(), Some(&(0, 20)));
        assert_eq!(expected.get(9), Some(&(160, 200)), "1440 modulo 256, ending at 200 ms");
        assert_eq!(frames(&[1_600]), expected);
        assert_eq!(frames(&[100; 16]), expected);
        assert_eq!(frames(&[1, 0, 399, 1_200]), expected);
    }
}
