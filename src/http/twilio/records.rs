//! What webhooks have stored.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use trunkline_actors::metrics;
use trunkline_core::ids::CallSid;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::twilio::webhook::VoiceWebhook;
use trunkline_store::{
    CallChange, CallRow, HandoffRow, HandshakeRow, Mode, Outcome, Payload, Record,
};

use crate::http::state::AppState;

/// Longest the carrier waits until what it told is where it outlasts the process. The
/// journal needs some tens of milliseconds.
const KEPT_WITHIN: Duration = Duration::from_secs(3);

/// Has what the carrier told stored; whether it is safe by the time that the carrier is
/// answered.
pub(super) fn kept(state: &AppState, record: Record) -> impl Future<Output = bool> + use<> {
    state.node.keep(record, KEPT_WITHIN)
}

/// A call rings: its row, as far as it is known.
pub(super) fn call_rings(state: &AppState, tenant: &Arc<Tenant>, webhook: &VoiceWebhook) {
    let unknown = || PhoneNumber::new("unknown");
    let mut row = CallRow::inbound(
        webhook.call_sid.clone(),
        tenant.id.clone(),
        webhook.from.clone().unwrap_or_else(unknown),
        webhook.to.clone().unwrap_or_else(unknown),
        Utc::now(),
    );
    row.account_sid.clone_from(&webhook.account_sid);
    row.persona = Some(tenant.persona.name.clone());
    row.node_id = Some(state.node.settings.id.clone());
    state.node.record(Record::CallStarted(Box::new(row)));
}

/// The call goes to the human number instead of the agent.
pub(super) fn call_bridged(
    state: &AppState,
    tenant: &Tenant,
    call_sid: &CallSid,
    reason: &'static str,
) {
    metrics::call_bridged(&tenant.id, reason);
    tracing::warn!(call.id = %call_sid, tenant.id = %tenant.id, mode = "bridge", reason, "a call goes to the human number");
    let human = tenant.human_number.is_some();
    if human {
        handed_off(state, tenant, call_sid, reason);
    }
    let mut change = ended(call_sid, if human { Outcome::Transferred } else { Outcome::Failed });
    change.mode = Some(Mode::Bridge);
    change.handoff = Some(human);
    change.handoff_reason = Some(reason.to_owned());
    change.captured_fields =
        Some(Payload(json!({ "stream_fallback": true, "end_reason": reason })));
    state.node.record(Record::CallChanged(Box::new(change)));
    state.node.record(Record::Handshake(HandshakeRow {
        call_sid: call_sid.clone(),
        tenant_id: tenant.id.clone(),
        elapsed_ms: None,
        first_audio_ms: None,
        fell_back: true,
        error_message: Some(reason.to_owned()),
        started_at: Utc::now(),
    }));
    let (sid, id) = (Some(call_sid.clone()), Some(tenant.id.clone()));
    state.node.audit(sid, id, "bridge", json!({ "reason": reason }));
}

/// The caller is put through to the human; the first reason stays. It goes before
/// what ends the call: who sees the end sees it too.
pub(super) fn handed_off(state: &AppState, tenant: &Tenant, call_sid: &CallSid, reason: &str) {
    let (sid, id) = (call_sid.clone(), tenant.id.clone());
    state.node.record(Record::HandedOff(HandoffRow::to_human(sid, id, reason, Utc::now())));
}

/// The call was not taken at all.
pub(super) fn call_refused(
    state: &AppState,
    tenant: &Tenant,
    call_sid: &CallSid,
    reason: &'static str,
) {
    metrics::call_refused(Some(&tenant.id), reason);
    let mut change = ended(call_sid, Outcome::Refused);
    change.error = Some(reason.to_owned());
    state.node.record(Record::CallChanged(Box::new(change)));
    let (sid, id) = (Some(call_sid.clone()), Some(tenant.id.clone()));
    state.node.audit(sid, id, "call_refused", json!({ "reason": reason }));
}

/// A change that ends a call.
pub(super) fn ended(call_sid: &CallSid, outcome: Outcome) -> CallChange {
    let now = Utc::now();
    let mut change = CallChange::new(call_sid.clone(), now);
    change.phase = Some("ended".to_owned());
    change.outcome = Some(outcome);
    change.ended_at = Some(now);
    change
}
