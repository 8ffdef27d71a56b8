//! Is the process alive, may it be sent calls, and its metrics.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use serde_json::json;

use super::state::AppState;

/// How long the database may take to answer before the node counts as not ready.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health`: the process answers. Needs nothing else to be up.
pub(super) async fn health(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "status": "ok",
        "timestamp": Utc::now().to_rfc3339(),
        "uptime": state.started_at.elapsed().as_secs_f64(),
    }))
}

/// `GET /ready`: 200 when new calls may be sent here, else 503 with what is wrong.
pub(super) async fn ready(state: web::Data<AppState>) -> HttpResponse {
    let store = state.node.store.clone();
    let ping = actix_web::rt::task::spawn_blocking(move || store.ping().is_ok());
    let answered = tokio::time::timeout(STORE_PATIENCE, ping).await;
    let store_up = matches!(answered, Ok(Ok(true))) && state.node.queue.is_up();
    let draining = state.node.is_draining();
    let body = json!({
        "ready": store_up && !draining,
        "store": if store_up { "up" } else { "down" },
        "draining": draining,
        // Whichever it is, calls are taken: away, up to this node's share.
        "fleet": state.node.fleet.standing().as_str(),
        "nodes": state.node.fleet.nodes(),
        "records_waiting": state.node.queue.len(),
    });
    if store_up && !draining {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}

/// `GET /metrics`: Prometheus text. Holds nothing personal, so it needs no token.
pub(super) async fn metrics(state: web::Data<AppState>, _request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(state.metrics.render())
}
