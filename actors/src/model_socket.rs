//! The model's socket, as it is written to.
//!
//! Two write: the session, whatever the call wants said, and the media path, the
//! caller's frames as they come. A frame does not wait for the session's task to
//! have its turn; when the socket does not take it, the session's task is woken
//! once it does, and goes on.

use std::task::{Context, Poll, ready};

use actix_http::ws::{Message, ProtocolError};
use futures_util::SinkExt as _;
use futures_util::stream::SplitSink;
use trunkline_connectors::websocket::Connection;

/// See the module's text.
pub struct ModelSocket {
    sink: SplitSink<Connection, Message>,
    unflushed: bool,
}

impl ModelSocket {
    /// The writing half of an open connection.
    #[must_use]
    pub fn new(sink: SplitSink<Connection, Message>) -> Self {
        Self { sink, unflushed: false }
    }

    /// Writes what `next` gives, as long as the socket takes it, and flushes once.
    /// Pending: more waits than the socket takes, and `task` is woken when it does.
    ///
    /// # Errors
    /// When the socket is broken.
    pub fn poll_write(
        &mut self,
        task: &mut Context<'_>,
        mut has_more: impl FnMut() -> bool,
        mut next: impl FnMut() -> Option<Message>,
    ) -> Poll<Result<(), ProtocolError>> {
        while has_more() {
            ready!(self.sink.poll_ready_unpin(task))?;
            let Some(message) = next() else {
                break;
            };
            self.sink.start_send_unpin(message)?;
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(self.sink.poll_flush_unpin(task))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for ModelSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelSocket").field("unflushed", &self.unflushed).finish_non_exhaustive()
    }
}
