//! The carrier tells of a recording. It is told that we heard, whatever it says: once
//! what is to be fetched is where it outlasts the process, or when that takes too long,
//! as it does not ask twice. The job that fetches finds it in the database. Whether the
//! call is there is not asked: its row may come later, from another node.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use serde::Deserialize;
use serde_json::json;
use trunkline_actors::metrics;
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::twilio::recording::{RecordingStatus, RecordingWebhook};
use trunkline_store::{Record, RecordingForOneOf, RecordingRow, Scope};

use crate::http::body::Body;
use crate::http::state::AppState;

use super::{records, signed};

/// Longest the carrier waits for a database that may not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whose recording it is, in an address that we gave out.
#[derive(Default, Deserialize)]
struct Whose {
    tenant: Option<TenantId>,
}

/// `POST /twilio/recording?tenant=`.
pub(in crate::http) async fn recording(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let named = web::Query::<Whose>::from_query(request.query_string());
    let named = named.ok().and_then(|whose| whose.into_inner().tenant);
    let named = named.and_then(|id| state.book.current().by_id(&id).cloned());
    let form = match signed::of_tenant(&state, &request, &body, named.clone()) {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let kept = match RecordingWebhook::from_form(&form) {
        Ok(webhook) => {
            let owner = match named {
                Some(tenant) => Owner::Known(tenant),
                None => owner_who_signed(&state, &request, &body, &webhook.call_sid).await,
            };
            take(&state, owner, webhook).await
        }
        Err(error) => {
            tracing::warn!(%error, "what the carrier says of a recording is of no use");
            true
        }
    };
    if !kept {
        tracing::warn!("a recording is known in memory alone, and waits for the database");
    }
    HttpResponse::Ok().finish()
}

/// Whose call is heard in a recording.
enum Owner {
    Known(Arc<Tenant>),
    /// The call's row is not at hand: it is for one of those with the account that signed.
    OneOf(Vec<Arc<Tenant>>),
    /// Of nobody who signed.
    Nobody,
}

/// The tenant of the call, where it was that tenant's account that signed.
async fn owner_who_signed(
    state: &AppState,
    request: &HttpRequest,
    body: &[u8],
    call_sid: &CallSid,
) -> Owner {
    let live = state.node.directory.by_call(call_sid).map(|call| call.tenant.clone());
    let known = live.or_else(|| state.node.limits.tenant_of(call_sid));
    let id = match known {
        Some(id) => Some(id),
        None => stored_owner(state, call_sid).await,
    };
    let signed = |tenant: &Arc<Tenant>| signed::is_of_tenant(state, request, body, tenant);
    let Some(id) = id else {
        return Owner::OneOf(state.book.current().iter().filter(|t| signed(t)).cloned().collect());
    };
    match state.book.current().by_id(&id).cloned() {
        Some(tenant) if signed(&tenant) => Owner::Known(tenant),
        Some(_) => {
            let data = json!({ "call": call_sid.as_str() });
            state.node.audit(None, None, "foreign_call", data);
            Owner::Nobody
        }
        None => Owner::Nobody,
    }
}

async fn stored_owner(state: &AppState, call_sid: &CallSid) -> Option<TenantId> {
    let (store, sid) = (state.node.store.clone(), call_sid.clone());
    // Whose call it is, is what is asked.
    let read = actix_web::rt::task::spawn_blocking(move || store.call(Scope::AllTenants, &sid));
    let row = tokio::time::timeout(PATIENCE, read).await.ok()?.ok()?.ok()??;
    Some(row.tenant_id)
}

/// Writes down what is to be fetched; whether that is safe.
async fn take(state: &AppState, owner: Owner, webhook: RecordingWebhook) -> bool {
    if webhook.status == RecordingStatus::Unfinished {
        return true;
    }
    let of = match owner {
        Owner::Known(tenant) => vec![tenant],
        Owner::OneOf(tenants) => tenants,
        Owner::Nobody => Vec::new(),
    };
    if of.is_empty() {
        tracing::warn!(call.id = %webhook.call_sid, "a recording is of no call of ours");
    }
    if let [tenant] = of.as_slice() {
        let result = if tenant.keeps_recordings() { "announced" } else { "unwanted" };
        metrics::call_recording(&tenant.id, result);
    }
    let keeps = of.iter().filter(|tenant| tenant.keeps_recordings());
    let tenants: Vec<TenantId> = keeps.map(|tenant| tenant.id.clone()).collect();
    let Some(first) = tenants.first() else {
        return true;
    };
    let recording = row(webhook, first);
    let record = if tenants.len() == 1 {
        Record::Recorded(Box::new(recording))
    } else {
        Record::RecordedForOneOf(Box::new(RecordingForOneOf { tenants, recording }))
    };
    records::kept(state, record).await
}

fn row(webhook: RecordingWebhook, tenant: &TenantId) -> RecordingRow {
    let mut row = RecordingRow::to_fetch(
        (tenant.clone(), webhook.call_sid),
        (webhook.account_sid, webhook.recording_sid),
        Utc::now(),
    );
    row.duration_s = webhook.duration_s.and_then(|seconds| i32::try_from(seconds).ok());
    row.channels = webhook.channels.map(i32::from);
    if webhook.status == RecordingStatus::Absent {
        let code = webhook.error_code.map(|code| format!("_{code}")).unwrap_or_default();
        row = row.absent(format!("absent{code}"));
    }
    row
}
