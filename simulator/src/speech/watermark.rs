//! Eight octets at the start of a frame that say which frame of which response
//! it is, so that a simulated phone knows exactly what it plays.
//!
//! Layout: two octets of magic, then response number, frame number and check
//! sum, each 16 bits, most significant octet first. Any octet is good μ-law, so
//! a mark passes any path that carries the audio unchanged; to the ear it is a
//! click every 20 ms.

use std::collections::VecDeque;

/// Octets that a mark takes.
pub const MARK_BYTES: usize = 8;

/// Loud samples of alternating sign, which speech and comfort noise do not have.
const MAGIC: [u8; 2] = [0x02, 0x85];

/// Marks a frame as number `frame_index` of response number `response`. Frames
/// shorter than [`MARK_BYTES`] are left alone.
pub fn stamp(frame: &mut [u8], response: u16, frame_index: u16) {
    let Some(head) = frame.first_chunk_mut::<MARK_BYTES>() else {
        return;
    };
    let [r0, r1] = response.to_be_bytes();
    let [f0, f1] = frame_index.to_be_bytes();
    let [s0, s1] = check(response, frame_index).to_be_bytes();
    let [m0, m1] = MAGIC;
    *head = [m0, m1, r0, r1, f0, f1, s0, s1];
}

/// What [`stamp`] wrote: `(response, frame_index)`. `None` where the frame
/// begins with anything else.
#[must_use]
pub fn read(frame: &[u8]) -> Option<(u16, u16)> {
    let [m0, m1, r0, r1, f0, f1, s0, s1] = *frame.first_chunk::<MARK_BYTES>()?;
    let response = u16::from_be_bytes([r0, r1]);
    let frame_index = u16::from_be_bytes([f0, f1]);
    let sound = [m0, m1] == MAGIC && u16::from_be_bytes([s0, s1]) == check(response, frame_index);
    sound.then_some((response, frame_index))
}

/// Mixes both numbers so that no single changed octet, and no shift by an octet,
/// leaves a good sum.
fn check(response: u16, frame_index: u16) -> u16 {
    let both = (u32::from(response) << 16) | u32::from(frame_index);
    let mixed = (both ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b1);
    u16::try_from((mixed ^ (mixed >> 16)) & 0xffff).unwrap_or(0)
}

/// A watermark in the received audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Bytes received before it.
    pub(crate) offset: u64,
    pub(crate) response: u16,
    pub(crate) frame: u16,
}

/// Finds watermarks wherever they lie: the server may cut the audio anew, and
/// an item need not end on a frame's border.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    /// The end of the audio before, which may hold the start of a mark.
    tail: Vec<u8>,
    /// Received offset of the tail's first byte.
    offset: u64,
}

impl Scanner {
    pub(crate) fn scan(&mut self, audio: &[u8], found: &mut VecDeque<Stamp>) {
        self.tail.extend_from_slice(audio);
        let mut at = 0;
        while let Some(window) = self.tail.get(at..at + MARK_BYTES) {
            if let Some((response, frame)) = read(window) {
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

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_stamped_is_read(response: u16, index: u16, mut frame in proptest::collection::vec(any::<u8>(), 8..200)) {
            stamp(&mut frame, response, index);
            prop_assert_eq!(read(&frame), Some((response, index)));
        }

        #[test]
        fn one_changed_octet_is_noticed(response: u16, index: u16, place in 0usize..8, change in 1u8..) {
            let mut frame = [0u8; 8];
            stamp(&mut frame, response, index);
            frame[place] ^= change;
            prop_assert_ne!(read(&frame), Some((response, index)));
        }

        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let _seen = read(&bytes);
            stamp(&mut bytes, 1, 2);
        }
    }

    #[test]
    fn silence_bears_no_mark() {
        assert_eq!(read(&[0xff; 160]), None);
        assert_eq!(read(&[0x02, 0x85]), None);
    }
}
