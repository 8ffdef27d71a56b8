//! The carrier tells of a recording. It is told that we heard, whatever it says, so
//! that it does not ask again; what is to be fetched is written down, and the job that
//! fetches finds it there.

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
use trunkline_store::{Record, RecordingRow, Scope};

use crate::http::body::Body;
use crate::http::state::AppState;

use super::signed;

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
    match RecordingWebhook::from_form(&form) {
        Ok(webhook) => {
            let owner = match named {
                Some(tenant) => Some(tenant),
                None => owner_who_signed(&state, &request, &body, &webhook.call_sid).await,
            };
            match owner {
                Some(tenant) => take(&state, &tenant, webhook),
                None => {
                    tracing::warn!(call.id = %webhook.call_sid, "a recording is of no call of ours");
                }
            }
        }
        Err(error) => tracing::warn!(%error, "what the carrier says of a recording is of no use"),
    }
    HttpResponse::Ok().finish()
}

/// The tenant of the call, where it was that tenant's account that signed.
async fn owner_who_signed(
    state: &AppState,
    request: &HttpRequest,
    body: &[u8],
    call_sid: &CallSid,
) -> Option<Arc<Tenant>> {
    let live = state.node.directory.by_call(call_sid).map(|call| call.tenant.clone());
    let known = live.or_else(|| state.node.limits.tenant_of(call_sid));
    let id = match known {
        Some(id) => id,
        None => stored_owner(state, call_sid).await?,
    };
    let tenant = state.book.current().by_id(&id).cloned()?;
    let signed = signed::is_of_tenant(state, request, body, &tenant);
    if !signed {
        let data = json!({ "call": call_sid.as_str() });
        state.node.audit(None, None, "foreign_call", data);
    }
    signed.then_some(tenant)
}

async fn stored_owner(state: &AppState, call_sid: &CallSid) -> Option<TenantId> {
    let (store, sid) = (state.node.store.clone(), call_sid.clone());
    // Whose call it is, is what is asked.
    let read = actix_web::rt::task::spawn_blocking(move || store.call(Scope::AllTenants, &sid));
    let row = tokio::time::timeout(PATIENCE, read).await.ok()?.ok()?.ok()??;
    Some(row.tenant_id)
}

fn take(state: &AppState, tenant: &Tenant, webhook: RecordingWebhook) {
    if webhook.status == RecordingStatus::Unfinished {
        return;
    }
    if !tenant.keeps_recordings() {
        metrics::call_recording(&tenant.id, "unwanted");
        return;
    }
    metrics::call_recording(&tenant.id, "announced");
    let mut row = RecordingRow::to_fetch(
        (tenant.id.clone(), webhook.call_sid),
        (webhook.account_sid, webhook.recording_sid),
        Utc::now(),
    );
    row.duration_s = webhook.duration_s.and_then(|seconds| i32::try_from(seconds).ok());
    row.channels = webhook.channels.map(i32::from);
    if webhook.status == RecordingStatus::Absent {
        let code = webhook.error_code.map(|code| format!("_{code}")).unwrap_or_default();
        row = row.absent(format!("absent{code}"));
    }
    state.node.record(Record::Recorded(Box::new(row)));
}
