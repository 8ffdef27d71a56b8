//! The tests' door: makes any actor panic, end or stall. Only in builds with the
//! `fault-injection` feature, and only with the admin token.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use trunkline_actors::call::CallMessage;
use trunkline_actors::fault::Fault;
use trunkline_actors::tree::Kind;
use trunkline_core::ids::CallSid;

use super::auth::Role;
use super::body::Body;
use super::state::AppState;

/// What is to go wrong, and for whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultOrder {
    kind: String,
    call: Option<CallSid>,
    fault: Fault,
}

/// `POST /ops/faults`.
pub(super) async fn inject(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Admin) {
        return refusal;
    }
    let order: FaultOrder = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(problem) => {
            return HttpResponse::BadRequest().json(json!({ "error": problem.to_string() }));
        }
    };
    let Some(kind) = Kind::parse(&order.kind) else {
        return HttpResponse::BadRequest().json(json!({ "error": "no such kind of actor" }));
    };
    let done = match &order.call {
        None => state.node.inject_service_fault(kind, order.fault),
        Some(sid) => state.node.directory.by_call(sid).is_some_and(|call| {
            if kind == Kind::Call {
                call.link.inject(order.fault);
            } else {
                call.link.tell(CallMessage::InjectChild { kind, fault: order.fault });
            }
            true
        }),
    };
    if done {
        HttpResponse::Accepted().json(json!({ "accepted": true }))
    } else {
        HttpResponse::NotFound().json(json!({ "error": "no such actor lives" }))
    }
}
