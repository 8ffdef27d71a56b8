//! A call that is under way while the test does something to it.

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use trunkline_simulator::carrier::{CallEvent, CallPlan, CallReport, EventKind, place_call};

/// See the module's text.
pub struct Ongoing {
    /// The call's SID.
    pub sid: String,
    events: UnboundedReceiver<CallEvent>,
    placed: JoinHandle<CallReport>,
}

impl Ongoing {
    /// Places a call; comes back when it rings.
    pub async fn place(plan: CallPlan) -> Self {
        let (told, mut events) = unbounded_channel();
        let placed = actix_rt::spawn(async move { place_call(&plan, Some(told)).await });
        let first = events.recv().await.expect("a call that rings");
        Self { sid: first.call_sid, events, placed }
    }

    /// Waits until the call comes to something.
    pub async fn until(&mut self, what: EventKind) {
        loop {
            let event = self.events.recv().await;
            let event = event.unwrap_or_else(|| panic!("the call ended without {what:?}"));
            if event.kind == what {
                return;
            }
        }
    }

    /// Waits for the call's end.
    pub async fn report(self) -> CallReport {
        self.placed.await.expect("a report")
    }
}
