//! What goes to the model: what waits at one wake-up, in one write.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};

use actix::fut::ActorFuture;
use actix::{ActorContext as _, Context};
use actix_http::ws::{Message, ProtocolError};
use bytestring::ByteString;

use super::RealtimeSession;
use crate::media_link::MediaLink;
use crate::model_socket::ModelSocket;

/// Writes what waits whenever the session's task is woken.
pub(super) struct Writer {
    pub(super) socket: Rc<RefCell<ModelSocket>>,
    pub(super) media: Rc<MediaLink>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.media.detach_model(&self.socket);
    }
}

impl ActorFuture<RealtimeSession> for Writer {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        session: &mut RealtimeSession,
        context: &mut Context<RealtimeSession>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        self.media.register_up(task.waker());
        let wrote = {
            let session = RefCell::new(&mut *session);
            self.socket.borrow_mut().poll_write(
                task,
                || session.borrow().has_more(),
                || session.borrow_mut().next_message(),
            )
        };
        match wrote {
            Poll::Ready(Ok(())) if session.leaving => Poll::Pending,
            // Nothing of the call's is left to go ahead of a frame.
            Poll::Ready(Ok(())) => {
                self.media.attach_model(&self.socket);
                Poll::Pending
            }
            Poll::Ready(Err(error)) => session.write_failed(&error, context),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl RealtimeSession {
    fn has_more(&self) -> bool {
        !self.outbox.is_empty() || (!self.leaving && self.media.uplink().has_more())
    }

    fn next_message(&mut self) -> Option<Message> {
        self.outbox.pop_front().or_else(|| {
            // Nothing may follow a close frame.
            let frame = if self.leaving { None } else { self.media.uplink().pop() };
            frame.map(|frame| Message::Text(ByteString::from(frame)))
        })
    }

    /// Something waits that goes out ahead of frames: none goes by itself before
    /// that has gone.
    pub(super) fn put(&mut self, message: Message) {
        self.outbox.push_back(message);
        self.media.hold_frames();
        self.media.wake_up();
    }

    fn write_failed(&mut self, error: &ProtocolError, context: &mut Context<Self>) -> Poll<()> {
        if self.leaving {
            context.stop();
            return Poll::Ready(());
        }
        self.lose(&error.to_string(), true, context);
        Poll::Ready(())
    }
}
