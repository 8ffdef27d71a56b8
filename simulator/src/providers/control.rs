//! The control endpoint: what the sessions did, and how the next ones behave.

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::gate::Provider;
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

/// `POST /control/knobs/{provider}`: the same for one provider alone, which has
/// knobs of its own from then on; `null` takes them away.
pub(crate) async fn change_one(
    state: web::Data<State>,
    provider: web::Path<Provider>,
    body: web::Json<Value>,
) -> HttpResponse {
    let provider = provider.into_inner();
    if body.is_null() {
        state.set_knobs_of(provider, None);
        return HttpResponse::Ok().json(json!({ "knobs": state.knobs_of(provider) }));
    }
    match state.knobs_of(provider).changed(&body) {
        Ok(knobs) => {
            state.set_knobs_of(provider, Some(knobs.clone()));
            HttpResponse::Ok().json(json!({ "knobs": knobs }))
        }
        Err(error) => HttpResponse::BadRequest().json(json!({ "error": error.to_string() })),
    }
}

/// `GET /control/hearings`: a list of [`super::HearingRecord`].
pub(crate) async fn hearings(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.hearings.read())
}

/// `GET /control/chats`: a list of [`super::ChatRecord`].
pub(crate) async fn chats(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.chats.read())
}

/// `GET /control/spoken`: a list of [`super::SpokenRecord`].
pub(crate) async fn spoken(state: web::Data<State>) -> HttpResponse {
    HttpResponse::Ok().json(state.spoken.read())
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
