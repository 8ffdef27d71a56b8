//! From an HTTP request to a session, and what can go wrong on that way.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::rt::time::sleep;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::gate::Provider;
use super::knobs::Knobs;
use super::realtime::{Dialect, Seat, Session, socket};
use super::record::SessionRecord;
use super::state::State;

/// Longest message taken: 15 MiB of audio in base64, and the event around it.
const MAX_MESSAGE_BYTES: usize = 24 * 1024 * 1024;

/// `GET /v1/realtime?model=…`, as a WebSocket.
pub(crate) async fn realtime(
    request: HttpRequest,
    body: web::Payload,
    state: web::Data<State>,
) -> Result<HttpResponse, actix_web::Error> {
    let knobs = match state.knobs_of(Provider::Realtime).for_query(request.query_string()) {
        Ok(knobs) => knobs,
        Err(error) => {
            return Ok(HttpResponse::BadRequest().json(json!({ "error": error.to_string() })));
        }
    };
    if knobs.hang {
        std::future::pending::<()>().await;
    }
    sleep(Duration::from_millis(knobs.connect_delay_ms)).await;
    if let Some(status) = knobs.refuse {
        state.count_refused();
        return Ok(refusal(status));
    }
    let (response, socket, messages) = actix_ws::handle(&request, body)?;
    let messages = messages
        .max_frame_size(MAX_MESSAGE_BYTES)
        .aggregate_continuations()
        .max_continuation_size(MAX_MESSAGE_BYTES);
    let headers = request.headers().iter().map(|(name, value)| {
        let text = value.to_str().unwrap_or("(not text)");
        (name.as_str().to_owned(), text.to_owned())
    });
    let seat = seat(headers.collect(), request.query_string(), &state, knobs);
    actix_web::rt::spawn(socket::drive(Session::new(seat), socket, messages));
    Ok(response)
}

/// What a session is given: `headers` with names in lower case.
pub(crate) fn seat(
    headers: BTreeMap<String, String>,
    query: &str,
    state: &State,
    knobs: Knobs,
) -> Seat {
    let beta = headers.get("openai-beta").is_some_and(|v| v == "realtime=v1");
    let dialect = if beta { Dialect::Beta } else { Dialect::Ga };
    let model = form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == "model").then(|| value.into_owned()))
        .unwrap_or_else(|| "gpt-realtime".to_owned());
    let id = format!("sess_{}", uuid::Uuid::new_v4().simple());
    let (number, record) = state.open(SessionRecord {
        id: id.clone(),
        dialect: dialect.name().to_owned(),
        model: model.clone(),
        headers: without_keys(headers),
        ..SessionRecord::default()
    });
    let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Seat {
        id,
        number,
        dialect,
        model,
        knobs,
        script: state.script.clone(),
        ears: state.ears.clone(),
        voice: state.voice.clone(),
        record,
        unix_s,
    }
}

/// The headers, with the key left out of those that carry one.
fn without_keys(mut headers: BTreeMap<String, String>) -> BTreeMap<String, String> {
    for name in ["authorization", "api-key", "sec-websocket-protocol", "cookie"] {
        if let Some(value) = headers.get_mut(name) {
            "(present)".clone_into(value);
        }
    }
    headers
}

fn refusal(status: u16) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let code = match status.as_u16() {
        401 => "invalid_api_key",
        429 => "rate_limit_exceeded",
        _ => "server_error",
    };
    let kind = if status.is_server_error() { "server_error" } else { "invalid_request_error" };
    let message = format!("Simulated refusal with status {}.", status.as_u16());
    HttpResponse::build(status).json(json!({
        "error": { "type": kind, "code": code, "message": message, "param": null },
    }))
}
