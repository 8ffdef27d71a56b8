//! WebSockets with as little around them as load needs: a message is read from
//! one shared buffer and written with one system call, nothing is allocated for
//! it, and no task stands between the socket and whoever uses it.
//!
//! It knows plain TCP and messages in one frame, which is what a relay under
//! load sends. For everything else there are the full connections.

mod connection;
mod frame;
mod handshake;

pub(crate) use connection::{Connection, End, Event, READ_BYTES};
pub(crate) use handshake::{HandshakeError, answer, connect, read_head, upgrade};
