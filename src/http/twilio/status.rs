//! The carrier reports where a call is. Reports come late, twice and in any
//! order; the row keeps the furthest.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use trunkline_actors::call::CallMessage;
use trunkline_actors::metrics;
use trunkline_core::call::{self, Input};
use trunkline_core::ids::CallSid;
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::twilio::webhook::StatusWebhook;
use trunkline_store::{Outcome, Record, Status, StatusReport};

use crate::http::body::Body;
use crate::http::state::AppState;

use super::{records, signed};

/// `POST /twilio/status`.
pub(in crate::http) async fn status(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let read = signed::typed(&state, &request, &body, StatusWebhook::from_form);
    let (signed, webhook) = match read {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    let mut kept = true;
    if signed.may_speak_of(&state, &webhook.call_sid) {
        kept = take(&state, signed.tenant.as_deref(), &webhook).await;
    }
    // It may come again with what is not safe.
    if kept {
        HttpResponse::NoContent().finish()
    } else {
        HttpResponse::ServiceUnavailable().finish()
    }
}

/// Whether all that follows is safe.
async fn take(state: &AppState, tenant: Option<&Tenant>, webhook: &StatusWebhook) -> bool {
    // What is to be done does not wait for what is to be stored.
    let reported = webhook.status.as_str().parse::<Status>().ok().map(|status| {
        let report = StatusReport {
            call_sid: webhook.call_sid.clone(),
            tenant_id: tenant.map(|tenant| tenant.id.clone()),
            status,
            at: Utc::now(),
        };
        records::kept(state, Record::StatusReported(report))
    });
    let ended = if webhook.status.is_final() { over(state, tenant, webhook).await } else { true };
    let reported = match reported {
        Some(kept) => kept.await,
        None => true,
    };
    reported && ended
}

/// The carrier says that the call is over, perhaps before its stream does; whether what
/// is written of that is safe.
async fn over(state: &AppState, tenant: Option<&Tenant>, webhook: &StatusWebhook) -> bool {
    let sid = &webhook.call_sid;
    if let Some(call) = state.node.directory.by_call(sid) {
        call.link.tell(CallMessage::input(Input::StreamStopped));
        return true;
    }
    let waited = forget(state, sid).await;
    // A redelivered webhook that comes after this must not begin the call again.
    state.node.dispositions.over(sid);
    if !waited {
        return true;
    }
    let mut change = records::ended(sid, Outcome::Abandoned);
    change.error = Some("no_stream".to_owned());
    if let Some(tenant) = tenant {
        metrics::call_ended(&tenant.id, call::Outcome::Abandoned);
    }
    records::kept(state, Record::CallChanged(Box::new(change))).await
}

/// Gives up a call that no stream has begun; whether there was one, here or at
/// another node.
async fn forget(state: &AppState, sid: &CallSid) -> bool {
    if state.node.limits.is_waiting(sid) {
        state.node.forget_reservation(sid.clone());
        return true;
    }
    state.node.forget_elsewhere(sid).await
}
