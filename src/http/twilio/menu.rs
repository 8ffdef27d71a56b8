//! A key was pressed in the classic menu, or none: every way leads to a human.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use trunkline_core::wire::twilio::webhook::VoiceWebhook;

use crate::http::body::Body;
use crate::http::state::AppState;

use super::{signed, twiml};

/// `POST /twilio/menu`.
pub(in crate::http) async fn menu(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let read = signed::typed(&state, &request, &body, VoiceWebhook::from_form);
    let (signed, webhook) = match read {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    let zero = webhook.digits.as_ref().is_some_and(|digits| digits.expose().starts_with('0'));
    let tenant_id = signed.tenant.as_ref().map(|tenant| tenant.id.clone());
    let data = json!({ "human": zero });
    state.node.audit(Some(webhook.call_sid.clone()), tenant_id, "menu_key", data);
    twiml::answer(&twiml::human(&state, signed.tenant.as_deref(), webhook.to.as_ref(), true))
}
