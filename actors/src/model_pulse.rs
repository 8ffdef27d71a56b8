//! Whether the model still answers.
//!
//! A model that has nothing to say says nothing, and a connection whose other end
//! is gone, or stands still, says nothing either. So it is asked: a ping that
//! nobody answers tells them apart.

use std::time::Duration;

use actix_rt::task::JoinHandle;

use crate::message::Link;
use crate::realtime_session::{RealtimeSession, SessionMessage};

/// Between two questions.
const EVERY: Duration = Duration::from_secs(3);

/// Questions in a row that nobody answers, with no other word either, before the
/// model counts as gone: that is ten to twelve seconds after its last.
const UNANSWERED: u32 = 3;

/// Has a session look at itself now and then, and remembers what it saw.
///
/// The alarm is a task of its own: a timer of the actor's would be polled with
/// every frame.
pub(crate) struct Pulse {
    seen: u64,
    unanswered: u32,
    alarm: JoinHandle<()>,
}

impl Pulse {
    pub(crate) fn start(session: Link<RealtimeSession>) -> Self {
        let alarm = actix_rt::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                session.tell(SessionMessage::Look);
            }
        });
        Self { seen: 0, unanswered: 0, alarm }
    }

    /// So many frames have come in all: whether the model may be asked again, or is
    /// gone.
    pub(crate) fn beats(&mut self, frames: u64) -> bool {
        self.unanswered = if frames == self.seen { self.unanswered + 1 } else { 0 };
        self.seen = frames;
        self.unanswered < UNANSWERED
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.alarm.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_rt::test]
    async fn three_looks_without_a_frame_are_the_end() {
        let mut pulse = Pulse { seen: 0, unanswered: 0, alarm: actix_rt::spawn(async {}) };
        let looks = [1, 1, 1, 2, 2, 2, 2].map(|frames| pulse.beats(frames));
        assert_eq!(looks, [true, true, true, true, true, true, false]);
    }
}
