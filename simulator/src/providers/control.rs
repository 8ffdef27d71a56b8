//! The control endpoint: what the sessions did, and how the next ones behave.

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::state::State;

/// `GET /control`: the knobs in force and the counts.
pub(crate) async fn show(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "knobs": state.knobs(),
        "sessions": state.started(),
        "refused": state.refused(),
    }))
}

/// `POST /control`: changes the knobs that its JSON object names, for the
/// sessions that follow; `null` puts one back to its default.
pub(crate) async fn change(state: web::Data<State>, body: web::Json<Value>) -> HttpResponse {
    match state.knobs().changed(&body) {
        Ok(knobs) => {
            state.set_knobs(knobs.clone());
            HttpResponse::Ok().json(json!({ "knobs": knobs }))
        }
        Err(error) => HttpResponse::BadRequest().json(json!({ "error": error.to_string() })),
    }
}

/// `GET /control/sessions`: a list of [`super::SessionRecord`].
pub(crate) async fn sessions(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.sessions())
}

/// `POST /control/reset`: forgets the sessions, and the knobs are as at the start.
pub(crate) async fn reset(state: web::Data<State>) -> HttpResponse {
    state.reset();
    HttpResponse::Ok().json(json!({ "reset": true }))
}

/// `GET /health`.
pub(crate) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}
