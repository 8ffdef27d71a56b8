//! This node's place in the fleet: whether the fleet can be asked, what holds
//! while it cannot, and what nodes want of each other's calls.
//!
//! Nothing waits long for the fleet. An exchange that fails or takes too long
//! sends the node on its own way: it keeps to its share of each limit until a beat
//! finds the way back, and for one lease more, until every node has had time to
//! say what it holds.

mod beat;
mod orders;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use trunkline_core::admission::share;
use trunkline_core::ids::NodeId;
use trunkline_fleet::{Away, Fleet, Hub, MemoryFleet, NodeKey, Weather};

pub use orders::Ordered;
pub use trunkline_fleet::FleetTimes;

use crate::metrics;

/// How a node takes part in its fleet.
#[derive(Clone, Copy, Debug)]
pub struct FleetSettings {
    /// The fleet's clocks.
    pub times: FleetTimes,
    /// Longest an admission waits for the fleet.
    pub deadline: Duration,
    /// Nodes to reckon with until the fleet has said how many there are.
    pub nodes: u32,
}

/// How a node stands to its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Limits are kept together.
    Shared,
    /// Limits are kept together and to the share: the counts may be too low yet.
    Settling,
    /// The fleet cannot be asked: limits are kept to the share.
    Away,
}

impl Standing {
    /// The word for whoever looks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Settling => "settling",
            Self::Away => "away",
        }
    }
}

#[derive(Debug)]
struct State {
    away: bool,
    /// Whether this node has said goodbye.
    left: bool,
    unsettled_until: Option<Instant>,
    nodes: u32,
}

/// See the module's text.
#[derive(Debug)]
pub struct Membership {
    /// The fleet, for those who know how to do without.
    pub(crate) fleet: Arc<dyn Fleet>,
    settings: FleetSettings,
    /// Whether there can be no other node.
    alone: bool,
    state: Mutex<State>,
    hurry: Notify,
    beaten: watch::Sender<bool>,
    orders: orders::Open,
}

impl Membership {
    /// A member that has not been heard yet: the fleet counts as away.
    #[must_use]
    pub fn new(fleet: Arc<dyn Fleet>, settings: FleetSettings) -> Arc<Self> {
        Arc::new(Self::of(fleet, settings, false))
    }

    fn of(fleet: Arc<dyn Fleet>, settings: FleetSettings, alone: bool) -> Self {
        let state =
            State { away: true, left: false, unsettled_until: None, nodes: settings.nodes.max(1) };
        let (hurry, beaten) = (Notify::new(), watch::Sender::new(false));
        let orders = orders::Open::default();
        Self { fleet, settings, alone, state: Mutex::new(state), hurry, beaten, orders }
    }

    /// A fleet of one, in memory, that is never away.
    #[must_use]
    pub fn alone(node: &NodeId, times: FleetTimes) -> Arc<Self> {
        let fleet = MemoryFleet::join(&Hub::new(times), life_of(node));
        let settings = FleetSettings { times, deadline: Duration::from_secs(1), nodes: 1 };
        let alone = Self::of(fleet, settings, true);
        alone.take_part();
        Arc::new(alone)
    }

    /// Asks the fleet from now on, without a beat before.
    pub(crate) fn take_part(&self) {
        self.state().away = false;
        metrics::fleet_up(true);
    }

    /// Loses the fleet, as by an exchange that failed.
    #[cfg(test)]
    pub(crate) fn lose(&self, why: &str) {
        self.lost("test", why);
    }

    /// How this node stands to its fleet now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.state().standing()
    }

    /// Nodes that live, as last known.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.state().nodes
    }

    /// What of a limit this node may use by itself: all of it while the fleet
    /// keeps it too, else its share.
    #[must_use]
    pub fn limit_here(&self, limit: u32) -> u32 {
        let state = self.state();
        match state.standing() {
            Standing::Shared => limit,
            Standing::Settling | Standing::Away => share(limit, state.nodes),
        }
    }

    /// Asks the fleet something; nothing when it is away, or does not answer in
    /// time.
    pub(crate) async fn ask<T>(
        &self,
        what: &'static str,
        exchange: impl Future<Output = Result<T, Away>>,
    ) -> Option<T> {
        if self.state().away {
            return None;
        }
        let began = Instant::now();
        let answered = tokio::time::timeout(self.settings.deadline, exchange).await;
        metrics::fleet_exchange(what, began.elapsed());
        match answered {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(away)) => {
                self.lost(what, &away.0);
                None
            }
            Err(_) => {
                self.lost(what, "no answer in time");
                None
            }
        }
    }

    /// The node ends in good order: it no longer counts. A fleet that is away finds
    /// out by itself.
    pub async fn leave(&self) {
        self.state().left = true;
        if self.ask("leave", self.fleet.leave()).await.is_none() {
            tracing::debug!("the fleet could not be told that this node ends");
        }
    }

    /// The fleet is told soon what this node holds.
    pub(crate) fn hurry(&self) {
        if !self.alone {
            self.hurry.notify_one();
        }
    }

    /// The fleet said how it is.
    pub(crate) fn heard(&self, weather: Weather) {
        let now = Instant::now();
        let mut state = self.state();
        if weather.settling {
            state.unsettled_until(now + self.settings.times.beat() * 2);
        }
        match state.standing() {
            Standing::Shared => state.nodes = weather.nodes,
            Standing::Settling | Standing::Away => state.nodes = state.nodes.max(weather.nodes),
        }
        metrics::fleet_nodes(state.nodes);
    }

    /// The fleet cannot be asked.
    fn lost(&self, what: &'static str, why: &str) {
        metrics::fleet_failure(what);
        self.fleet.disconnect();
        let mut state = self.state();
        if state.away {
            return;
        }
        state.away = true;
        let nodes = state.nodes;
        drop(state);
        metrics::fleet_up(false);
        tracing::error!(
            what,
            why,
            nodes,
            "the fleet cannot be asked: calls go on, and limits are kept to this node's share"
        );
        self.hurry();
    }

    /// A beat found the way back.
    fn found(&self) {
        let lease = self.settings.times.lease;
        let mut state = self.state();
        if !state.away {
            return;
        }
        state.away = false;
        state.unsettled_until(Instant::now() + lease);
        drop(state);
        metrics::fleet_up(true);
        tracing::info!("the fleet can be asked");
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn standing(&self) -> Standing {
        let unsettled = self.unsettled_until.is_some_and(|until| until > Instant::now());
        match (self.away, unsettled) {
            (true, _) => Standing::Away,
            (false, true) => Standing::Settling,
            (false, false) => Standing::Shared,
        }
    }

    fn unsettled_until(&mut self, until: Instant) {
        self.unsettled_until = self.unsettled_until.max(Some(until));
    }
}

/// A key for this life of a node.
#[must_use]
pub fn life_of(node: &NodeId) -> NodeKey {
    NodeKey::new(node, &uuid::Uuid::new_v4().simple().to_string())
}
