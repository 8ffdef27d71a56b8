//! The stream's writer.

use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix::fut::ActorFuture;
use trunkline_core::time::Micros;

use crate::call::{CallActor, CallMessage};
use crate::media_link::MediaLink;
use crate::message::Link;

use super::{State, StreamContext, TwilioStream};

/// Moves agent audio from the media path to the socket, at the times the path
/// names. Polled while the response is polled, so a peer that does not read is
/// not written to.
pub(super) struct Pump {
    media: Rc<MediaLink>,
    call: Link<CallActor>,
    sleep: Pin<Box<tokio::time::Sleep>>,
    /// Whether the sleep is set, and for the downlink's next time.
    waits: bool,
}

impl Pump {
    pub(super) fn new(media: Rc<MediaLink>, call: Link<CallActor>) -> Self {
        Self { media, call, sleep: Box::pin(tokio::time::sleep(Duration::ZERO)), waits: false }
    }
}

impl ActorFuture<TwilioStream> for Pump {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        stream: &mut TwilioStream,
        context: &mut StreamContext,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        if matches!(stream.state, State::Closing) {
            return Poll::Ready(());
        }
        self.media.register_down(task.waker());
        while self.media.down_has_changed() || self.is_due(task) {
            self.waits = false;
            if let Some(at) = self.write(stream, context) {
                let deadline = tokio::time::Instant::from_std(self.media.clock().instant(at));
                self.sleep.as_mut().reset(deadline);
                self.waits = true;
            }
        }
        Poll::Pending
    }
}

impl Pump {
    /// Whether the time has come that the downlink named.
    fn is_due(&mut self, task: &mut TaskContext<'_>) -> bool {
        self.waits && self.sleep.as_mut().poll(task).is_ready()
    }

    /// Hands over what may go now; answers when to look again.
    fn write(&self, stream: &mut TwilioStream, context: &mut StreamContext) -> Option<Micros> {
        let now = self.media.clock().now();
        self.media.write_down(now, |text| {
            stream.frames_down += 1;
            context.text(text);
        });
        let downlink = self.media.downlink();
        if downlink.has_news() {
            self.call.tell(CallMessage::Notices);
        }
        downlink.next_write()
    }
}
