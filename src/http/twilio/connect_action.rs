//! The stream is over: what now? This alone decides, and any node can answer:
//! from what it knows itself, else from the database.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use trunkline_core::admission::{AfterStream, after_stream};
use trunkline_core::call::Disposition;
use trunkline_core::ids::CallSid;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::twilio::CarrierStatus;
use trunkline_core::wire::twilio::twiml::Twiml;
use trunkline_core::wire::twilio::webhook::ConnectActionWebhook;
use trunkline_store::{CallRow, Mode, Outcome, Scope};

use crate::http::body::Body;
use crate::http::state::AppState;

use super::{records, signed, twiml};

/// The carrier may ask before the call has closed its books: it is asked again
/// this often, this many times. A second of ringing tone is not noticed.
const LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Longest the caller waits for a database that may not answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// `POST /twilio/connect-action`.
pub(in crate::http) async fn connect_action(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let read = signed::typed(&state, &request, &body, ConnectActionWebhook::from_form);
    let (signed, webhook) = match read {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    let ours = signed.may_speak_of(&state, &webhook.call_sid);
    let tenant = signed.tenant;
    let mut had_agent = true;
    let disposition = if !ours {
        None
    } else if is_waiting(&state, &webhook.call_sid).await {
        had_agent = false;
        stream_never_opened(&state, tenant.as_deref(), &webhook);
        Some(Disposition::Bridge)
    } else {
        how_it_ended(&state, tenant.as_deref(), &webhook.call_sid).await
    };
    let caller_is_there = webhook.call_status == Some(CarrierStatus::InProgress);
    // The call itself has said why, unless it could not know: nobody did.
    if let (Some(disposition), Some(tenant)) = (disposition, tenant.as_deref())
        && tenant.human_number.is_some()
        && after_stream(Some(disposition), caller_is_there) != AfterStream::HangUp
    {
        records::handed_off(&state, tenant, &webhook.call_sid, "after_stream");
    }
    let (tenant, called) = (tenant.as_deref(), webhook.to.as_ref());
    let what = render(&state, disposition, (caller_is_there, had_agent), tenant, called);
    twiml::answer(&what)
}

/// What the caller gets after a stream of which this is known.
pub(super) fn render(
    state: &AppState,
    disposition: Option<Disposition>,
    (caller_is_there, had_agent): (bool, bool),
    tenant: Option<&Tenant>,
    called: Option<&PhoneNumber>,
) -> Twiml {
    match after_stream(disposition, caller_is_there) {
        AfterStream::HangUp => twiml::hang_up(),
        AfterStream::Human { announce } if had_agent => {
            twiml::human_after_agent(state, tenant, called, announce)
        }
        AfterStream::Human { announce } => twiml::human(state, tenant, called, announce),
    }
}

/// The carrier could not open the stream at all: the watchdog's path, without
/// the wait.
fn stream_never_opened(state: &AppState, tenant: Option<&Tenant>, webhook: &ConnectActionWebhook) {
    state.node.dispositions.set(&webhook.call_sid, Disposition::Bridge);
    state.node.forget_reservation(webhook.call_sid.clone());
    if let Some(tenant) = tenant {
        records::call_bridged(state, tenant, &webhook.call_sid, "stream_not_opened");
    }
}

/// Whether a call was reserved, here or at another node, and no stream has begun it.
async fn is_waiting(state: &AppState, call_sid: &CallSid) -> bool {
    // Somebody who asks again may come before the reservation is given back.
    if state.node.dispositions.get(call_sid).is_some() {
        return false;
    }
    if state.node.limits.is_waiting(call_sid) {
        return true;
    }
    let known = state.node.directory.by_call(call_sid).is_some()
        || state.node.limits.tenant_of(call_sid).is_some();
    !known && state.node.forget_elsewhere(call_sid).await
}

/// What is known of a stream's end. A call whose books nobody closes was lost,
/// and is written down as such.
async fn how_it_ended(
    state: &AppState,
    tenant: Option<&Tenant>,
    call_sid: &CallSid,
) -> Option<Disposition> {
    match tokio::time::timeout(PATIENCE, find(state, tenant, call_sid)).await {
        Ok(Found::Ended(disposition)) => Some(disposition),
        Ok(Found::Nowhere) | Err(_) => None,
        Ok(Found::StillOpen) => {
            if let Some(tenant) = tenant {
                records::call_bridged(state, tenant, call_sid, "stream_lost");
            }
            None
        }
    }
}

enum Found {
    Ended(Disposition),
    StillOpen,
    Nowhere,
}

async fn find(state: &AppState, tenant: Option<&Tenant>, call_sid: &CallSid) -> Found {
    for _ in 0..LOOKS {
        if let Some(known) = state.node.dispositions.get(call_sid) {
            return Found::Ended(known);
        }
        if state.node.directory.by_call(call_sid).is_none() {
            match stored(state, tenant, call_sid).await {
                None => return Found::Nowhere,
                Some(row) if row.ended_at.is_some() => return Found::Ended(disposition_of(&row)),
                Some(_) => {}
            }
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Found::StillOpen
}

/// The call's row, where it is of the tenant whose number was called.
async fn stored(state: &AppState, tenant: Option<&Tenant>, call_sid: &CallSid) -> Option<CallRow> {
    let (store, sid) = (state.node.store.clone(), call_sid.clone());
    let owner = tenant?.id.clone();
    let read = actix_web::rt::task::spawn_blocking(move || store.call(Scope::Tenant(&owner), &sid));
    read.await.ok()?.ok()?
}

/// What a row says of a stream's end. A call that went wrong was not ended on
/// purpose, so its caller is still owed a human.
fn disposition_of(row: &CallRow) -> Disposition {
    let went_wrong = row.outcome == Some(Outcome::Failed) || row.error.is_some();
    if row.mode == Mode::Bridge || went_wrong {
        Disposition::Bridge
    } else if row.handoff {
        Disposition::Transfer
    } else if row.captured_fields.0.get("end_reason").is_some_and(|r| r == "caller_hung_up") {
        Disposition::CallerGone
    } else {
        Disposition::HangUp
    }
}
