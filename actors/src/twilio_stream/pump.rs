//! The stream's writer.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix::fut::ActorFuture;

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
}

impl Pump {
    pub(super) fn new(media: Rc<MediaLink>, call: Link<CallActor>) -> Self {
        Self { media, call, sleep: Box::pin(tokio::time::sleep(Duration::ZERO)) }
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
        loop {
            let now = self.media.clock().now();
            let (next, news) = {
                let mut downlink = self.media.downlink();
                downlink.poll_write(now, |text| {
                    stream.frames_down += 1;
                    context.text(text);
                });
                (downlink.next_write(), downlink.has_news())
            };
            if news {
                self.call.tell(CallMessage::Notices);
            }
            let Some(at) = next else {
                return Poll::Pending;
            };
            let deadline = tokio::time::Instant::from_std(self.media.clock().instant(at));
            self.sleep.as_mut().reset(deadline);
            if std::future::Future::poll(self.sleep.as_mut(), task).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
