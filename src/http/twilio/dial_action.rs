//! The dialled human's leg is over: how it ended is written down, and so is the call.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use trunkline_core::admission::{AfterDial, after_dial};
use trunkline_core::wire::twilio::webhook::DialActionWebhook;
use trunkline_store::{HandoffOutcome, Record, Status};

use crate::http::body::Body;
use crate::http::state::AppState;

use super::{signed, twiml};

/// `POST /twilio/dial-action`.
pub(in crate::http) async fn dial_action(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let read = signed::typed(&state, &request, &body, DialActionWebhook::from_form);
    let (signed, webhook) = match read {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    let ended = webhook.dial_status.filter(|status| status.is_final());
    let outcome = ended.and_then(|status| status.as_str().parse::<Status>().ok());
    if let (Some(outcome), Some(tenant)) = (outcome, &signed.tenant)
        && signed.may_speak_of(&state, &webhook.call_sid)
    {
        state.node.record(Record::HandoffEnded(HandoffOutcome {
            call_sid: webhook.call_sid.clone(),
            tenant_id: tenant.id.clone(),
            outcome,
            talk_s: webhook.dial_duration_s.and_then(|seconds| i32::try_from(seconds).ok()),
            at: Utc::now(),
        }));
    }
    twiml::answer(&match after_dial(ended) {
        AfterDial::HangUp => twiml::hang_up(),
        AfterDial::NobodyThere => twiml::nobody(),
    })
}
