//! The call's money: what its services report goes to the core, and what the core
//! says of it to the records, the metrics and the tenant's day.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use chrono::Utc;
use trunkline_core::call::{Input, Money};
use trunkline_core::cost::{
    Bill, Costing, Nanos, Reached, Service, SessionServices, Step, Thinker,
};
use trunkline_core::ids::TenantId;
use trunkline_core::time::Micros;
use trunkline_core::wire::recogniser::Hearing;
use trunkline_store::{CostRow, Payload, Record};

use crate::metrics;
use crate::node::{Node, SessionTarget};
use crate::pipeline::{PipelineTarget, VoiceService};
use crate::realtime_session::SessionMessage;
use crate::spending::Purse;

use super::CallActor;

/// How often a call hears what its tenant's other calls cost.
const OTHERS_EVERY: Micros = Micros::from_secs(1);

/// A call's place in its tenant's day.
pub(super) struct Till {
    purse: Purse,
    /// When the call was last told of the others, and what; none where no budget asks.
    told: Option<(Micros, Nanos)>,
    /// Cheaper models are to be asked.
    pub(super) economises: bool,
}

impl Till {
    pub(super) fn new(purse: Purse, has_day_budget: bool) -> Self {
        let told = has_day_budget.then(|| (Micros::ZERO, purse.others()));
        Self { purse, told, economises: false }
    }

    /// What the others have cost, where it is time to tell and there is news.
    fn news(&mut self, now: Micros) -> Option<Nanos> {
        let (at, last) = self.told.as_mut()?;
        if now.since(*at) < OTHERS_EVERY {
            return None;
        }
        *at = now;
        let others = self.purse.others();
        (std::mem::replace(last, others) != others).then_some(others)
    }
}

/// What a call's cost is reckoned by; nothing where no price is known at all.
pub(super) fn costing(
    node: &Node,
    targets: &[SessionTarget],
    transcription: Option<&str>,
    purse: &Purse,
) -> Option<Costing> {
    let prices = &node.settings.prices;
    let sessions = targets.iter().map(|target| services(target, transcription)).collect();
    (!prices.is_empty()).then(|| Costing::new(prices, sessions, purse.others()))
}

fn services(target: &SessionTarget, transcription: Option<&str>) -> SessionServices {
    match target {
        SessionTarget::Realtime(model) => SessionServices {
            model: Some(Thinker {
                service: Service::new(&model.provider, &model.model),
                budget_model: model.budget.as_ref().map(|(name, _)| name.clone()),
            }),
            transcription: transcription.map(|name| Service::new(&model.provider, name)),
            ..SessionServices::default()
        },
        SessionTarget::Pipeline(pipeline) => pipeline_services(pipeline),
    }
}

fn pipeline_services(pipeline: &PipelineTarget) -> SessionServices {
    let recogniser = |hearing: &Hearing| match hearing {
        Hearing::Deepgram(listen) => Service::new("deepgram", &listen.model),
        Hearing::Transcription(transcribe) => Service::new("openai", &transcribe.model),
    };
    let agents = pipeline.agents.iter().map(|agent| Thinker {
        service: Service::new(&agent.provider, &agent.model),
        budget_model: agent.budget_model.clone(),
    });
    let voices = pipeline.voices.iter().map(|voice| match &voice.service {
        VoiceService::Azure => Service::new("azure", &voice.voice),
        VoiceService::ElevenLabs { model } => Service::new("elevenlabs", model),
    });
    SessionServices {
        recognisers: pipeline.recognisers.iter().map(|r| recogniser(&r.hearing)).collect(),
        agents: agents.collect(),
        voices: voices.collect(),
        ..SessionServices::default()
    }
}

impl CallActor {
    /// What was used goes to the core before anything else does, so that the bill is
    /// whole whenever the call ends. Little pieces of audio wait where what comes next
    /// cannot end it.
    pub(super) fn take_usage(&mut self, next: Option<&Input>, now: Micros) {
        self.take_used(!self.core.may_end_by(next), now);
    }

    /// The same before a timer of the call's, any of which may end it.
    pub(super) fn take_usage_now(&mut self, now: Micros) {
        self.take_used(false, now);
    }

    fn take_used(&mut self, in_no_hurry: bool, now: Micros) {
        if self.plan.settings.costing.is_none() {
            return;
        }
        let used = self.media.usage().take(in_no_hurry);
        for used in used {
            self.take_in(Input::Used(used), now);
        }
        if let Some(others) = self.till.news(now) {
            self.take_in(Input::OthersSpent(others), now);
        }
    }

    pub(super) fn money(&mut self, money: Money) {
        match money {
            Money::Running(total) => {
                self.till.purse.set(total);
                self.entry.set_cost(total);
            }
            Money::Unpriced { service, kind } => {
                metrics::cost_unpriced(&service, kind);
                warn_once(&service, kind.as_str());
            }
            Money::Reached(reached) => self.reached(&reached),
            Money::Economise => {
                self.till.economises = true;
                self.media.usage().economise();
                if let Some((_, link)) = &self.children.borrow().model {
                    link.tell(SessionMessage::Economise);
                }
            }
            Money::SoFar(bill) => self.record_bill(&bill, true),
            Money::Bill(bill) => {
                self.till.purse.set(bill.total);
                self.entry.set_cost(bill.total);
                self.close_bill(&bill);
            }
        }
    }

    fn reached(&self, reached: &Reached) {
        let tenant = &self.entry.tenant;
        metrics::budget_reached(tenant, reached.step, reached.of);
        tracing::warn!(
            call.id = %self.entry.call_sid,
            tenant.id = %tenant,
            step = reached.step.as_str(),
            of = reached.of.as_str(),
            spent = %reached.spent,
            limit = %reached.limit,
            "{}",
            match reached.step {
                Step::Warn => "a budget runs short",
                Step::Downgrade => "a budget runs short: cheaper models are asked",
                Step::Human => "a budget is spent: a human goes on with the call",
            }
        );
    }

    /// Before the call's own end: who sees the end sees the bill.
    fn close_bill(&self, bill: &Bill) {
        let tenant = &self.entry.tenant;
        for line in &bill.lines {
            if let Some(nanos) = line.nanos {
                metrics::cost(tenant, &line.service.provider, line.kind, nanos);
            }
        }
        self.record_bill(bill, false);
    }

    fn record_bill(&self, bill: &Bill, incomplete: bool) {
        let (call, tenant) = (&self.entry.call_sid, &self.entry.tenant);
        let mut row = cost_row(&self.node, call, tenant, self.till.purse.day(), bill);
        row.incomplete = incomplete;
        self.node.record(Record::Cost(Box::new(row)));
    }
}

/// A bill as it is stored.
pub(super) fn cost_row(
    node: &Node,
    call_sid: &trunkline_core::ids::CallSid,
    tenant: &TenantId,
    day: chrono::NaiveDate,
    bill: &Bill,
) -> CostRow {
    CostRow {
        call_sid: call_sid.clone(),
        tenant_id: tenant.clone(),
        node_id: node.settings.id.clone(),
        day: day.to_string(),
        nanos: CostRow::column(bill.total),
        unpriced: bill.unpriced,
        estimated: bill.estimated,
        breakdown: Payload(serde_json::to_value(&bill.lines).unwrap_or_default()),
        created_at: Utc::now(),
        incomplete: false,
    }
}

/// What has no price is said once in a process's life.
fn warn_once(service: &Service, kind: &'static str) {
    static SAID: Mutex<Option<HashSet<(Service, &'static str)>>> = Mutex::new(None);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.get_or_insert_default().insert((service.clone(), kind)) {
        tracing::warn!(
            provider = service.provider,
            model = service.model,
            kind,
            "there is no price for this: what it costs is not counted"
        );
    }
}
