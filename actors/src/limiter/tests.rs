//! What the limiter does once the process is on its way out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::sync::Arc;
use std::time::Duration;

use trunkline_core::ids::{AccountSid, CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{Credentials, Limits, Mode, ModelSettings, Persona, Tenant, Turns};
use trunkline_core::turn::barge_in::BargeInSettings;
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::SilenceSettings;

use super::{Booking, Claim, ClaimRefusal, Full, LimiterSettings, LimiterState, Unbegun, Unserved};

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
        limits: Limits::default(),
        turns: Turns::Ours,
        barge_in: BargeInSettings::default(),
        endpointing: Endpointing::default(),
        silence: SilenceSettings::default(),
        voicemail: None,
        model: ModelSettings::default(),
        tools: Vec::new(),
        facts: Default::default(),
        credentials: Credentials::default(),
        flight_recorder: None,
    }
}

fn call(number: u32) -> CallSid {
    CallSid::parse(&format!("CA{number:032}")).unwrap()
}

fn limiter(reservation_ttl: Duration) -> Arc<LimiterState> {
    let token_ttl = Duration::from_secs(60);
    LimiterState::new(LimiterSettings { max_calls: 0, reservation_ttl, token_ttl })
}

fn reserve(limiter: &Arc<LimiterState>, number: u32) -> Result<String, Full> {
    limiter.reserve(Booking {
        call_sid: call(number),
        account_sid: None,
        tenant: Arc::new(tenant()),
        from: PhoneNumber::new("+15550170001"),
        to: PhoneNumber::new("+15550170002"),
    })
}

fn claim(limiter: &Arc<LimiterState>, number: u32, token: &str) -> Result<Claim, ClaimRefusal> {
    let account = AccountSid::parse(&format!("AC{:032}", 1)).unwrap();
    let unbegun = |booking| Unbegun::new(Arc::new(|_, _| ()), booking, Default::default());
    limiter.claim(&call(number), &account, token, unbegun)
}

#[test]
fn a_closed_limiter_keeps_its_promises_and_makes_none() {
    let limiter = limiter(Duration::from_secs(60));
    let promised = reserve(&limiter, 1).unwrap();
    limiter.close();
    assert_eq!(reserve(&limiter, 2), Err(Full::Closed));
    assert_eq!(reserve(&limiter, 1).as_ref(), Ok(&promised), "a redelivered webhook");
    let live = claim(&limiter, 1, &promised).unwrap();
    assert_eq!(limiter.total(), 1);
    drop(live);
    assert_eq!(limiter.total(), 0);
}

#[test]
fn what_nobody_claimed_is_given_up_once_and_its_slots_are_free() {
    let limiter = limiter(Duration::ZERO);
    reserve(&limiter, 1).unwrap();
    std::thread::sleep(Duration::from_millis(1));
    assert!(limiter.sweep().is_empty(), "its slot is gone, its token is still good");
    let late = reserve(&limiter, 2).unwrap();
    let token = reserve(&limiter, 3).unwrap();
    let live = claim(&limiter, 3, &token).unwrap();

    let mut given_up = limiter.give_up();
    given_up.sort_by_key(|(booking, _)| booking.call_sid.as_str().to_owned());
    let seen: Vec<_> = given_up.iter().map(|(b, why)| (b.call_sid.clone(), *why)).collect();
    assert_eq!(seen, [(call(1), Unserved::NoStream), (call(2), Unserved::Draining)]);
    assert!(limiter.give_up().is_empty());
    assert_eq!(limiter.total(), 1, "the live call keeps its own");
    assert_eq!(claim(&limiter, 2, &late).unwrap_err(), ClaimRefusal::Used);
    drop(live);
    assert_eq!(limiter.total(), 0);
}
