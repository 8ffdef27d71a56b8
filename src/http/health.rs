//! Is the process alive, may it be sent calls, and its metrics.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use serde_json::json;
use trunkline_store::Store;

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
/// A database that is away does no harm while the journal takes the records.
pub(super) async fn ready(state: web::Data<AppState>) -> HttpResponse {
    let node = &state.node;
    let store_up = node.queue.is_up() && answers(&node.store).await;
    let draining = node.is_draining();
    let journal = node.journal.as_ref().map(|journal| {
        let size = journal.size();
        json!({
            "up": node.queue.is_journal_up(),
            "full": journal.is_full(),
            "records": size.records,
            "bytes": size.bytes,
            "oldest_age_s": size.age(Utc::now()).as_secs_f64(),
        })
    });
    let ready = (store_up || node.has_room_in_journal()) && !draining;
    let body = json!({
        "ready": ready,
        "store": if store_up { "up" } else { "down" },
        "journal": journal,
        "draining": draining,
        // Whichever it is, calls are taken: away, up to this node's share.
        "fleet": node.fleet.standing().as_str(),
        "nodes": node.fleet.nodes(),
        "records_waiting": node.queue.len(),
    });
    if ready {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}

/// Not asked while records do not get through: each question would hold a thread.
async fn answers(store: &Store) -> bool {
    let store = store.clone();
    let ping = actix_web::rt::task::spawn_blocking(move || store.ping().is_ok());
    matches!(tokio::time::timeout(STORE_PATIENCE, ping).await, Ok(Ok(true)))
}

/// `GET /metrics`: Prometheus text. Holds nothing personal, so it needs no token.
pub(super) async fn metrics(state: web::Data<AppState>, _request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(state.metrics.render())
}
