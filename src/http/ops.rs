//! Operations: the live actor tree.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use trunkline_actors::tree::{ActorView, Kind};

use super::auth::Role;
use super::state::AppState;

/// Which actors are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActorFilter {
    tenant: Option<String>,
    call: Option<String>,
    kind: Option<String>,
}

/// `GET /ops/actors?tenant=&call=&kind=`: who lives, how many tasks run beside
/// them, who ended how, totals.
pub(super) async fn actors(
    request: HttpRequest,
    state: web::Data<AppState>,
    filter: web::Query<ActorFilter>,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    let kind = match filter.kind.as_deref().map(Kind::parse) {
        None => None,
        Some(Some(kind)) => Some(kind),
        Some(None) => {
            return HttpResponse::BadRequest()
                .json(json!({ "error": "no actor is of the kind that was asked for" }));
        }
    };
    let of_kind = |mut views: Vec<ActorView>| {
        views.retain(|view| kind.is_none_or(|kind| view.kind == kind));
        views
    };
    let (tenant, call) = (filter.tenant.as_deref(), filter.call.as_deref());
    let tree = &state.node.tree;
    HttpResponse::Ok().json(json!({
        "node": state.node.settings.id,
        "live": of_kind(tree.live(tenant, call)),
        "tasks": tree.tasks.live(),
        "ended": of_kind(tree.ended_views(tenant, call)),
        "totals": tree.totals().iter().map(|(k, t)| (k.as_str(), t)).collect::<std::collections::BTreeMap<_, _>>(),
    }))
}
