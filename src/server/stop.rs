//! How a server ends: readiness, the limiter, the calls, the records, HTTP, in
//! this order.

use std::time::{Duration, Instant};

use chrono::Utc;
use trunkline_actors::node::Node;
use trunkline_store::{NodeChange, Record};

use super::Server;

/// How long calls that were handed over may take to let go.
const HAND_OVER_PATIENCE: Duration = Duration::from_secs(10);
/// How long after a stream's end the carrier may ask what follows. It does so
/// within a second, and nobody else can tell it for a call that ended just now.
const CARRIER_PATIENCE: Duration = Duration::from_secs(3);
/// How long the last records may take to be committed, and the last recordings.
const FLUSH_PATIENCE: Duration = Duration::from_secs(15);
/// The same for those that came while the others were committed: few, and the
/// database was there a moment ago.
const SECOND_FLUSH_PATIENCE: Duration = Duration::from_secs(5);
/// How long connections may take to end once no call lives, in seconds. A webhook
/// is answered within milliseconds; what holds out is a peer that does not read.
pub(super) const CONNECTIONS_PATIENCE_S: u64 = 3;

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In good order.
    Clean,
    /// Something was left behind: calls that did not end, or records or recordings
    /// that were not written.
    Incomplete,
}

impl Server {
    /// Waits until a service of the node cannot be kept alive.
    pub async fn fatal(&mut self) -> &'static str {
        match self.fatal.recv().await {
            Some(kind) => kind,
            None => std::future::pending().await,
        }
    }

    /// Ends the server: no new calls, live calls until the deadline, then a human
    /// for those that are left, and the carrier is told so; then the records; then
    /// HTTP.
    pub async fn stop(self) -> Ending {
        self.node.begin_drain();
        tracing::info!(live = self.node.directory.len(), "draining");
        let ended = self.end_calls().await;
        self.wait_for_carrier().await;
        let (node_id, at) = (self.node.settings.id.clone(), Utc::now());
        self.node.record(Record::Node(NodeChange::Stopped { node_id, at }));
        // While the database takes its time the carrier is still answered, and so
        // there are records after the last: those of the webhooks answered then.
        let flushed = self.node.flush(FLUSH_PATIENCE).await;
        tracing::info!(flushed, "the records are committed: HTTP stops");
        self.http.stop(true).await;
        self.node.fleet.leave().await;
        let flushed = flushed && self.node.flush(SECOND_FLUSH_PATIENCE).await;
        let flushed = flushed || self.leaves_them_in_journal().await;
        let recorded = self.node.recorder.flush(FLUSH_PATIENCE).await;
        let traced = self.telemetry.stop().await;
        tracing::info!(ended, flushed, recorded, traced, "stopped");
        if ended && flushed && recorded { Ending::Clean } else { Ending::Incomplete }
    }

    /// What the database did not take in time is safe where the next life finds it.
    async fn leaves_them_in_journal(&self) -> bool {
        let Some(journal) = &self.node.journal else {
            return false;
        };
        let safe = self.wait_until(SECOND_FLUSH_PATIENCE, Node::keeps_all_records).await;
        if safe {
            let left = journal.size().records;
            tracing::warn!(left, "records stay in the journal until the next start");
        }
        safe
    }

    /// Lets calls end until the deadline, and hands over those that are left;
    /// answers whether all have ended.
    async fn end_calls(&self) -> bool {
        let in_time = self.wait_until(self.drain_deadline, Node::is_idle).await;
        self.node.give_up_promised();
        if in_time {
            return true;
        }
        let live = self.node.directory.len();
        tracing::warn!(live, "the deadline passed: calls are handed over");
        self.node.hand_over_all();
        self.wait_until(HAND_OVER_PATIENCE, Node::is_idle).await
    }

    async fn wait_for_carrier(&self) {
        while self.node.dispositions.awaits_question(CARRIER_PATIENCE) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_until(&self, patience: Duration, is_so: impl Fn(&Node) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while !is_so(&self.node) {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        true
    }
}
