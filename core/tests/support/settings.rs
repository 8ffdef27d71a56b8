//! What the calls under test are told when they begin.

use std::collections::BTreeMap;
use std::sync::Arc;

use trunkline_core::call::{CallSettings, Script, Sentence};
use trunkline_core::cost::{Budget, Costing};
use trunkline_core::ids::{CallSid, StreamSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::{
    Credentials, Limits, Mode, ModelSettings, Persona, PipelineChoice, Tenant, Turns,
};
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInSettings;
use trunkline_core::turn::endpoint::Endpointing;
use trunkline_core::turn::silence::{AfterSilence, SilenceSettings};

use super::services::Service;

/// The first sentence of every call here.
pub const GREETING: &str = "Thank you for calling Elm Plumbing, how can I help?";
/// Bytes of its kept rendering: two seconds.
pub const GREETING_BYTES: u64 = 16_000;
/// Bytes of the kept rendering of any other sentence: three quarters of a second.
pub const SENTENCE_BYTES: u64 = 6_000;
/// What a silent caller is asked.
pub const NUDGE: &str = "Are you still there?";
/// Silence is left alone.
pub const PATIENT: SilenceSettings =
    SilenceSettings { nudge_ms: 0, give_up_ms: 0, then: AfterSilence::Goodbye, text_wait_ms: 0 };

pub const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

pub const fn secs(s: u64) -> Micros {
    Micros::from_secs(s)
}

/// What differs from one test's call to another's.
#[derive(Clone, Debug)]
pub struct Plan {
    pub mode: Mode,
    /// A pipeline follows on the tenant's speech models.
    pub takes_over: bool,
    /// The pipeline begins answers before they are wanted.
    pub speculate: bool,
    /// Services of which the pipeline has one more.
    pub seconds: Vec<Service>,
    pub cached_greeting: bool,
    pub limits: Limits,
    pub turns: Turns,
    pub human: bool,
    pub filler: Option<&'static str>,
    /// Without ears, where nothing else is said.
    pub barge_in: BargeInSettings,
    /// Sentences whose rendering is kept.
    pub kept: Vec<Sentence>,
    pub providers: usize,
    pub silence: SilenceSettings,
    pub endpointing: Endpointing,
    pub voicemail: Option<&'static str>,
    pub session_limit_ms: u64,
    /// The model's own window of silence.
    pub silence_duration_ms: u32,
    /// What the call's cost is reckoned by.
    pub costing: Option<Costing>,
    pub budget: Budget,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            mode: Mode::Realtime,
            takes_over: false,
            speculate: false,
            seconds: Vec::new(),
            cached_greeting: true,
            limits: Limits::default(),
            turns: Turns::Ours,
            human: true,
            filler: Some("One moment please."),
            barge_in: BargeInSettings { ears: false, ..BargeInSettings::default() },
            kept: Vec::new(),
            providers: 1,
            silence: SilenceSettings::default(),
            endpointing: Endpointing::default(),
            voicemail: None,
            session_limit_ms: 3_600_000,
            silence_duration_ms: 500,
            costing: None,
            budget: Budget::default(),
        }
    }
}

impl Plan {
    pub fn uncached() -> Self {
        Self { cached_greeting: false, ..Self::default() }
    }

    pub fn with_ears() -> Self {
        Self { barge_in: BargeInSettings::default(), silence: PATIENT, ..Self::default() }
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
                nudge: NUDGE.to_owned(),
                bridging: "Bear with me.".to_owned(),
            },
            tools: Vec::new(),
            kept_greeting_bytes: self.cached_greeting.then_some(GREETING_BYTES),
            kept_sentences: self.kept.iter().map(|s| (*s, SENTENCE_BYTES)).collect(),
            providers: self.providers + usize::from(self.takes_over),
            costing: self.costing.clone(),
        }
    }

    fn tenant(&self) -> Tenant {
        Tenant {
            id: TenantId::parse("elm").unwrap(),
            company: "Elm Plumbing".to_owned(),
            numbers: Vec::new(),
            mode: self.mode,
            persona: Persona {
                name: "default".to_owned(),
                speaks_as: "Sarah".to_owned(),
                instructions: String::new(),
                greeting: GREETING.to_owned(),
                farewell: String::new(),
                wrap_up: String::new(),
                fillers: Vec::new(),
                nudge: String::new(),
                bridging: String::new(),
                tangents: Vec::new(),
                voice: "marin".to_owned(),
            },
            human_number: self.human.then(|| PhoneNumber::new("+14155550100")),
            caller_id: None,
            consent: None,
            record: false,
            stream_enabled: true,
            recording: trunkline_core::tenant::Recording::default(),
            flight_recorder: None,
            privacy: Default::default(),
            limits: self.limits.clone(),
            budget: self.budget,
            turns: self.turns,
            barge_in: self.barge_in.clone(),
            endpointing: self.endpointing,
            silence: self.silence,
            voicemail: self.voicemail.map(str::to_owned),
            model: ModelSettings {
                session_limit_ms: self.session_limit_ms,
                silence_duration_ms: self.silence_duration_ms,
                ..ModelSettings::default()
            },
            tools: Vec::new(),
            pipeline: PipelineChoice { speculate: self.speculate, ..Default::default() },
            facts: BTreeMap::new(),
            credentials: Credentials::default(),
        }
    }
}
