//! A Redis that stands still, dies, or comes back without its memory.

use std::time::Duration;

use trunkline_fleet::Verdict;
use trunkline_fleet::testing::PrivateRedis;

use crate::support::*;

/// Far longer than a Redis that answers needs.
const PATIENCE: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_redis_that_stood_still_is_not_trusted_until_every_node_had_time_to_speak() {
    let two = Two::in_redis().await;
    let redis = two.redis.as_ref().unwrap();
    // A fleet that is new is not trusted either.
    wait_for("the fleet to settle", async || {
        let fleets = [two.a.beat(&[]).await.unwrap(), two.b.beat(&[]).await.unwrap()];
        fleets.iter().all(|pulse| !pulse.weather.settling).then_some(())
    })
    .await;
    redis.pause().unwrap();
    let asked = ask(1, 5, "token");
    assert!(tokio::time::timeout(PATIENCE, two.a.admit(&asked)).await.is_err(), "no answer");
    two.a.disconnect();
    tokio::time::sleep(times().gap()).await;
    redis.resume().unwrap();
    let pulse = two.a.beat(&[]).await.unwrap();
    assert!(pulse.weather.settling, "{pulse:?}");
    // The node that noticed nothing is told as well.
    let admitted = two.b.admit(&ask(2, 5, "token")).await.unwrap();
    assert!(admitted.weather.settling, "{admitted:?}");
    wait_for("the fleet to settle", async || {
        (!two.a.beat(&[]).await.unwrap().weather.settling).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_lost_its_memory_is_told_what_is_held() {
    let mut two = Two::in_redis().await;
    let one = fence_of(admit(&two.a, 1, 2).await);
    let redis = two.redis.as_mut().unwrap();
    redis.kill().unwrap();
    let gone = wait_for("the loss", async || two.a.admit(&ask(2, 2, "t")).await.err()).await;
    assert!(!gone.to_string().contains("127.0.0.1"), "{gone}");
    assert!(two.a.beat(&[]).await.is_err());
    redis.start_again().unwrap();
    // Only a beat finds the way back.
    assert!(two.a.admit(&ask(2, 2, "t")).await.is_err());
    let pulse = two.a.beat(&[holding(1, one, Some("{}"))]).await.unwrap();
    assert!(pulse.weather.settling);
    assert_eq!(pulse.fences.len(), 1);
    assert!(pulse.fences[0].1 > one, "numbers only rise: {one}, {pulse:?}");
    wait_for("the other node", async || two.b.beat(&[]).await.ok()).await;
    fence_of(admit(&two.b, 3, 2).await);
    assert_eq!(admit(&two.b, 4, 2).await, Verdict::Full);
}

#[tokio::test]
async fn a_redis_that_is_not_there_yet_is_found_later() {
    let mut redis = PrivateRedis::start().unwrap();
    redis.kill().unwrap();
    let node = redis_node(&redis, "a");
    assert!(node.beat(&[]).await.is_err());
    redis.start_again().unwrap();
    node.beat(&[]).await.unwrap();
    fence_of(admit(&node, 1, 1).await);
}
