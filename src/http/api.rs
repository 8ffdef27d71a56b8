//! The API: one call with everything about it, the live calls, commands to them,
//! and the switches.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use trunkline_actors::call::CallMessage;
use trunkline_actors::registry::{Directory, LiveCallView};
use trunkline_core::call::{Command, Input};
use trunkline_core::ids::{CallSid, StreamSid, TenantId};
use trunkline_store::{Scope, Store, StoreError, SwitchChange};

use super::auth::Role;
use super::state::AppState;

/// Whose records are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeQuery {
    tenant: Option<TenantId>,
}

impl ScopeQuery {
    fn scope(&self) -> Scope<'_> {
        self.tenant.as_ref().map_or(Scope::AllTenants, Scope::Tenant)
    }
}

fn error(status: actix_web::http::StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": message }))
}

fn not_found(message: &str) -> HttpResponse {
    error(actix_web::http::StatusCode::NOT_FOUND, message)
}

/// Runs a query on a thread that may block.
async fn query<T: Send + 'static>(
    state: &AppState,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, HttpResponse> {
    let store = state.node.store.clone();
    let unavailable = |why: &str| {
        tracing::error!(why, "the database could not be asked");
        error(actix_web::http::StatusCode::SERVICE_UNAVAILABLE, "the database cannot be asked now")
    };
    match actix_web::rt::task::spawn_blocking(move || work(&store)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(failed)) => Err(unavailable(&failed.to_string())),
        Err(failed) => Err(unavailable(&failed.to_string())),
    }
}

/// `GET /api/v1/calls/{call_sid}?tenant=`: the row, its events, what was said and
/// how the model's handshake went.
pub(super) async fn call(
    request: HttpRequest,
    state: web::Data<AppState>,
    call_sid: web::Path<CallSid>,
    scope: web::Query<ScopeQuery>,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    let sid = call_sid.into_inner();
    match query(&state, move |store| everything_about(store, scope.scope(), &sid)).await {
        Ok(Some(found)) => HttpResponse::Ok().json(found),
        Ok(None) => not_found("no call of this SID is stored"),
        Err(refusal) => refusal,
    }
}

fn everything_about(
    store: &Store,
    scope: Scope<'_>,
    sid: &CallSid,
) -> Result<Option<Value>, StoreError> {
    let Some(call) = store.call(scope, sid)? else {
        return Ok(None);
    };
    Ok(Some(json!({
        "call": call,
        "events": store.events(scope, sid)?,
        "transcript": store.transcript(scope, sid)?,
        "handshake": store.handshake(scope, sid)?,
    })))
}

/// Which live calls are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LiveQuery {
    tenant: Option<TenantId>,
    call: Option<CallSid>,
    stream: Option<StreamSid>,
}

impl LiveQuery {
    fn find(&self, directory: &Directory) -> Vec<LiveCallView> {
        let found = match (&self.call, &self.stream) {
            (Some(sid), _) => directory.by_call(sid).into_iter().collect(),
            (None, Some(sid)) => directory.by_stream(sid).into_iter().collect(),
            (None, None) => directory.all(),
        };
        let wanted = self.tenant.as_ref();
        let of_tenant = found.iter().filter(|c| wanted.is_none_or(|tenant| c.tenant == *tenant));
        of_tenant.map(|call| call.view()).collect()
    }
}

/// `GET /api/v1/calls/live?tenant=&call=&stream=`: the calls of this node.
pub(super) async fn live_calls(
    request: HttpRequest,
    state: web::Data<AppState>,
    query: web::Query<LiveQuery>,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    let calls = query.find(&state.node.directory);
    HttpResponse::Ok()
        .json(json!({ "node": state.node.settings.id, "count": calls.len(), "calls": calls }))
}

/// `POST /api/v1/calls/{call_sid}/hangup`: the agent says goodbye and hangs up.
pub(super) async fn hangup(
    request: HttpRequest,
    state: web::Data<AppState>,
    call_sid: web::Path<CallSid>,
) -> HttpResponse {
    command(&request, &state, &call_sid, Command::Hangup)
}

/// `POST /api/v1/calls/{call_sid}/transfer`: the caller is put through to the human.
pub(super) async fn transfer(
    request: HttpRequest,
    state: web::Data<AppState>,
    call_sid: web::Path<CallSid>,
) -> HttpResponse {
    let reason = "operator".to_owned();
    command(&request, &state, &call_sid, Command::Transfer { reason })
}

fn command(
    request: &HttpRequest,
    state: &AppState,
    call_sid: &CallSid,
    command: Command,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(request, Role::Admin) {
        return refusal;
    }
    let Some(call) = state.node.directory.by_call(call_sid) else {
        return not_found("no live call of this SID is on this node");
    };
    let data = json!({ "command": command });
    state.node.audit(Some(call_sid.clone()), Some(call.tenant.clone()), "command", data);
    call.link.tell(CallMessage::input(Input::Command(command)));
    HttpResponse::Accepted().json(json!({ "accepted": true }))
}

/// `GET /api/v1/switches`: every switch that was ever thrown.
pub(super) async fn switches(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    match query(&state, Store::switches).await {
        Ok(rows) => HttpResponse::Ok().json(json!({ "switches": rows })),
        Err(refusal) => refusal,
    }
}

/// `PUT /api/v1/switches`: throws switches of one tenant, or of all. They hold
/// for the next call, here at once and on every node within its polling time.
pub(super) async fn set_switches(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: web::Bytes,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Admin) {
        return refusal;
    }
    // An object, since a list of a change's fields would be read as a change too.
    let object = serde_json::from_slice::<serde_json::Map<String, Value>>(&body);
    let change = object.and_then(|object| SwitchChange::deserialize(Value::Object(object)));
    let change = match change {
        Ok(change) => change,
        Err(problem) => {
            let message = format!("the body is no change of switches: {problem}");
            return error(actix_web::http::StatusCode::BAD_REQUEST, &message);
        }
    };
    if let Some(tenant) = &change.tenant_id
        && state.book.current().by_id(tenant).is_none()
    {
        return not_found("there is no tenant of this name");
    }
    let thrown = query(&state, move |store| {
        let row = store.set_switch(&change, "ops", Utc::now())?;
        Ok((row, store.switches()?))
    });
    match thrown.await {
        Ok((row, all)) => {
            state.node.switches.replace(&all);
            HttpResponse::Ok().json(row)
        }
        Err(refusal) => refusal,
    }
}
