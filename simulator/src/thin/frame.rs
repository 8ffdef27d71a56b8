//! WebSocket frames (RFC 6455, section 5.2) in a slice of bytes.

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text,
    Close,
    Ping,
    Pong,
    /// Binary, a continuation, or a number without a meaning.
    Other,
}

impl Opcode {
    const fn of(byte: u8) -> Self {
        match byte & 0x0f {
            0x1 => Self::Text,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => Self::Other,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Text => 0x1,
            Self::Other => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whether the message ends with this frame.
    pub(crate) last: bool,
    pub(crate) opcode: Opcode,
    pub(crate) key: Option<[u8; 4]>,
    /// Bytes before the payload.
    pub(crate) head_bytes: usize,
    pub(crate) payload_bytes: usize,
}

/// The frame's beginning; `None` while not all of it is there.
pub(crate) fn head(bytes: &[u8]) -> Option<Head> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (payload_bytes, rest, length_bytes) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest, 2)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            let length = usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX);
            (length, rest, 8)
        }
        short => (usize::from(short), rest, 0),
    };
    let masked = second & 0x80 != 0;
    let key = if masked { Some(*rest.first_chunk::<4>()?) } else { None };
    let head_bytes = 2 + length_bytes + if masked { 4 } else { 0 };
    let (last, opcode) = (first & 0x80 != 0, Opcode::of(first));
    Some(Head { last, opcode, key, head_bytes, payload_bytes })
}

/// Appends one whole message as one frame; masked, as a client must, with `key`.
pub(crate) fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) {
    let mask = if key.is_some() { 0x80 } else { 0 };
    out.push(0x80 | opcode.byte());
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ 0..=125), _) => out.push(mask | short),
        (_, Ok(length)) => {
            out.push(mask | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(mask | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(key.as_ref().map_or(&[][..], |key| key));
    let start = out.len();
    out.extend_from_slice(payload);
    if let (Some(key), Some(written)) = (key, out.get_mut(start..)) {
        mask_with(written, key);
    }
}

/// Masks, or takes the mask off.
pub(crate) fn mask_with(payload: &mut [u8], [a, b, c, d]: [u8; 4]) {
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c, d]) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(length in 0usize..70_000, key: Option<[u8; 4]>) {
            let payload: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut bytes = Vec::new();
            write(&mut bytes, Opcode::Text, &payload, key);
            let head = head(&bytes).unwrap();
            prop_assert_eq!(head.payload_bytes, length);
            prop_assert_eq!((head.last, head.opcode, head.key), (true, Opcode::Text, key));
            let mut read = bytes[head.head_bytes..].to_vec();
            if let Some(key) = key {
                mask_with(&mut read, key);
            }
            prop_assert_eq!(read, payload);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Some(head) = head(&bytes) {
                prop_assert!(head.head_bytes <= bytes.len());
            }
        }
    }

    #[test]
    fn half_a_head_is_none() {
        let mut bytes = Vec::new();
        write(&mut bytes, Opcode::Text, &[7; 300], Some([1, 2, 3, 4]));
        assert!((0..8).all(|n| head(&bytes[..n]).is_none()));
        assert_eq!(head(&bytes[..8]).unwrap().payload_bytes, 300);
    }
}
