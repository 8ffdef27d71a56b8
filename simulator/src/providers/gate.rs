//! What every request to one of the pipeline's providers meets first, and the
//! refusals in each provider's own words.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::rt::time::sleep;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::knobs::Knobs;
use super::state::State;

/// The simulated services. Each has knobs of its own where they were set, and
/// else the common ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The realtime speech model, and transcription sessions.
    Realtime,
    /// Deepgram's live recognition.
    Recogniser,
    /// Chat completions.
    Chat,
    /// Azure's voices.
    Azure,
    /// ElevenLabs' voices.
    ElevenLabs,
}

/// Lets a request in, with the knobs that hold for it, or refuses it.
pub(crate) async fn enter(
    state: &State,
    provider: Provider,
    request: &HttpRequest,
) -> Result<Knobs, HttpResponse> {
    let knobs = state
        .knobs_of(provider)
        .for_query(request.query_string())
        .map_err(|error| refuse(provider, 400, &error.to_string()))?;
    if knobs.hang {
        std::future::pending::<()>().await;
    }
    sleep(Duration::from_millis(knobs.connect_delay_ms)).await;
    if let Some(status) = knobs.refuse {
        state.count_refused();
        return Err(refuse(provider, status, &format!("Simulated refusal with status {status}.")));
    }
    if key(request, provider).is_none_or(|key| key.trim().is_empty()) {
        return Err(refuse(provider, 401, "The request holds no key."));
    }
    Ok(knobs)
}

fn key(request: &HttpRequest, provider: Provider) -> Option<&str> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let after = |scheme: &str| header("authorization")?.strip_prefix(scheme);
    match provider {
        Provider::Realtime | Provider::Chat => after("Bearer "),
        Provider::Recogniser => after("Token ").or_else(|| after("Bearer ")),
        Provider::Azure => header("ocp-apim-subscription-key").or_else(|| after("Bearer ")),
        Provider::ElevenLabs => header("xi-api-key"),
    }
}

/// A refusal, as that service writes it.
pub(crate) fn refuse(provider: Provider, status: u16, message: &str) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = HttpResponse::build(status);
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.insert_header(("retry-after", "1"));
    }
    match provider {
        Provider::Realtime | Provider::Chat => response.json(openai(status, message)),
        Provider::Recogniser => {
            response.insert_header(("dg-error", message));
            response.insert_header(("dg-request-id", "simulated"));
            let code = match status.as_u16() {
                401 => "INVALID_AUTH",
                402 => "ASR_PAYMENT_REQUIRED",
                429 => "TOO_MANY_REQUESTS",
                _ => "Bad Request",
            };
            response.json(json!({"err_code": code, "err_msg": message, "request_id": "simulated"}))
        }
        Provider::Azure => response.content_type("text/plain").body(message.to_owned()),
        Provider::ElevenLabs => {
            let code = match status.as_u16() {
                401 => "invalid_api_key",
                429 => "too_many_concurrent_requests",
                _ => "simulated",
            };
            response.json(json!({"detail": {"status": code, "message": message}}))
        }
    }
}

fn openai(status: StatusCode, message: &str) -> Value {
    let code = match status.as_u16() {
        401 => json!("invalid_api_key"),
        429 => json!("rate_limit_exceeded"),
        500.. => json!("server_error"),
        _ => Value::Null,
    };
    let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
    json!({"error": {"type": kind, "code": code, "message": message, "param": null}})
}

/// The request's headers, without what opens doors.
pub(crate) fn headers(request: &HttpRequest) -> BTreeMap<String, String> {
    let text = |name: &str, value: &actix_web::http::header::HeaderValue| {
        let hidden = matches!(name, "authorization" | "ocp-apim-subscription-key" | "xi-api-key");
        let value = value.to_str().unwrap_or("(not text)");
        if hidden { "(present)".to_owned() } else { value.to_owned() }
    };
    let all = request.headers().iter();
    all.map(|(name, value)| (name.to_string(), text(name.as_str(), value))).collect()
}
