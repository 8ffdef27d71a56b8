//! Frames of a length that is looked at before they are waited for.
//!
//! The codec compares a frame's length with its bound when all of the frame is
//! there, and keeps what has come until then. A peer that claims 2^62 bytes and
//! sends on would fill the memory.

use actix_codec::{Decoder, Encoder};
use actix_http::ws::{Codec, Frame, Message, ProtocolError};
use bytes::BytesMut;

/// The codec of WebSockets, with a bound that holds from a frame's head on.
#[derive(Debug)]
pub struct Bounded {
    pub(crate) codec: Codec,
    /// Bytes of a frame's payload.
    pub(crate) most: usize,
}

impl Decoder for Bounded {
    type Item = Frame;
    type Error = ProtocolError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Frame>, ProtocolError> {
        if claimed_bytes(bytes).is_some_and(|claimed| claimed > self.most as u64) {
            return Err(ProtocolError::Overflow);
        }
        self.codec.decode(bytes)
    }
}

impl Encoder<Message> for Bounded {
    type Error = ProtocolError;

    fn encode(&mut self, message: Message, bytes: &mut BytesMut) -> Result<(), ProtocolError> {
        self.codec.encode(message, bytes)
    }
}

/// The length of the payload that a frame's head claims, RFC 6455, 5.2; none while
/// the head is not there.
fn claimed_bytes(head: &[u8]) -> Option<u64> {
    match head.get(1)? & 0x7f {
        126 => Some(u64::from(u16::from_be_bytes(*head.get(2..)?.first_chunk()?))),
        127 => Some(u64::from_be_bytes(*head.get(2..)?.first_chunk()?)),
        short => Some(u64::from(short)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<Option<Frame>, ProtocolError> {
        let codec = Codec::new().client_mode().max_size(1_000);
        Bounded { codec, most: 1_000 }.decode(&mut BytesMut::from(bytes))
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_at_its_head() {
        for length in [1_001, 1 << 40, (1 << 63) - 1, u64::MAX] {
            let head = [&[0x81, 127][..], &length.to_be_bytes()].concat();
            assert!(matches!(decoded(&head), Err(ProtocolError::Overflow)), "{length}");
        }
        assert!(matches!(decoded(&[0x81, 126, 0x03, 0xe9]), Err(ProtocolError::Overflow)));
        assert!(matches!(decoded(&[0x81, 126, 0x03, 0xe8]), Ok(None)), "a thousand may come");
        assert!(matches!(decoded(&[0x81, 127, 0, 0]), Ok(None)), "the head is not there");
        assert!(matches!(decoded(&[0x81, 2, b'h', b'i']), Ok(Some(Frame::Text(t))) if t == "hi"));
    }
}
