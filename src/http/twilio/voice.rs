//! A call rings. Whatever goes wrong in here, the caller gets a human: an error
//! page would be read aloud to them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt as _;
use serde_json::json;
use trunkline_actors::limiter::{Booking, Full};
use trunkline_actors::metrics;
use trunkline_actors::twilio_stream::TOKEN_PARAMETER;
use trunkline_core::admission::{self, Answer, Facts, OverCapAnswer, TurnedAway};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;
use trunkline_core::wire::twilio::twiml::Twiml;
use trunkline_core::wire::twilio::verbs::ConnectStream;
use trunkline_core::wire::twilio::webhook::VoiceWebhook;

use crate::config::PublicUrl;
use crate::http::body::Body;
use crate::http::routes;
use crate::http::state::AppState;

use super::{records, signed, twiml};

/// `POST /twilio/voice`: finds the tenant, admits or refuses the call, reserves
/// its slot and answers with TwiML.
pub(in crate::http) async fn voice(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    let began = Instant::now();
    let answer = match signed::typed(&state, &request, &body, VoiceWebhook::from_form) {
        Ok((signed, webhook)) => answer(&state, signed, &webhook).await,
        Err(refusal) => refusal,
    };
    metrics::webhook("/twilio/voice", began.elapsed());
    answer
}

async fn answer(state: &AppState, signed: signed::Signed, webhook: &VoiceWebhook) -> HttpResponse {
    let Some(tenant) = signed.tenant else {
        metrics::call_refused(None, "unknown_number");
        state.node.audit(
            None,
            None,
            "call_refused",
            json!({
                "reason": "unknown_number",
                "call": webhook.call_sid.as_str(),
            }),
        );
        return twiml::answer(&twiml::reject());
    };
    let decided = AssertUnwindSafe(decide(state, &tenant, webhook, &signed.origin));
    let twiml = match decided.catch_unwind().await {
        Ok(Ok(twiml)) => twiml,
        Ok(Err(error)) => fail_open(state, &tenant, webhook, &error),
        Err(_) => fail_open(state, &tenant, webhook, "the webhook's handler panicked"),
    };
    twiml::answer(&twiml)
}

fn fail_open(state: &AppState, tenant: &Tenant, webhook: &VoiceWebhook, error: &str) -> Twiml {
    tracing::error!(call.id = %webhook.call_sid, error, "a call could not be answered");
    state.node.forget_reservation(webhook.call_sid.clone());
    records::call_bridged(state, tenant, &webhook.call_sid, "internal_error");
    twiml::human(state, Some(tenant), webhook.to.as_ref(), true)
}

async fn decide(
    state: &AppState,
    tenant: &Arc<Tenant>,
    webhook: &VoiceWebhook,
    origin: &PublicUrl,
) -> Result<Twiml, String> {
    let called = webhook.to.as_ref();
    if let Some(disposition) = state.node.dispositions.get(&webhook.call_sid) {
        // A late redelivery: the call has been and gone.
        return Ok(super::connect_action::render(
            state,
            Some(disposition),
            (false, true),
            Some(tenant),
            called,
        ));
    }
    records::call_rings(state, tenant, webhook);
    let listed =
        webhook.from.as_ref().is_some_and(|from| state.node.blocked.names(&tenant.id, from));
    if listed || admission::is_blocked(tenant, webhook.from.as_ref()) {
        return Ok(turn_away(state, tenant, webhook, TurnedAway::Blocked));
    }
    let facts = Facts {
        channel_enabled: state.settings.limits.channel_enabled,
        switches: state.node.switches.of(&tenant.id),
        draining: state.node.is_draining(),
        model_available: !state.node.models_of(tenant).is_empty(),
        spent_today: state.node.spending.today(&tenant.id),
    };
    match admission::answer(tenant, &facts) {
        Answer::Agent => reserve(state, tenant, webhook, origin).await,
        Answer::Menu => {
            if let Err(why) = count(state, tenant, webhook).await {
                return Ok(turn_away(state, tenant, webhook, why));
            }
            records::call_bridged(state, tenant, &webhook.call_sid, "stream_disabled");
            Ok(twiml::menu(state, tenant, called, origin.join(routes::MENU)))
        }
        Answer::Human(reason) => {
            if let Err(why) = count(state, tenant, webhook).await {
                return Ok(turn_away(state, tenant, webhook, why));
            }
            records::call_bridged(state, tenant, &webhook.call_sid, reason);
            Ok(twiml::human(state, Some(tenant), called, true))
        }
        Answer::Closed => {
            records::call_refused(state, tenant, &webhook.call_sid, "channel_off");
            Ok(twiml::closed())
        }
    }
}

async fn reserve(
    state: &AppState,
    tenant: &Arc<Tenant>,
    webhook: &VoiceWebhook,
    origin: &PublicUrl,
) -> Result<Twiml, String> {
    match state.node.reserve(booking(tenant, webhook)).await {
        Ok(token) => {
            let stream = stream_of(tenant, webhook, origin, token);
            stream.check().map_err(|error| error.to_string())?;
            Ok(twiml::agent(tenant, stream))
        }
        Err(Full::Tenant) => Ok(over_cap(state, tenant, webhook, "concurrency_limit")),
        Err(Full::Hour(why)) => Ok(turn_away(state, tenant, webhook, why)),
        Err(Full::Process) => Ok(over_cap(state, tenant, webhook, "process_limit")),
        Err(Full::Closed) => {
            records::call_bridged(state, tenant, &webhook.call_sid, "draining");
            Ok(twiml::human(state, Some(tenant), webhook.to.as_ref(), true))
        }
        Err(Full::Unknown) => Err("the limiter does not answer".to_owned()),
    }
}

/// Counts a call that needs no slot.
async fn count(
    state: &AppState,
    tenant: &Arc<Tenant>,
    webhook: &VoiceWebhook,
) -> Result<(), TurnedAway> {
    state.node.limits.count(&booking(tenant, webhook)).await
}

fn booking(tenant: &Arc<Tenant>, webhook: &VoiceWebhook) -> Booking {
    let unknown = || PhoneNumber::new("unknown");
    Booking {
        call_sid: webhook.call_sid.clone(),
        account_sid: webhook.account_sid.clone(),
        tenant: Arc::clone(tenant),
        from: webhook.from.clone().unwrap_or_else(unknown),
        to: webhook.to.clone().unwrap_or_else(unknown),
    }
}

fn turn_away(state: &AppState, tenant: &Tenant, webhook: &VoiceWebhook, why: TurnedAway) -> Twiml {
    records::call_refused(state, tenant, &webhook.call_sid, why.as_str());
    twiml::turned_away(why)
}

fn stream_of(
    tenant: &Tenant,
    webhook: &VoiceWebhook,
    origin: &PublicUrl,
    token: String,
) -> ConnectStream {
    ConnectStream {
        action: Some(origin.join(routes::CONNECT_ACTION)),
        url: origin.websocket(routes::STREAM),
        name: None,
        status_callback: None,
        parameters: vec![
            ("callSid".to_owned(), webhook.call_sid.as_str().to_owned()),
            ("tenant".to_owned(), tenant.id.as_str().to_owned()),
            (TOKEN_PARAMETER.to_owned(), token),
        ],
    }
}

fn over_cap(
    state: &AppState,
    tenant: &Tenant,
    webhook: &VoiceWebhook,
    reason: &'static str,
) -> Twiml {
    match admission::over_cap(tenant) {
        OverCapAnswer::Busy => {
            records::call_refused(state, tenant, &webhook.call_sid, reason);
            twiml::busy()
        }
        OverCapAnswer::Human => {
            records::call_bridged(state, tenant, &webhook.call_sid, reason);
            twiml::human(state, Some(tenant), webhook.to.as_ref(), true)
        }
    }
}
