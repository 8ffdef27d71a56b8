//! The fleet's Redis stands still, dies and comes back: calls go on, no node takes
//! more than its share, and nobody restarts anything.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_fleet::testing::PrivateRedis;
use trunkline_simulator::carrier::Verb;

use crate::support::{Metrics, ServerProcess, Webhook, World, new_call, scaled, wait_for};

const LEASE: Duration = Duration::from_secs(3);
/// Of the tenant, for two nodes.
const CAP: usize = 10;
const SHARE: usize = CAP / 2;

struct Node<'a> {
    server: &'a ServerProcess,
    /// Calls that hold its slots.
    held: Vec<String>,
}

impl Node<'_> {
    /// So many calls ring; those that get in stay.
    async fn ring(&mut self, calls: usize) {
        for _ in 0..calls {
            let call = new_call();
            let answer = Webhook::new("/twilio/voice", &call).send(self.server).await;
            if matches!(answer.verbs().as_slice(), [Verb::Stream(_)]) {
                self.held.push(call);
            }
        }
    }

    /// So many callers hang up.
    async fn hang_up(&mut self, calls: usize) {
        for call in self.held.drain(..calls).collect::<Vec<_>>() {
            let over = Webhook::new("/twilio/status", &call).with("CallStatus", "completed");
            assert_eq!(over.send(self.server).await.status, 204);
        }
        wait_for("the slots to be free", async || {
            let metrics = Metrics::parse(&self.server.text("/metrics").await);
            (metrics.sum("trunkline_slots_held") == self.held.len() as f64).then_some(())
        })
        .await;
    }

    async fn stands(&self, how: &str) {
        wait_for(how, async || (self.ready().await["fleet"] == how).then_some(())).await;
        let metrics = Metrics::parse(&self.server.text("/metrics").await);
        let up = if how == "away" { 0.0 } else { 1.0 };
        assert_eq!(metrics.sum("trunkline_fleet_up"), up, "{how}");
    }

    async fn ready(&self) -> Value {
        let (status, body) = self.server.send_as(None, "GET", "/ready", &json!({})).await;
        assert_eq!(status, 200, "it is ready however its fleet is: {body}");
        serde_json::from_str(&body).expect("JSON")
    }
}

#[actix_rt::test]
async fn no_node_takes_more_than_its_share_while_redis_is_away_and_nobody_restarts() {
    let mut redis = PrivateRedis::start().expect("a Redis");
    let plan = World::plan()
        .shop(&format!("[limits]\nconcurrent_calls = {CAP}"))
        .env("REDIS_URL", redis.url())
        .env("RESERVATION_TTL_MS", 600_000)
        .env("STREAM_TOKEN_TTL_MS", 600_000)
        .env("FLEET_LEASE_MS", LEASE.as_millis());
    let world = plan.start().await;
    let other = world.server.beside("another-node");
    let mut a = Node { server: &world.server, held: Vec::new() };
    let mut b = Node { server: &other, held: Vec::new() };
    for node in [&a, &b] {
        wait_for("two nodes", async || (node.ready().await["nodes"] == 2).then_some(())).await;
        node.stands("shared").await;
    }
    a.ring(3).await;
    b.ring(3).await;
    assert_eq!((a.held.len(), b.held.len()), (3, 3));

    // It stands still.
    redis.pause().expect("paused");
    a.ring(4).await;
    b.ring(4).await;
    assert_eq!((a.held.len(), b.held.len()), (SHARE, SHARE), "each its share");
    a.stands("away").await;
    b.stands("away").await;
    a.hang_up(2).await;
    a.ring(4).await;
    assert_eq!(a.held.len(), SHARE);
    tokio::time::sleep(scaled(LEASE + Duration::from_secs(1), Duration::from_secs(30))).await;

    // It goes on, and every lease has run out meanwhile.
    redis.resume().expect("resumed");
    a.ring(4).await;
    b.ring(4).await;
    assert_eq!((a.held.len(), b.held.len()), (SHARE, SHARE));
    a.stands("shared").await;
    b.stands("shared").await;
    a.ring(3).await;
    b.ring(3).await;
    assert_eq!(a.held.len() + b.held.len(), CAP);

    // It dies, and comes back without its memory.
    redis.kill().expect("killed");
    a.stands("away").await;
    b.stands("away").await;
    a.hang_up(2).await;
    a.ring(5).await;
    assert_eq!((a.held.len(), b.held.len()), (SHARE, SHARE));
    redis.start_again().expect("a Redis");
    a.ring(3).await;
    b.ring(3).await;
    assert_eq!((a.held.len(), b.held.len()), (SHARE, SHARE));
    a.stands("shared").await;
    b.stands("shared").await;

    // Together again: what one does not use the other may.
    b.hang_up(3).await;
    a.ring(6).await;
    assert_eq!((a.held.len(), b.held.len()), (SHARE + 3, SHARE - 3));
    b.ring(3).await;
    assert_eq!(a.held.len() + b.held.len(), CAP);
    let log = world.server.log();
    let away = scaled(LEASE.as_secs() + 1, 30);
    eprintln!("FIGURES paused {away} s, killed, started: never above {SHARE} of {CAP} at a node");
    assert!(log.contains("the fleet cannot be asked") && log.contains("the fleet can be asked"));
    drop(other);
}
