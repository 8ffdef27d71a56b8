//! The call's book-keeping: from what the core reports to what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use chrono::Utc;
use serde_json::{Value, json};
use trunkline_core::call::{Handshake, Outcome, PhaseName, Speaker, Summary, TranscriptEntry};
use trunkline_core::ids::{CallSid, StreamSid, TenantId};
use trunkline_core::time::Micros;
use trunkline_store::{
    CallChange, Channel, EventRow, HandoffRow, HandshakeChange, HandshakeRow, Mode, Payload,
    Record, TranscriptRow,
};
use uuid::Uuid;

use crate::clock::CallClock;
use crate::limiter::Booking;
use crate::node::{Node, SessionTarget};

use super::begin::CallPlan;

/// See the module's text.
pub(super) struct Ledger {
    node: Arc<Node>,
    call_sid: CallSid,
    tenant: TenantId,
    clock: CallClock,
    seq: AtomicI32,
}

impl Ledger {
    pub(super) fn new(node: Arc<Node>, booking: &Booking, clock: CallClock) -> Self {
        Self {
            node,
            call_sid: booking.call_sid.clone(),
            tenant: booking.tenant.id.clone(),
            clock,
            seq: AtomicI32::new(0),
        }
    }

    pub(super) fn stream_started(&self, stream_sid: &StreamSid, plan: &CallPlan, seed: u64) {
        let started_at = self.clock.started_at();
        let mut change = CallChange::new(self.call_sid.clone(), started_at);
        change.stream_sid = Some(stream_sid.clone());
        change.stream_started_at = Some(started_at);
        match plan.target(0) {
            Some(SessionTarget::Pipeline(target)) => {
                let (model, _) = target.names();
                change.model = Some(model.to_owned());
            }
            Some(SessionTarget::Realtime(target)) => {
                change.realtime_provider = Some("openai".to_owned());
                change.model = Some(target.model.clone());
            }
            None => {}
        }
        change.mode = Some(plan.mode());
        change.voice = Some(plan.settings.tenant.voice().to_owned());
        change.persona = Some(plan.settings.tenant.persona.name.clone());
        change.node_id = Some(self.node.settings.id.clone());
        change.seed = Some(seed.cast_signed());
        self.node.record(Record::CallChanged(Box::new(change)));
        self.node.record(Record::Handshake(HandshakeRow {
            call_sid: self.call_sid.clone(),
            tenant_id: self.tenant.clone(),
            elapsed_ms: None,
            first_audio_ms: None,
            fell_back: false,
            error_message: None,
            started_at,
        }));
    }

    pub(super) fn event(&self, kind: &str, data: Value, at: Micros) {
        self.node.record(Record::Event(EventRow {
            id: Uuid::now_v7(),
            call_sid: Some(self.call_sid.clone()),
            tenant_id: Some(self.tenant.clone()),
            seq: self.seq.fetch_add(1, Ordering::Relaxed),
            at: self.clock.wall(at),
            at_us: i64::try_from(at.0).unwrap_or(i64::MAX),
            kind: kind.to_owned(),
            channel: Channel::Phone,
            data: Payload(data),
        }));
    }

    pub(super) fn phase(&self, phase: PhaseName, at: Micros) {
        let mut change = CallChange::new(self.call_sid.clone(), self.clock.wall(at));
        change.phase = Some(phase.as_str().to_owned());
        self.node.record(Record::CallChanged(Box::new(change)));
    }

    pub(super) fn transcript(&self, entry: TranscriptEntry) {
        self.node.record(Record::Transcript(TranscriptRow {
            id: Uuid::now_v7(),
            call_sid: self.call_sid.clone(),
            tenant_id: self.tenant.clone(),
            turn: count(entry.turn),
            speaker: match entry.speaker {
                Speaker::Caller => trunkline_store::Speaker::Caller,
                Speaker::Agent => trunkline_store::Speaker::Agent,
            },
            generated: entry.generated,
            heard: Some(entry.heard),
            item_id: Some(entry.item),
            interrupted: entry.interrupted,
            started_at: self.clock.wall(entry.started_at),
            ended_at: Some(self.clock.wall(entry.ended_at)),
        }));
    }

    pub(super) fn handshake(&self, handshake: &Handshake) {
        self.node.record(Record::HandshakeChanged(HandshakeChange {
            call_sid: self.call_sid.clone(),
            elapsed_ms: handshake.elapsed.map(millis),
            first_audio_ms: handshake.first_audio.map(millis),
            fell_back: Some(handshake.fell_back),
            error_message: handshake.error.clone(),
        }));
    }

    /// Before the end is: who sees the end sees it too.
    fn handed_off(&self, reason: &str) {
        let (sid, id) = (self.call_sid.clone(), self.tenant.clone());
        self.node.record(Record::HandedOff(HandoffRow::to_human(sid, id, reason, Utc::now())));
    }

    pub(super) fn ended(&self, summary: &Summary) {
        if summary.handoff {
            self.handed_off(summary.reason.as_deref().unwrap_or("unknown"));
        }
        let mut change = CallChange::new(self.call_sid.clone(), Utc::now());
        change.outcome = Some(outcome(summary.outcome));
        change.handoff = Some(summary.handoff);
        change.handoff_reason = summary.reason.clone().filter(|_| summary.handoff);
        change.mode = summary.bridged.then_some(Mode::Bridge);
        change.turn_count = Some(count(summary.turns));
        change.barge_in_count = Some(count(summary.barge_ins));
        change.tool_call_count = Some(count(summary.tool_calls));
        change.duration_ms = Some(millis(summary.duration));
        change.captured_fields = Some(Payload(json!({
            "handshake_ms": summary.handshake_ms,
            "stream_fallback": summary.bridged,
            "end_reason": summary.reason,
        })));
        change.ended_at = Some(self.clock.wall(summary.duration));
        self.node.record(Record::CallChanged(Box::new(change)));
    }
}

fn outcome(outcome: Outcome) -> trunkline_store::Outcome {
    match outcome {
        Outcome::Booked => trunkline_store::Outcome::Booked,
        Outcome::Cancelled => trunkline_store::Outcome::Cancelled,
        Outcome::Rescheduled => trunkline_store::Outcome::Rescheduled,
        Outcome::Completed => trunkline_store::Outcome::Completed,
        Outcome::Handoff => trunkline_store::Outcome::Handoff,
        Outcome::Transferred => trunkline_store::Outcome::Transferred,
        Outcome::Voicemail => trunkline_store::Outcome::Voicemail,
        Outcome::Abandoned => trunkline_store::Outcome::Abandoned,
        Outcome::Timeout => trunkline_store::Outcome::Timeout,
        Outcome::Failed => trunkline_store::Outcome::Failed,
    }
}

fn millis(time: Micros) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
