//! The node's lease: it says that it lives, and closes the calls of nodes that no
//! longer say so and do not come back.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt::task::spawn_blocking;
use chrono::{DateTime, Utc};
use trunkline_actors::node::Node;
use trunkline_core::ids::NodeId;
use trunkline_store::{NodeChange, NodeRow, Record, Store, StoreError};

/// Longest time between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Signs of life within one lease: some may be late.
const BEATS_PER_LEASE: u32 = 6;
/// Looks at the other nodes within one lease.
const LOOKS_PER_LEASE: u32 = 3;

/// The node's row: here since now, and alive every few seconds. From now on it
/// looks after the other nodes' calls as well.
pub(super) fn announce(node: &Arc<Node>, address: SocketAddr, lease: Duration) {
    let now = Utc::now();
    node.record(Record::Node(NodeChange::Started(NodeRow {
        node_id: node.settings.id.clone(),
        started_at: now,
        last_seen_at: now,
        stopped_at: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: i64::from(std::process::id()),
        address: address.to_string(),
    })));
    let beating = Arc::clone(node);
    drop(actix_rt::spawn(async move {
        loop {
            tokio::time::sleep(HEARTBEAT.min(lease / BEATS_PER_LEASE)).await;
            let (node_id, at): (_, DateTime<Utc>) = (beating.settings.id.clone(), Utc::now());
            beating.record(Record::Node(NodeChange::Seen { node_id, at }));
        }
    }));
    let (store, id) = (node.store.clone(), node.settings.id.clone());
    drop(actix_rt::spawn(look_after_others(store, id, lease)));
}

async fn look_after_others(store: Store, id: NodeId, lease: Duration) {
    let between = lease / LOOKS_PER_LEASE;
    let mut silence = Silence::new(lease, between * 2);
    loop {
        tokio::time::sleep(between).await;
        let (asked, me) = (store.clone(), id.clone());
        let Ok(Ok(others)) = spawn_blocking(move || asked.nodes_with_calls(&me)).await else {
            // The next look comes late, which begins the watch anew.
            continue;
        };
        let lost = silence.observe(Instant::now(), &others);
        if lost.is_empty() {
            continue;
        }
        let asked = store.clone();
        if let Ok(Err(error)) = spawn_blocking(move || close_calls(&asked, &lost)).await {
            tracing::warn!(%error, "the calls of a lost node could not be closed");
        }
    }
}

fn close_calls(store: &Store, lost: &[NodeRow]) -> Result<(), StoreError> {
    for node in lost {
        let closed = store.close_calls_of_lost(node, Utc::now())?;
        if closed > 0 {
            let node = node.node_id.as_str();
            tracing::warn!(node, closed, "the calls of a node that is lost were closed as failed");
        }
    }
    Ok(())
}

/// How long other nodes have given no sign of life, by this node's own clock:
/// clocks of machines differ. A sign that does not come while nobody could have
/// seen it is no silence, so a look that came late begins anew.
struct Silence {
    lease: Duration,
    longest_gap: Duration,
    looked: Option<Instant>,
    /// Each node's last sign of life, and since when that has been its last.
    last: HashMap<NodeId, (DateTime<Utc>, Instant)>,
}

impl Silence {
    fn new(lease: Duration, longest_gap: Duration) -> Self {
        Self { lease, longest_gap, looked: None, last: HashMap::new() }
    }

    /// Those of these nodes whose lease has run out.
    fn observe(&mut self, now: Instant, nodes: &[NodeRow]) -> Vec<NodeRow> {
        let late = self.looked.is_none_or(|looked| now - looked > self.longest_gap);
        self.looked = Some(now);
        if late {
            self.last.clear();
        }
        self.last.retain(|id, _| nodes.iter().any(|node| node.node_id == *id));
        let mut lost = Vec::new();
        for node in nodes {
            let sign = node.last_seen_at;
            let known = self.last.entry(node.node_id.clone()).or_insert((sign, now));
            if known.0 != sign {
                *known = (sign, now);
            }
            if now - known.1 >= self.lease {
                lost.push(node.clone());
            }
        }
        lost
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn node(seen_ms: i64) -> NodeRow {
        let seen = DateTime::from_timestamp_millis(seen_ms).unwrap();
        NodeRow {
            node_id: NodeId::parse("other").unwrap(),
            started_at: seen,
            last_seen_at: seen,
            stopped_at: None,
            version: "1".to_owned(),
            pid: 1,
            address: "127.0.0.1:1".to_owned(),
        }
    }

    /// Looks at these seconds at a node whose sign of life is the second number;
    /// whether it was lost each time.
    fn looks(at: &[(u64, i64)]) -> Vec<bool> {
        let (mut silence, start) =
            (Silence::new(Duration::from_secs(30), Duration::from_secs(20)), Instant::now());
        let look = |(second, seen): &(u64, i64)| {
            let now = start + Duration::from_secs(*second);
            !silence.observe(now, &[node(*seen)]).is_empty()
        };
        at.iter().map(look).collect()
    }

    #[test]
    fn a_node_is_lost_after_a_whole_lease_of_silence() {
        let silent = [(0, 7), (10, 7), (20, 7), (30, 7), (40, 7)];
        assert_eq!(looks(&silent), [false, false, false, true, true]);
        // Whatever its clock says, a sign of life is one.
        let alive = [(0, 7), (10, 7), (20, 8), (30, 8), (40, 3), (50, 3)];
        assert_eq!(looks(&alive), [false; 6]);
    }

    #[test]
    fn what_nobody_could_see_is_no_silence() {
        // The database was away from 10 to 70: the others' signs lie in journals.
        let away = [(0, 7), (10, 7), (70, 7), (80, 7), (90, 7), (100, 7)];
        assert_eq!(looks(&away), [false, false, false, false, false, true]);
    }
}
