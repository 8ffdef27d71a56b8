//! What somebody wants of a call, at whichever node it lives.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use trunkline_core::call::{Command, Input};
use trunkline_core::ids::CallSid;
use trunkline_fleet::{NodeKey, Note};

use super::Membership;
use crate::call::CallMessage;
use crate::metrics;
use crate::node::Node;
use crate::registry::LiveCallView;

/// How long another node may take to obey: it does so between two messages.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// The call was told, at this node.
    Done(String),
    /// No such call lives anywhere.
    NotLive,
    /// The call's node did not say in time whether it has told the call.
    NoAnswer(String),
    /// The call is not on this node, and the fleet cannot be asked where it is.
    Away,
}

impl Ordered {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::NotLive => "not_live",
            Self::NoAnswer(_) => "no_answer",
            Self::Away => "away",
        }
    }
}

/// Orders whose answer has not come.
#[derive(Debug, Default)]
pub(super) struct Open(Mutex<HashMap<String, oneshot::Sender<bool>>>);

impl Open {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<bool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Membership {
    /// Another node said what came of an order.
    pub(super) fn answered(&self, id: &str, done: bool) {
        let waiting = self.orders.lock().remove(id);
        if waiting.is_none_or(|waiting| waiting.send(done).is_err()) {
            tracing::debug!("the answer to an order came after it was given up");
        }
    }

    async fn forward(&self, call: &CallSid, command: &Command) -> Ordered {
        let owner = match self.ask("owner", self.fleet.owner(call)).await {
            None => return Ordered::Away,
            Some(None) => return Ordered::NotLive,
            // It was just now over here.
            Some(Some(owner)) if owner == *self.fleet.me() => return Ordered::NotLive,
            Some(Some(owner)) => owner,
        };
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (reply, answer) = oneshot::channel();
        self.orders.lock().insert(id.clone(), reply);
        let ordered = self.exchange(&owner, &id, call, command, answer).await;
        self.orders.lock().remove(&id);
        ordered
    }

    async fn exchange(
        &self,
        owner: &NodeKey,
        id: &str,
        call: &CallSid,
        command: &Command,
        answer: oneshot::Receiver<bool>,
    ) -> Ordered {
        let node = owner.node().to_owned();
        let order = Note::Asked {
            id: id.to_owned(),
            from: self.fleet.me().clone(),
            call: call.clone(),
            order: json!(command).to_string(),
        };
        match self.ask("order", self.fleet.send(owner, &order)).await {
            None => return Ordered::Away,
            Some(false) => return Ordered::NoAnswer(node),
            Some(true) => {}
        }
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(true)) => Ordered::Done(node),
            Ok(Ok(false)) => Ordered::NotLive,
            Ok(Err(_)) | Err(_) => Ordered::NoAnswer(node),
        }
    }
}

impl Node {
    /// Tells a call something, wherever it lives.
    pub async fn command(&self, call: &CallSid, command: Command) -> Ordered {
        if self.tell_call(call, &command, None) {
            return Ordered::Done(self.settings.id.to_string());
        }
        let ordered = self.fleet.forward(call, &command).await;
        metrics::fleet_order(ordered.as_str());
        ordered
    }

    /// Does what another node wants of a call that lives here, and says so.
    pub(super) async fn obey(&self, id: String, from: NodeKey, call: &CallSid, order: &str) {
        let done = match serde_json::from_str::<Command>(order) {
            Ok(command) => self.tell_call(call, &command, Some(from.node())),
            Err(error) => {
                tracing::warn!(%error, "another node wants what nobody knows here");
                false
            }
        };
        let answer = Note::Answered { id, done };
        if self.fleet.ask("answer", self.fleet.fleet.send(&from, &answer)).await != Some(true) {
            tracing::warn!(node = from.node(), "who wanted something of a call was not answered");
        }
    }

    fn tell_call(&self, call_sid: &CallSid, command: &Command, from: Option<&str>) -> bool {
        let Some(call) = self.directory.by_call(call_sid) else {
            return false;
        };
        let data = match from {
            None => json!({ "command": command }),
            Some(node) => json!({ "command": command, "from_node": node }),
        };
        self.audit(Some(call_sid.clone()), Some(call.tenant.clone()), "command", data);
        call.link.tell(CallMessage::input(Input::Command(command.clone())));
        true
    }

    /// The live calls of the other nodes, each as its node last described it;
    /// nothing when the fleet cannot be asked.
    pub async fn live_elsewhere(&self) -> Option<Vec<(String, LiveCallView)>> {
        let fleet = &self.fleet.fleet;
        let found = self.fleet.ask("live", fleet.live()).await?;
        let others = found.into_iter().filter(|live| live.node != *fleet.me());
        let read = |live: trunkline_fleet::LiveView| {
            // A node of another version may describe them otherwise.
            let view = serde_json::from_str(&live.view).ok()?;
            Some((live.node.node().to_owned(), view))
        };
        Some(others.filter_map(read).collect())
    }
}
