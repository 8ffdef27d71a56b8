//! What the calls under test are told when they begin.

use std::collections::BTreeMap;
use std::sync::Arc;

use trunkline_core::call::{CallSettings, Script};
use trunkline_core::ids::{CallSid, StreamSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{Credentials, Limits, Mode, ModelSettings, Persona, Tenant, Turns};
use trunkline_core::time::Micros;

/// The first sentence of every call here.
pub const GREETING: &str = "Thank you for calling Elm Plumbing, how can I help?";
/// Bytes of its kept rendering: two seconds.
pub const GREETING_BYTES: u64 = 16_000;

pub const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

pub const fn secs(s: u64) -> Micros {
    Micros::from_secs(s)
}

/// What differs from one test's call to another's.
#[derive(Clone, Debug)]
pub struct Plan {
    pub cached_greeting: bool,
    pub limits: Limits,
    pub turns: Turns,
    pub human: bool,
    pub filler: Option<&'static str>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            cached_greeting: true,
            limits: Limits::default(),
            turns: Turns::Ours,
            human: true,
            filler: Some("One moment please."),
        }
    }
}

impl Plan {
    pub fn uncached() -> Self {
        Self { cached_greeting: false, ..Self::default() }
    }

    pub fn settings(&self) -> CallSettings {
        CallSettings {
            call_sid: CallSid::parse("CA0").unwrap(),
            stream_sid: StreamSid::parse("MZ0").unwrap(),
            tenant: Arc::new(self.tenant()),
            script: Script {
                instructions: "You answer the phone.".to_owned(),
                greeting: GREETING.to_owned(),
                farewell: "Goodbye and thank you.".to_owned(),
                wrap_up: "I am afraid our time is over, goodbye.".to_owned(),
                filler: self.filler.map(str::to_owned),
            },
            tools: Vec::new(),
            kept_greeting_bytes: self.cached_greeting.then_some(GREETING_BYTES),
        }
    }

    fn tenant(&self) -> Tenant {
        Tenant {
            id: TenantId::parse("elm").unwrap(),
            company: "Elm Plumbing".to_owned(),
            numbers: Vec::new(),
            mode: Mode::Realtime,
            persona: Persona {
                name: "default".to_owned(),
                speaks_as: "Sarah".to_owned(),
                instructions: String::new(),
                greeting: GREETING.to_owned(),
                farewell: String::new(),
                wrap_up: String::new(),
                fillers: Vec::new(),
                tangents: Vec::new(),
                voice: "marin".to_owned(),
            },
            human_number: self.human.then(|| PhoneNumber::new("+14155550100")),
            caller_id: None,
            consent: None,
            record: false,
            stream_enabled: true,
            flight_recorder: None,
            limits: self.limits.clone(),
            turns: self.turns,
            model: ModelSettings::default(),
            tools: Vec::new(),
            facts: BTreeMap::new(),
            credentials: Credentials::default(),
        }
    }
}
