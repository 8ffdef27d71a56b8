//! The carrier opens its media stream.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;
use trunkline_actors::{metrics, twilio_stream};

use crate::http::state::AppState;

use super::signed;

/// `GET /twilio/stream` (WebSocket). Nothing is behind the socket until the
/// stream has said which call it belongs to, and its token was good.
pub(in crate::http) async fn stream(
    request: HttpRequest,
    state: web::Data<AppState>,
    payload: web::Payload,
) -> HttpResponse {
    if let Err(refusal) = signed::handshake(&state, &request) {
        metrics::stream_refused("signature");
        return refusal;
    }
    match twilio_stream::open(&state.node, &request, payload) {
        Ok(response) => response,
        Err(error) => {
            metrics::stream_refused("no_websocket");
            HttpResponse::BadRequest().json(json!({ "error": error.to_string() }))
        }
    }
}
