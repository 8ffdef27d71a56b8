//! The carrier could not use our answer: the caller gets a human.

use actix_web::{HttpRequest, HttpResponse, web};
use trunkline_core::call::Disposition;
use trunkline_core::wire::twilio::webhook::VoiceWebhook;

use crate::http::body::Body;
use crate::http::routes;
use crate::http::state::AppState;

use super::{records, signed, twiml};

/// `POST /twilio/fallback`.
pub(in crate::http) async fn fallback(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let read = signed::typed(&state, &request, &body, VoiceWebhook::from_form);
    let (signed, webhook) = match read {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    tracing::error!(
        call.id = %webhook.call_sid,
        error_code = webhook.error_code,
        "the carrier could not use our answer"
    );
    if state.node.dispositions.get(&webhook.call_sid) == Some(Disposition::HangUp) {
        // A later document of a call that ended on purpose could not be used.
        return twiml::answer(&twiml::hang_up());
    }
    let spoken = webhook.error_url.as_ref().is_some_and(|url| url.ends_with(routes::DIAL_ACTION));
    if spoken {
        // The caller has been with the human.
        return twiml::answer(&twiml::hang_up());
    }
    let ours = signed.may_speak_of(&state, &webhook.call_sid);
    if let Some(tenant) = signed.tenant.as_ref().filter(|_| ours) {
        records::call_rings(&state, tenant, &webhook);
        state.node.forget_reservation(webhook.call_sid.clone());
        state.node.dispositions.set(&webhook.call_sid, Disposition::Bridge);
        records::call_bridged(&state, tenant, &webhook.call_sid, "webhook_fallback");
    }
    twiml::answer(&twiml::human(&state, signed.tenant.as_deref(), webhook.to.as_ref(), true))
}
