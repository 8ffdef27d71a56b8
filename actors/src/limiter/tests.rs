//! The limiter, alone and in a fleet of two.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use trunkline_core::admission::TurnedAway;
use trunkline_core::ids::{AccountSid, CallSid, NodeId, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{Credentials, Limits, Mode, ModelSettings, Persona, Tenant, Turns};
use trunkline_core::turn::barge_in::BargeInSettings;
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::SilenceSettings;

use trunkline_fleet::{FleetTimes, Hub, MemoryFleet};

use super::begin::Card;
use super::{
    BadSignature, Booking, Claim, ClaimRefusal, Full, LimiterSettings, LimiterState, Unbegun,
    Unserved,
};
use crate::fleet::{FleetSettings, Membership, life_of};

fn tenant() -> Tenant {
    let persona = Persona {
        name: "robin".to_owned(),
        speaks_as: "Robin".to_owned(),
        instructions: String::new(),
        greeting: String::new(),
        farewell: String::new(),
        wrap_up: String::new(),
        fillers: Vec::new(),
        tangents: Vec::new(),
        nudge: String::new(),
        bridging: String::new(),
        voice: "alloy".to_owned(),
    };
    Tenant {
        id: TenantId::parse("shop").unwrap(),
        company: "The Shop".to_owned(),
        numbers: Vec::new(),
        mode: Mode::Realtime,
        persona,
        human_number: None,
        caller_id: None,
        consent: None,
        record: false,
        stream_enabled: true,
        budget: Default::default(),
        limits: Limits::default(),
        turns: Turns::Ours,
        barge_in: BargeInSettings::default(),
        endpointing: Endpointing::default(),
        silence: SilenceSettings::default(),
        voicemail: None,
        model: ModelSettings::default(),
        tools: Vec::new(),
        pipeline: Default::default(),
        facts: Default::default(),
        credentials: Credentials::default(),
        recording: trunkline_core::tenant::Recording::default(),
        flight_recorder: None,
        privacy: Default::default(),
    }
}

fn call(number: u32) -> CallSid {
    CallSid::parse(&format!("CA{number:032}")).unwrap()
}

const LONG: Duration = Duration::from_secs(60);

fn times() -> FleetTimes {
    FleetTimes { lease: LONG, token_ttl: LONG }
}

fn node(name: &str) -> NodeId {
    NodeId::parse(name).unwrap()
}

/// A limiter of a member of a fleet, that knows one tenant.
fn limiter_of(
    fleet: Arc<Membership>,
    reservation_ttl: Duration,
    tenant: &Arc<Tenant>,
) -> Arc<LimiterState> {
    let settings =
        LimiterSettings { max_calls: 0, reservation_ttl, token_ttl: LONG, signature_failures: 3 };
    let tenant = Arc::clone(tenant);
    LimiterState::new(settings, fleet, Box::new(move |_| Some(Arc::clone(&tenant))))
}

fn limiter(reservation_ttl: Duration) -> Arc<LimiterState> {
    limiter_of(Membership::alone(&node("a"), times()), reservation_ttl, &Arc::new(tenant()))
}

async fn reserve_for(
    limiter: &Arc<LimiterState>,
    number: u32,
    tenant: &Arc<Tenant>,
) -> Result<String, Full> {
    let (reply, answer) = oneshot::channel();
    let booking = Booking {
        call_sid: call(number),
        account_sid: None,
        tenant: Arc::clone(tenant),
        from: PhoneNumber::new("+15550170001"),
        to: PhoneNumber::new("+15550170002"),
    };
    limiter.reserve(booking, reply);
    answer.await.unwrap()
}

async fn reserve(limiter: &Arc<LimiterState>, number: u32) -> Result<String, Full> {
    reserve_for(limiter, number, &Arc::new(tenant())).await
}

async fn claim(
    limiter: &Arc<LimiterState>,
    number: u32,
    token: &str,
) -> Result<Claim, ClaimRefusal> {
    let account_sid = AccountSid::parse(&format!("AC{:032}", 1)).unwrap();
    let unbegun = |booking| Unbegun::new(Arc::new(|_, _| ()), booking, Default::default());
    let (reply, answer) = oneshot::channel();
    let card = Card { call_sid: call(number), account_sid, token: token.to_owned() };
    limiter.claim(card, unbegun, reply);
    answer.await.unwrap()
}

#[actix_rt::test]
async fn a_closed_limiter_keeps_its_promises_and_makes_none() {
    let limiter = limiter(LONG);
    let promised = reserve(&limiter, 1).await.unwrap();
    limiter.close();
    assert_eq!(reserve(&limiter, 2).await, Err(Full::Closed));
    assert_eq!(reserve(&limiter, 1).await.as_ref(), Ok(&promised), "a redelivered webhook");
    let live = claim(&limiter, 1, &promised).await.unwrap();
    assert_eq!(limiter.total(), 1);
    drop(live);
    assert_eq!(limiter.total(), 0);
}

#[actix_rt::test]
async fn what_nobody_claimed_is_given_up_once_and_its_slots_are_free() {
    let limiter = limiter(Duration::ZERO);
    reserve(&limiter, 1).await.unwrap();
    std::thread::sleep(Duration::from_millis(1));
    assert!(limiter.sweep().is_empty(), "its slot is gone, its token is still good");
    let late = reserve(&limiter, 2).await.unwrap();
    let token = reserve(&limiter, 3).await.unwrap();
    let live = claim(&limiter, 3, &token).await.unwrap();

    let mut given_up = limiter.give_up();
    given_up.sort_by_key(|(booking, _)| booking.call_sid.as_str().to_owned());
    let seen: Vec<_> = given_up.iter().map(|(b, why)| (b.call_sid.clone(), *why)).collect();
    assert_eq!(seen, [(call(1), Unserved::NoStream), (call(2), Unserved::Draining)]);
    assert!(limiter.give_up().is_empty());
    assert_eq!(limiter.total(), 1, "the live call keeps its own");
    assert_eq!(claim(&limiter, 2, &late).await.unwrap_err(), ClaimRefusal::Used);
    drop(live);
    assert_eq!(limiter.total(), 0);
}

#[actix_rt::test]
async fn a_webhook_that_comes_again_while_the_fleet_is_asked_gets_the_same_answer() {
    let limiter = limiter(LONG);
    let (one, other) = futures_util::join!(reserve(&limiter, 1), reserve(&limiter, 1));
    assert_eq!(one, other);
    assert_eq!(limiter.total(), 1);
}

#[actix_rt::test]
async fn a_call_that_ends_while_the_fleet_is_asked_holds_nothing() {
    let limiter = limiter(LONG);
    let reserving = reserve(&limiter, 1);
    let forgetting = async { limiter.forget(&call(1)) };
    let (token, ()) = futures_util::join!(reserving, forgetting);
    assert_eq!(limiter.total(), 0);
    let refusal = claim(&limiter, 1, &token.unwrap()).await.unwrap_err();
    assert_eq!(refusal, ClaimRefusal::Used);
}

fn capped(cap: u32) -> Arc<Tenant> {
    let mut tenant = tenant();
    tenant.limits.concurrent_calls = cap;
    tenant.limits.calls_per_number_per_hour = 0;
    tenant.limits.calls_per_hour = 0;
    Arc::new(tenant)
}

/// Two limiters of a fleet of two.
async fn two(tenant: &Arc<Tenant>) -> [Arc<LimiterState>; 2] {
    let hub = Hub::new(times());
    let two = ["a", "b"].map(|name| {
        let fleet = MemoryFleet::join(&hub, life_of(&node(name)));
        let settings = FleetSettings { times: times(), deadline: LONG, nodes: 2 };
        let member = Membership::new(fleet, settings);
        member.take_part();
        limiter_of(member, LONG, tenant)
    });
    for limiter in &two {
        limiter.fleet.fleet.beat(&[]).await.unwrap();
    }
    two
}

#[actix_rt::test]
async fn a_call_begins_at_the_node_where_its_stream_lands() {
    let tenant = capped(1);
    let [a, b] = two(&tenant).await;
    let token = reserve_for(&a, 1, &tenant).await.unwrap();
    assert_eq!(reserve_for(&b, 2, &tenant).await, Err(Full::Tenant));
    let live = claim(&b, 1, &token).await.unwrap();
    assert_eq!(live.booking.from.expose(), "+15550170001");
    let moved = a.fleet.fleet.note().await;
    assert_eq!(moved, trunkline_fleet::Note::Moved(call(1)));
    a.moved(&call(1));
    assert_eq!((a.total(), b.total()), (0, 1));
    assert_eq!(reserve_for(&a, 2, &tenant).await, Err(Full::Tenant), "the slot is the call's");
    assert_eq!(claim(&a, 1, &token).await.unwrap_err(), ClaimRefusal::Used);
    assert_eq!(claim(&b, 1, &token).await.unwrap_err(), ClaimRefusal::Used);
    drop(live);
    reserve_for(&a, 2, &tenant).await.unwrap();
}

#[actix_rt::test]
async fn of_a_hundred_uses_of_a_token_at_two_nodes_one_begins() {
    let tenant = capped(0);
    let [a, b] = two(&tenant).await;
    let token = reserve_for(&a, 1, &tenant).await.unwrap();
    let uses = (0..100).map(|n| claim(if n % 2 == 0 { &a } else { &b }, 1, &token));
    let outcomes = futures_util::future::join_all(uses).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let used = |o: &&Result<Claim, ClaimRefusal>| matches!(o, Err(ClaimRefusal::Used));
    assert_eq!(outcomes.iter().filter(used).count(), 99);
}

#[actix_rt::test]
async fn without_the_fleet_a_node_keeps_to_its_share_and_calls_begin() {
    let tenant = capped(5);
    let [a, b] = two(&tenant).await;
    let before = reserve_for(&a, 1, &tenant).await.unwrap();
    for limiter in [&a, &b] {
        limiter.fleet.lose("a test");
    }
    let live = claim(&a, 1, &before).await.unwrap();
    // Two of five for each of two nodes.
    reserve_for(&a, 2, &tenant).await.unwrap();
    assert_eq!(reserve_for(&a, 3, &tenant).await, Err(Full::Tenant));
    reserve_for(&b, 4, &tenant).await.unwrap();
    let last = reserve_for(&b, 5, &tenant).await.unwrap();
    assert_eq!(reserve_for(&b, 6, &tenant).await, Err(Full::Tenant));
    assert!(claim(&b, 5, &last).await.is_ok(), "a token of this node's own is good");
    drop(live);
    reserve_for(&a, 3, &tenant).await.unwrap();
}

#[actix_rt::test]
async fn without_the_fleet_windows_are_shared_out_too() {
    let mut tenant = tenant();
    tenant.limits.concurrent_calls = 0;
    tenant.limits.calls_per_number_per_hour = 4;
    let tenant = Arc::new(tenant);
    let [a, b] = two(&tenant).await;
    reserve_for(&a, 1, &tenant).await.unwrap();
    b.fleet.lose("a test");
    a.fleet.lose("a test");
    let over = Err(Full::Hour(TurnedAway::CallerHour));
    reserve_for(&a, 2, &tenant).await.unwrap();
    assert_eq!(reserve_for(&a, 3, &tenant).await, over);
    reserve_for(&b, 4, &tenant).await.unwrap();
    reserve_for(&b, 5, &tenant).await.unwrap();
    assert_eq!(reserve_for(&b, 6, &tenant).await, over);
}

#[actix_rt::test]
async fn a_source_is_throttled_after_so_many_bad_signatures() {
    let limiter = limiter(LONG);
    for _ in 0..3 {
        assert_eq!(limiter.bad_signature("192.0.2.1"), BadSignature::Counted);
    }
    assert_eq!(limiter.bad_signature("192.0.2.1"), BadSignature::Throttled { first: true });
    assert_eq!(limiter.bad_signature("192.0.2.1"), BadSignature::Throttled { first: false });
    assert_eq!(limiter.bad_signature("192.0.2.2"), BadSignature::Counted);
}
