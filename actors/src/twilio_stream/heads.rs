//! Frames that claim to be longer than any may be.
//!
//! The decoder looks at a frame's length when all of it is there, and keeps what
//! has come until then: a head of ten bytes would have it fill the memory. So
//! heads are read before they reach it, and it is told of one that is too long by
//! a length that it refuses at once, RFC 6455, 5.2: the first of 64 bits is zero.

use actix_web::web::{Bytes, BytesMut};
use trunkline_core::wire::twilio::stream::MAX_MESSAGE_BYTES;

/// A masked text frame of an impossible length.
const IMPOSSIBLE: [u8; 14] =
    [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
/// Bytes of a mask.
const MASK: u64 = 4;

/// Where a connection's frames begin and end.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// Bytes until the next frame's head.
    skip: u64,
    /// The beginning of a head whose end has not come: not handed on yet.
    begun: BytesMut,
    /// A frame was too long: what follows is nobody's business.
    over: bool,
}

impl Heads {
    /// What may be handed on when these bytes have come.
    pub(super) fn pass(&mut self, bytes: Bytes) -> Bytes {
        if self.over {
            return Bytes::new();
        }
        // A frame comes in one piece, as a rule, and is handed on as it is.
        let bytes = if self.begun.is_empty() {
            bytes
        } else {
            let mut joined = self.begun.split();
            joined.extend_from_slice(&bytes);
            joined.freeze()
        };
        self.walk(&bytes)
    }

    fn walk(&mut self, bytes: &Bytes) -> Bytes {
        let whole = bytes.len();
        let mut at = 0;
        loop {
            let left = whole - at;
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(left);
            self.skip -= skipped as u64;
            at += skipped;
            let head = bytes.get(at..).unwrap_or_default();
            if head.is_empty() {
                return bytes.clone();
            }
            match frame_len(head) {
                None => {
                    self.begun.extend_from_slice(head);
                    return bytes.slice(..at);
                }
                Some(length) if length.payload > MAX_MESSAGE_BYTES as u64 => {
                    self.over = true;
                    let mut good = BytesMut::from(bytes.get(..at).unwrap_or_default());
                    good.extend_from_slice(&IMPOSSIBLE);
                    return good.freeze();
                }
                Some(length) => self.skip = length.whole,
            }
        }
    }
}

struct Length {
    payload: u64,
    /// The head included.
    whole: u64,
}

/// The length that a frame's head claims; none when more of the head must come.
fn frame_len(head: &[u8]) -> Option<Length> {
    let (_, rest) = head.split_first()?;
    let (second, rest) = rest.split_first()?;
    let mask = if second & 0x80 == 0 { 0 } else { MASK };
    let (payload, bytes) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
        short => (u64::from(short), 0),
    };
    Some(Length { payload, whole: payload.saturating_add(2 + bytes + mask) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use actix_codec::{Decoder as _, Encoder as _};
    use actix_http::ws::{Codec, Frame, Message};
    use actix_web::web::BytesMut;
    use proptest::prelude::*;

    use super::*;

    fn text(length: usize) -> Vec<u8> {
        let mut out = BytesMut::new();
        let mut codec = Codec::new().client_mode();
        codec.encode(Message::Text("x".repeat(length).into()), &mut out).unwrap();
        out.to_vec()
    }

    /// What passes, however the bytes are cut.
    fn passed(bytes: &[u8], pieces: &[usize]) -> Vec<u8> {
        let (mut heads, mut out, mut rest) = (Heads::default(), Vec::new(), bytes);
        for piece in pieces.iter().cycle() {
            let (now, later) = rest.split_at((*piece).clamp(1, rest.len().max(1)).min(rest.len()));
            out.extend_from_slice(&heads.pass(Bytes::copy_from_slice(now)));
            rest = later;
            if rest.is_empty() {
                return out;
            }
        }
        out
    }

    #[test]
    fn a_frame_that_is_too_long_is_told_by_its_head() {
        for length in [MAX_MESSAGE_BYTES as u64 + 1, 1 << 40, u64::MAX] {
            let mut bytes = text(3);
            bytes.extend_from_slice(&[0x81, 0xff]);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(&[7; 100]);
            for pieces in [&[1][..], &[3, 11], &[1_000]] {
                let passed = passed(&bytes, pieces);
                assert_eq!(passed, [&text_without_mask(&bytes)[..], &IMPOSSIBLE].concat());
            }
        }
    }

    fn text_without_mask(bytes: &[u8]) -> Vec<u8> {
        bytes[..2 + 4 + 3].to_vec()
    }

    #[test]
    fn the_decoder_is_told_by_what_passes() {
        let mut codec = Codec::new().max_size(MAX_MESSAGE_BYTES);
        let mut impossible = BytesMut::from(&IMPOSSIBLE[..]);
        let refused = codec.decode(&mut impossible);
        assert!(matches!(refused, Err(actix_http::ws::ProtocolError::Overflow)), "{refused:?}");
        let longest = passed(&text(MAX_MESSAGE_BYTES), &[1_000]);
        let read = codec.decode(&mut BytesMut::from(&longest[..])).unwrap();
        assert!(matches!(read, Some(Frame::Text(text)) if text.len() == MAX_MESSAGE_BYTES));
    }

    proptest! {
        #[test]
        fn good_frames_pass_as_they_are(
            lengths in prop::collection::vec(0_usize..70_000, 1..6),
            pieces in prop::collection::vec(1_usize..3_000, 1..8),
        ) {
            let all: Vec<u8> = lengths.iter().map(|l| (*l).min(MAX_MESSAGE_BYTES)).flat_map(text).collect();
            prop_assert_eq!(passed(&all, &pieces), all);
        }

        #[test]
        fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 1..600), piece in 1_usize..40) {
            prop_assert!(passed(&bytes, &[piece]).len() <= bytes.len() + IMPOSSIBLE.len());
        }
    }
}
