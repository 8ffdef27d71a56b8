//! The beat: the node lives, and this is what it holds.

use std::sync::Arc;
use std::time::Duration;

use trunkline_core::ids::CallSid;
use trunkline_fleet::{Note, Pulse};

use super::Membership;
use crate::limiter::LimiterState;
use crate::node::Node;
use crate::registry::Directory;

/// Between two beats at least; what changes meanwhile is told at once. A beat of a
/// thousand calls takes Redis some milliseconds.
const BREATH: Duration = Duration::from_millis(250);

impl Membership {
    /// Beats for as long as the process lives, on this thread. To be begun once.
    pub(crate) fn keep_beating(
        self: &Arc<Self>,
        limits: &Arc<LimiterState>,
        directory: &Arc<Directory>,
    ) {
        let (member, limits, directory) =
            (Arc::clone(self), Arc::clone(limits), Arc::clone(directory));
        drop(actix_rt::spawn(async move {
            while !member.state().left {
                member.beat(&limits, &directory).await;
                member.beaten.send_replace(true);
                tokio::time::sleep(BREATH.min(member.settings.times.beat())).await;
                let next = tokio::time::sleep(member.settings.times.beat());
                tokio::select! {
                    () = next => {}
                    () = member.hurry.notified() => {}
                }
            }
        }));
    }

    /// Waits for the first beat's end, whichever it is.
    pub async fn first_beat(&self) {
        // The sender is ours, so there is always an answer.
        drop(self.beaten.subscribe().wait_for(|beaten| *beaten).await);
    }

    async fn beat(&self, limits: &LimiterState, directory: &Directory) {
        let mut holdings = limits.holdings();
        for holding in &mut holdings {
            holding.live = self.describe(&holding.call, directory);
        }
        let patience = self.settings.times.beat().max(self.settings.deadline);
        match tokio::time::timeout(patience, self.fleet.beat(&holdings)).await {
            Ok(Ok(pulse)) => self.take(&pulse, limits),
            Ok(Err(away)) => self.lost("beat", &away.0),
            Err(_) => self.lost("beat", "no answer in time"),
        }
    }

    /// How a live call looks to the other nodes, where there are any.
    fn describe(&self, call: &CallSid, directory: &Directory) -> Option<String> {
        let call = directory.by_call(call)?;
        if self.alone { Some(String::new()) } else { serde_json::to_string(&call.view()).ok() }
    }

    fn take(&self, pulse: &Pulse, limits: &LimiterState) {
        self.found();
        self.heard(pulse.weather);
        for call in &pulse.lost {
            limits.moved(call);
        }
        for (call, fence) in &pulse.fences {
            limits.number(call, *fence);
        }
    }
}

impl Node {
    /// Hears what other nodes say for as long as the process lives.
    pub(crate) fn keep_listening(self: &Arc<Self>) {
        let node = Arc::clone(self);
        drop(actix_rt::spawn(async move {
            loop {
                match node.fleet.fleet.note().await {
                    Note::Moved(call) => node.limits.moved(&call),
                    Note::Forgotten(call) => node.limits.forget_here(&call),
                    Note::Asked { id, from, call, order } => {
                        node.obey(id, from, &call, &order).await;
                    }
                    Note::Answered { id, done } => node.fleet.answered(&id, done),
                }
            }
        }));
    }
}
