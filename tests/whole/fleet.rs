//! Two nodes and one Redis: a call belongs to the fleet, and lives where its stream
//! is.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use trunkline_fleet::testing::PrivateRedis;
use trunkline_simulator::carrier::Verb;

use crate::support::{
    Answer, CLOSED_BY_POLICY, RawStream, ServerProcess, Webhook, World, event, new_call, wait_for,
};

/// Long enough for a busy machine, short enough for a test.
const LEASE: Duration = Duration::from_secs(6);
const OTHER: &str = "another-node";

/// Two nodes of one fleet; the first is the world's own.
struct TwoNodes {
    // Dropped in this order: servers are looked at while their Redis lives.
    other: ServerProcess,
    world: World,
    _redis: PrivateRedis,
}

impl TwoNodes {
    async fn start(shop: &str) -> Self {
        let redis = PrivateRedis::start().expect("a Redis");
        let plan = World::plan().shop(shop).env("REDIS_URL", redis.url());
        // What is tried here is what is decided, not how fast.
        let plan = plan.env("FLEET_DEADLINE_MS", 10_000).env("STREAM_START_TIMEOUT_MS", 60_000);
        let world = plan.env("FLEET_LEASE_MS", LEASE.as_millis()).start().await;
        let other = world.server.beside(OTHER);
        let two = Self { other, world, _redis: redis };
        for node in [&two.world.server, &two.other] {
            wait_for("both nodes to know of each other", async || {
                (ready(node).await["nodes"] == 2).then_some(())
            })
            .await;
        }
        two
    }
}

async fn ready(node: &ServerProcess) -> Value {
    let (status, body) = node.send_as(None, "GET", "/ready", &json!({})).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

async fn rings(node: &ServerProcess, call: &str) -> Answer {
    Webhook::new("/twilio/voice", call).send(node).await
}

fn gets_in(answer: &Answer) -> bool {
    matches!(answer.verbs().as_slice(), [Verb::Stream(_)])
}

/// The live calls as a node sees them.
async fn live_at(node: &ServerProcess) -> Vec<Value> {
    let page = node.get("/api/v1/calls/live").await;
    assert_eq!(page["complete"], true, "{page}");
    page["calls"].as_array().expect("a list").clone()
}

#[actix_rt::test]
async fn a_stream_may_land_on_any_node_and_any_node_may_command_its_call() {
    let two = TwoNodes::start("").await;
    let call = new_call();
    let token = rings(&two.world.server, &call).await.stream_token();
    let mut stream = RawStream::open(&two.other).await;
    stream.start(&call, None, Some(&token)).await;
    for node in [&two.world.server, &two.other] {
        let live = wait_for("the call to be seen", async || live_at(node).await.pop()).await;
        assert_eq!((&live["call_sid"], &live["node"]), (&json!(call), &json!(OTHER)), "{live}");
        assert_eq!(live["tenant"], "shop");
    }
    two.world.slots(0.0).await;
    let (status, body) =
        two.world.server.send("POST", &format!("/api/v1/calls/{call}/hangup"), &json!({})).await;
    assert_eq!(status, 202, "{body}");
    assert!(body.contains(OTHER), "{body}");
    stream.closed(Duration::from_secs(120)).await;
    let stored = two.world.stored(&call).await;
    assert_eq!(stored["call"]["node_id"], OTHER, "{stored:#}");
    let ordered = event(&stored, "command");
    assert_eq!(ordered["data"]["from_node"], "node-under-test", "{ordered}");
    wait_for("the call to be gone", async || {
        live_at(&two.world.server).await.is_empty().then_some(())
    })
    .await;
    let (status, _) =
        two.world.server.send("POST", &format!("/api/v1/calls/{call}/transfer"), &json!({})).await;
    assert_eq!(status, 404);
}

#[actix_rt::test]
async fn a_caller_who_hangs_up_early_frees_the_slot_wherever_the_report_goes() {
    let two = TwoNodes::start("[limits]\nconcurrent_calls = 1").await;
    let call = new_call();
    assert!(gets_in(&rings(&two.world.server, &call).await));
    assert!(!gets_in(&rings(&two.other, &new_call()).await));
    let over = Webhook::new("/twilio/status", &call).with("CallStatus", "completed");
    over.send(&two.other).await;
    two.world.slots(0.0).await;
    let row = two.world.server.row(&call, |row| row.ended_at.is_some()).await;
    assert_eq!(row.error.as_deref(), Some("no_stream"));
    assert!(gets_in(&rings(&two.other, &new_call()).await));
}

#[actix_rt::test]
async fn of_a_hundred_streams_with_one_token_at_two_nodes_one_begins() {
    let two = TwoNodes::start("").await;
    let call = new_call();
    let token = rings(&two.world.server, &call).await.stream_token();
    let mut streams = Vec::new();
    for number in 0..100 {
        let node = if number % 2 == 0 { &two.world.server } else { &two.other };
        streams.push(RawStream::open(node).await);
    }
    join_all(streams.iter_mut().map(|stream| stream.start(&call, None, Some(&token)))).await;
    let patience = Duration::from_secs(60);
    let closing: FuturesUnordered<_> =
        streams.iter_mut().map(|stream| stream.closed(patience)).collect();
    let closed: Vec<(u16, String)> = closing.take(99).collect().await;
    for (code, reason) in &closed {
        assert_eq!((*code, reason.as_str()), (CLOSED_BY_POLICY, "token_used"));
    }
    wait_for("the call to be seen", async || {
        (live_at(&two.world.server).await.len() == 1).then_some(())
    })
    .await;
    wait_for("its model to be dialled", async || (!two.world.sessions().is_empty()).then_some(()))
        .await;
    assert_eq!(two.world.sessions().len(), 1, "one call, one model");
}

#[actix_rt::test]
async fn of_500_arrivals_the_cap_gets_in_and_a_dead_nodes_slots_are_free_within_the_lease() {
    let mut two = TwoNodes::start("[limits]\nconcurrent_calls = 50").await;
    let half = async |node: &ServerProcess, calls: usize| {
        let arrivals = (0..calls).map(|_| async { gets_in(&rings(node, &new_call()).await) });
        join_all(arrivals).await.into_iter().filter(|got_in| *got_in).count()
    };
    let (here, there) = futures_util::join!(half(&two.world.server, 250), half(&two.other, 250));
    assert!(here + there <= 50, "{here} and {there}");
    assert_eq!(two.world.metrics().await.sum("trunkline_slots_held"), here as f64);
    let killed = Instant::now();
    two.other.signal("KILL");
    assert_eq!(two.other.wait().await, None);
    // Until its lease has run out the dead still count.
    let more = half(&two.world.server, 50).await;
    if killed.elapsed() < LEASE / 2 {
        assert!(here + there + more <= 50, "{here}, {there} and {more}");
    }
    let mut held = here + more;
    wait_for("all of the cap", async || {
        held += half(&two.world.server, 5).await;
        (held >= 50).then_some(())
    })
    .await;
    let took = killed.elapsed();
    assert_eq!(held, 50);
    assert_eq!(half(&two.world.server, 20).await, 0);
    // A settling time of one lease may come before, and the machine may be busy.
    assert!(took < LEASE * 4, "{took:?}");
    two.other.start_again();
}
