//! Whether the carrier still sends.
//!
//! It sends a frame every 20 ms, silence included: a stream that has been mute
//! for long is dead, whatever its socket says.

use std::time::Duration;

use actix_rt::task::JoinHandle;

use crate::clock::CallClock;
use crate::message::Link;
use crate::node::Node;

use super::{TwilioMessage, TwilioStream};

/// Looks per limit, whichever of the two is shorter.
const LOOKS: u32 = 4;

/// How a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    /// Frames came since the last look.
    Beats,
    /// None came, but not for long yet.
    Faint,
    /// None came for longer than the limit.
    None,
}

/// Has the stream look at itself now and then, and remembers what it saw.
///
/// The alarm is a task of its own: a timer of the actor's would be polled with
/// every frame.
pub(super) struct Liveness {
    limit: Duration,
    seen: u64,
    at: CallClock,
    alarm: JoinHandle<()>,
}

impl Liveness {
    /// A stream may be mute for as long as the node's settings say; it must have
    /// been looked at several times before its session expires.
    pub(super) fn start(node: &Node, stream: Link<TwilioStream>) -> Self {
        let (limit, ttl) = (node.settings.stream_idle_timeout, node.settings.session_ttl);
        let every = (limit.min(ttl) / LOOKS).max(Duration::from_millis(50));
        let alarm = node.tree.tasks.spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                stream.tell(TwilioMessage::Look);
            }
        });
        Self { limit, seen: 0, at: CallClock::start(), alarm }
    }

    /// So many frames have come in all.
    pub(super) fn look(&mut self, frames: u64) -> Pulse {
        if frames != self.seen {
            self.seen = frames;
            self.at = CallClock::start();
            return Pulse::Beats;
        }
        if Duration::from(self.at.now()) > self.limit { Pulse::None } else { Pulse::Faint }
    }
}

impl Drop for Liveness {
    fn drop(&mut self) {
        self.alarm.abort();
    }
}
