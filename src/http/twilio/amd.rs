//! Who answered a call of ours: a person or a machine. The call decides what
//! follows; it may be told twice, and in any order.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use trunkline_actors::call::CallMessage;
use trunkline_core::call::Input;
use trunkline_core::wire::twilio::webhook::AmdWebhook;

use crate::http::body::Body;
use crate::http::state::AppState;

use super::signed;

/// `POST /twilio/amd`.
pub(in crate::http) async fn amd(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let read = signed::typed(&state, &request, &body, AmdWebhook::from_form);
    let (signed, webhook) = match read {
        Ok(both) => both,
        Err(refusal) => return refusal,
    };
    if signed.may_speak_of(&state, &webhook.call_sid) {
        take(&state, &webhook);
    }
    HttpResponse::NoContent().finish()
}

fn take(state: &AppState, webhook: &AmdWebhook) {
    if let Some(call) = state.node.directory.by_call(&webhook.call_sid) {
        call.link.tell(CallMessage::input(Input::AnsweredBy(webhook.answered_by)));
    } else {
        let data = json!({ "who": webhook.answered_by, "live": false });
        state.node.audit(Some(webhook.call_sid.clone()), None, "answered_by", data);
    }
}
