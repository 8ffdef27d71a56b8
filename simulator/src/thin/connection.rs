//! One open connection.

use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

use super::frame::{self, Opcode};

/// Length of the buffer that connections share for reading, in bytes.
pub(crate) const READ_BYTES: usize = 64 * 1_024;

/// Longest message that is read, in bytes: it and its head fit the buffer.
const MAX_MESSAGE_BYTES: usize = READ_BYTES - 64;

/// Most bytes that wait for a peer who does not read.
const MAX_UNSENT_BYTES: usize = 256 * 1_024;

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A close frame came.
    Closed,
    /// The socket was closed or broke.
    Vanished,
    /// The peer sent something that is not understood here: a fragmented or far
    /// too long message.
    Foreign,
}

/// Something whole that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    Text(&'a str),
    /// A binary message, or a text that is none, of so many bytes.
    Binary(usize),
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// The beginning of a message whose end has not come.
    begun: Vec<u8>,
    /// What the kernel did not take.
    unsent: Vec<u8>,
    /// A client masks; the key changes with every message.
    mask: Option<u32>,
}

impl Connection {
    /// The client's end, once the handshake is over; `begun` was read beyond it.
    pub(crate) fn client(stream: TcpStream, begun: Vec<u8>, seed: u32) -> Self {
        Self { stream, begun, unsent: Vec::new(), mask: Some(seed | 1) }
    }

    /// The server's end.
    pub(crate) fn server(stream: TcpStream, begun: Vec<u8>) -> Self {
        Self { stream, begun, unsent: Vec::new(), mask: None }
    }

    /// Hands over what has come. Ready only at the connection's end. `buffer` is
    /// as long as [`READ_BYTES`].
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
        mut each: impl FnMut(Event<'_>),
    ) -> Poll<End> {
        loop {
            let kept = self.begun.len();
            let mut space = ReadBuf::new(buffer);
            space.put_slice(&self.begun);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut space));
            let total = space.filled().len();
            if read.is_err() || total == kept {
                return Poll::Ready(End::Vanished);
            }
            self.begun.clear();
            let bytes = buffer.get_mut(..total).unwrap_or_default();
            let used = match self.take_messages(bytes, &mut each) {
                Ok(used) => used,
                Err(end) => return Poll::Ready(end),
            };
            self.begun.extend_from_slice(bytes.get(used..).unwrap_or_default());
        }
    }

    fn take_messages(
        &mut self,
        bytes: &mut [u8],
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<usize, End> {
        let mut used = 0;
        while let Some(head) = frame::head(bytes.get(used..).unwrap_or_default()) {
            if head.payload_bytes > MAX_MESSAGE_BYTES || !head.last {
                return Err(End::Foreign);
            }
            let from = used + head.head_bytes;
            let Some(payload) = bytes.get_mut(from..from + head.payload_bytes) else {
                break;
            };
            if let Some(key) = head.key {
                frame::mask_with(payload, key);
            }
            used = from + payload.len();
            match head.opcode {
                Opcode::Text => each(match std::str::from_utf8(payload) {
                    Ok(text) => Event::Text(text),
                    Err(_) => Event::Binary(payload.len()),
                }),
                Opcode::Other => each(Event::Binary(payload.len())),
                Opcode::Ping => {
                    let mut pong = Vec::new();
                    self.frame(&mut pong, Opcode::Pong, payload);
                    if !self.send(&pong) {
                        return Err(End::Vanished);
                    }
                }
                Opcode::Pong => {}
                Opcode::Close => return Err(End::Closed),
            }
        }
        Ok(used)
    }

    /// Appends a text message to `out`, as it goes over this connection.
    pub(crate) fn text(&mut self, out: &mut Vec<u8>, text: &str) {
        self.frame(out, Opcode::Text, text.as_bytes());
    }

    /// Appends a close frame with this code.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>, code: u16) {
        self.frame(out, Opcode::Close, &code.to_be_bytes());
    }

    fn frame(&mut self, out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
        let key = self.mask.as_mut().map(|state| {
            // Marsaglia's xorshift with the shifts 13, 17 and 5.
            *state ^= *state << 13;
            *state ^= *state >> 17;
            *state ^= *state << 5;
            state.to_ne_bytes()
        });
        frame::write(out, opcode, payload, key);
    }

    /// Writes bytes that were made by this connection; what the kernel does not
    /// take goes ahead of the next ones. `false`: the connection is gone, or the
    /// peer has not read for long.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        if self.unsent.is_empty() {
            let Some(sent) = self.try_write(bytes) else {
                return false;
            };
            self.unsent.extend_from_slice(bytes.get(sent..).unwrap_or_default());
            return true;
        }
        self.unsent.extend_from_slice(bytes);
        let waiting = std::mem::take(&mut self.unsent);
        let Some(sent) = self.try_write(&waiting) else {
            return false;
        };
        self.unsent = waiting;
        self.unsent.drain(..sent);
        self.unsent.len() <= MAX_UNSENT_BYTES
    }

    /// Whether something waits for a peer who does not read.
    pub(crate) fn is_stuck(&self) -> bool {
        !self.unsent.is_empty()
    }

    fn try_write(&self, bytes: &[u8]) -> Option<usize> {
        match self.stream.try_write(bytes) {
            Ok(sent) => Some(sent),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(0),
            Err(_) => None,
        }
    }
}
