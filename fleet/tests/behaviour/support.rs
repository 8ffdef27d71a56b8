//! Fleets of two nodes.

use std::sync::Arc;
use std::time::Duration;

use trunkline_core::ids::{AccountSid, CallSid, NodeId, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_fleet::testing::PrivateRedis;
use trunkline_fleet::{
    Ask, Fleet, FleetTimes, Holding, Hub, MemoryFleet, NodeKey, RedisFleet, RedisSettings, Shown,
    SlotAsk, TokenHash, Verdict,
};

/// Long enough for a busy machine not to lose it by accident.
pub const LEASE: Duration = Duration::from_millis(1_500);

pub fn times() -> FleetTimes {
    FleetTimes { lease: LEASE, token_ttl: Duration::from_secs(60) }
}

/// Two nodes, and what they share.
pub struct Two {
    pub a: Arc<dyn Fleet>,
    pub b: Arc<dyn Fleet>,
    /// The fleet's Redis, where it has one.
    pub redis: Option<PrivateRedis>,
}

pub fn key(node: &str) -> NodeKey {
    NodeKey::new(&NodeId::parse(node).unwrap(), "1")
}

pub fn redis_node(redis: &PrivateRedis, node: &str) -> Arc<dyn Fleet> {
    let settings =
        RedisSettings { url: redis.url().into(), prefix: "test".to_owned(), times: times() };
    RedisFleet::new(&settings, key(node)).unwrap()
}

impl Two {
    pub async fn in_memory() -> Self {
        let hub = Hub::new(times());
        let (a, b) = (MemoryFleet::join(&hub, key("a")), MemoryFleet::join(&hub, key("b")));
        Self { a, b, redis: None }.beaten().await
    }

    pub async fn in_redis() -> Self {
        let redis = PrivateRedis::start().unwrap();
        let (a, b) = (redis_node(&redis, "a"), redis_node(&redis, "b"));
        Self { a, b, redis: Some(redis) }.beaten().await
    }

    async fn beaten(self) -> Self {
        for node in [&self.a, &self.b] {
            node.beat(&[]).await.unwrap();
        }
        self
    }
}

/// Makes a test of each fleet out of one body.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($two:ident: Two) $body:block)*) => {
        $(mod $name {
            use super::*;

            async fn body($two: Two) $body

            #[tokio::test]
            async fn in_memory() {
                body(Two::in_memory().await).await;
            }

            #[tokio::test]
            async fn in_redis() {
                body(Two::in_redis().await).await;
            }
        })*
    };
}
pub(crate) use on_both;

pub fn call(number: usize) -> CallSid {
    CallSid::parse(&format!("CA{number:032}")).unwrap()
}

pub fn shop() -> TenantId {
    TenantId::parse("shop").unwrap()
}

pub fn account() -> AccountSid {
    AccountSid::parse("AC1").unwrap()
}

pub fn caller() -> PhoneNumber {
    PhoneNumber::new("+15550179123")
}

/// A call to the shop that wants a slot under `cap`; its token is `token`.
pub fn ask(number: usize, cap: u32, token: &str) -> Ask {
    let slot = SlotAsk {
        cap,
        account: Some(account()),
        from: caller(),
        to: PhoneNumber::new("+15550170001"),
        token: TokenHash::of(token),
    };
    Ask { call: call(number), tenant: shop(), rates: Vec::new(), slot: Some(slot) }
}

pub fn shown(number: usize, token: &str) -> Shown {
    Shown { call: call(number), account: account(), token: TokenHash::of(token), verified: false }
}

pub async fn admit(node: &Arc<dyn Fleet>, number: usize, cap: u32) -> Verdict {
    node.admit(&ask(number, cap, "token")).await.unwrap().verdict
}

pub fn fence_of(verdict: Verdict) -> u64 {
    match verdict {
        Verdict::Granted { fence } => fence,
        other => panic!("not granted: {other:?}"),
    }
}

pub fn holding(number: usize, fence: u64, live: Option<&str>) -> Holding {
    Holding { call: call(number), tenant: shop(), fence, live: live.map(str::to_owned) }
}

/// Waits until `look` finds something; fails after half a minute.
pub async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..1_200 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain for {what}")
}
