//! Server-sent events, as far as chat completions use them: bytes in, the
//! payloads of `data:` lines out. A line may be cut anywhere, in the middle of a
//! character or of a line's end.

use memchr::memchr2;

/// Longest line that is held, in bytes.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A line is longer than [`MAX_LINE_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {MAX_LINE_BYTES} bytes")]
pub struct TooLong;

/// Finds the lines in a stream of bytes.
#[derive(Debug, Default)]
pub struct Lines {
    /// The line that has not ended yet.
    held: Vec<u8>,
    /// The last line ended in CR: a LF after it is no line of its own.
    after_cr: bool,
}

impl Lines {
    /// Takes more bytes and calls `data` with the payload of each `data:` line
    /// that is complete, until it fails.
    ///
    /// # Errors
    /// When a line is too long, or as `data` does. What comes after is not read.
    pub fn push<E: From<TooLong>>(
        &mut self,
        mut bytes: &[u8],
        mut data: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = bytes.get(1..).unwrap_or_default();
                continue;
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                return Ok(self.hold(bytes)?);
            };
            let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            self.after_cr = rest.first() == Some(&b'\r');
            bytes = rest.get(1..).unwrap_or_default();
            if self.held.is_empty() {
                give(line, &mut data)?;
            } else {
                self.hold(line)?;
                let whole = std::mem::take(&mut self.held);
                give(&whole, &mut data)?;
            }
        }
        Ok(())
    }

    /// The stream is over: a last line without an end is a line.
    ///
    /// # Errors
    /// As `data` does.
    pub fn finish<E>(&mut self, mut data: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let whole = std::mem::take(&mut self.held);
        give(&whole, &mut data)
    }

    fn hold(&mut self, more: &[u8]) -> Result<(), TooLong> {
        if self.held.len() + more.len() > MAX_LINE_BYTES {
            return Err(TooLong);
        }
        self.held.extend_from_slice(more);
        Ok(())
    }
}

/// Hands on a line's payload, if it has one: comments, empty lines and other
/// fields have none.
fn give<E>(line: &[u8], data: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    match line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) {
        Some(payload) if !payload.is_empty() => data(payload),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut data = |payload: &[u8]| {
            seen.push(String::from_utf8_lossy(payload).into_owned());
            Ok::<(), TooLong>(())
        };
        for piece in pieces {
            lines.push(piece, &mut data).unwrap();
        }
        lines.finish(&mut data).unwrap();
        seen
    }

    #[test]
    fn every_way_to_cut_a_stream_gives_the_same_lines() {
        let text = ": hello\r\ndata: {\"a\":\"ü\"}\r\n\r\nevent: x\ndata:b\n\ndata:\rid: 7\rdata: c\r\n\r\ndata: [DONE]";
        let whole = ["{\"a\":\"ü\"}", "b", "c", "[DONE]"];
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let bytes = text.as_bytes();
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&pieces), whole, "{first} {second}");
            }
        }
        let singles: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(read(&singles), whole);
    }

    #[test]
    fn a_line_without_end_is_not_held_for_ever() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; 64 * 1024];
        let pushed = (0..17).try_for_each(|_| lines.push(&piece, |_| Ok::<(), TooLong>(())));
        assert_eq!(pushed, Err(TooLong));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(pieces in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b'd'), any::<u8>()], 0..20), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let whole = pieces.concat();
            prop_assert_eq!(read(&pieces), read(&[&whole]));
        }
    }
}
