//! The API: one call with everything about it, the live calls, commands to them,
//! and the switches.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trunkline_actors::fleet::Ordered;
use trunkline_actors::registry::{Directory, LiveCallView};
use trunkline_core::call::{Command, TURN_LATENCY};
use trunkline_core::ids::{CallSid, StreamSid, TenantId};
use trunkline_store::{Scope, Store, StoreError, SwitchChange};

use super::auth::Role;
use super::body::Body;
use super::costs;
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

pub(super) fn error(status: actix_web::http::StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": message }))
}

pub(super) fn not_found(message: &str) -> HttpResponse {
    error(actix_web::http::StatusCode::NOT_FOUND, message)
}

/// Runs a query on a thread that may block.
pub(super) async fn query<T: Send + 'static>(
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

/// `GET /api/v1/calls/{call_sid}?tenant=`: the row, its events, what was said, where
/// each turn's time went, how the model's handshake went, what the carrier recorded, and
/// how the caller was put through to a human.
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
    let events = store.events(scope, sid)?;
    let turns: Vec<_> = events.iter().filter(|e| e.kind == TURN_LATENCY).map(|e| &e.data).collect();
    Ok(Some(json!({
        "call": call,
        "turns": turns,
        "events": events,
        "transcript": store.transcript(scope, sid)?,
        "handshake": store.handshake(scope, sid)?,
        "recordings": store.recordings(scope, sid)?,
        "handoff": store.handoff(scope, sid)?,
        "cost": store.cost(scope, sid)?.as_ref().map(costs::shown),
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

    /// The same for a call of another node.
    fn fits(&self, view: &LiveCallView) -> bool {
        let call = self.call.as_ref();
        let stream = self.stream.as_ref().filter(|_| call.is_none());
        self.tenant.as_ref().is_none_or(|tenant| view.tenant == *tenant)
            && call.is_none_or(|sid| view.call_sid == *sid)
            && stream.is_none_or(|sid| view.stream_sid == *sid)
    }
}

/// A live call and the node on which it lives.
#[derive(Serialize)]
struct OnNode {
    node: String,
    #[serde(flatten)]
    call: LiveCallView,
}

/// `GET /api/v1/calls/live?tenant=&call=&stream=`: the calls of this node, and of
/// all others as they last described them. Where the fleet cannot be asked, the
/// answer says that it is not complete.
pub(super) async fn live_calls(
    request: HttpRequest,
    state: web::Data<AppState>,
    query: web::Query<LiveQuery>,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    let me = &state.node.settings.id;
    let here = query.find(&state.node.directory).into_iter();
    let mut calls: Vec<OnNode> = here.map(|call| OnNode { node: me.to_string(), call }).collect();
    let elsewhere = state.node.live_elsewhere().await;
    let complete = elsewhere.is_some();
    let others = elsewhere.unwrap_or_default().into_iter().filter(|(_, view)| query.fits(view));
    calls.extend(others.map(|(node, call)| OnNode { node, call: call.aged() }));
    HttpResponse::Ok().json(json!({
        "node": me,
        "fleet": state.node.fleet.standing().as_str(),
        "complete": complete,
        "count": calls.len(),
        "calls": calls,
    }))
}

/// `POST /api/v1/calls/{call_sid}/hangup`: the agent says goodbye and hangs up.
pub(super) async fn hangup(
    request: HttpRequest,
    state: web::Data<AppState>,
    call_sid: web::Path<CallSid>,
    scope: web::Query<ScopeQuery>,
) -> HttpResponse {
    command(&request, &state, &call_sid, &scope, Command::Hangup).await
}

/// `POST /api/v1/calls/{call_sid}/transfer`: the caller is put through to the human.
pub(super) async fn transfer(
    request: HttpRequest,
    state: web::Data<AppState>,
    call_sid: web::Path<CallSid>,
    scope: web::Query<ScopeQuery>,
) -> HttpResponse {
    let reason = "operator".to_owned();
    command(&request, &state, &call_sid, &scope, Command::Transfer { reason }).await
}

/// Tells a call something, on whichever node it lives.
async fn command(
    request: &HttpRequest,
    state: &AppState,
    call_sid: &CallSid,
    scope: &ScopeQuery,
    command: Command,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(request, Role::Admin) {
        return refusal;
    }
    if let Some(tenant) = &scope.tenant
        && !is_live_of(state, call_sid, tenant).await
    {
        return not_found("no live call of this tenant has this SID");
    }
    let unavailable = actix_web::http::StatusCode::SERVICE_UNAVAILABLE;
    match state.node.command(call_sid, command).await {
        Ordered::Done(node) => {
            HttpResponse::Accepted().json(json!({ "accepted": true, "node": node }))
        }
        Ordered::NotLive => not_found("no live call has this SID"),
        Ordered::NoAnswer(node) => error(
            actix_web::http::StatusCode::GATEWAY_TIMEOUT,
            &format!(
                "the call is on node {node}, which did not answer in time; it may still do what was asked"
            ),
        ),
        Ordered::Away => error(
            unavailable,
            "the call is not on this node, and the fleet cannot be asked where it is; ask the other nodes, or again later",
        ),
    }
}

/// Whether a live call, on whichever node, is this tenant's.
async fn is_live_of(state: &AppState, call_sid: &CallSid, tenant: &TenantId) -> bool {
    if let Some(call) = state.node.directory.by_call(call_sid) {
        return call.tenant == *tenant;
    }
    let elsewhere = state.node.live_elsewhere().await.unwrap_or_default();
    elsewhere.iter().any(|(_, view)| view.call_sid == *call_sid && view.tenant == *tenant)
}

/// `GET /api/v1/switches?tenant=`: every switch that was ever thrown; for a tenant,
/// its own and those that hold for all.
pub(super) async fn switches(
    request: HttpRequest,
    state: web::Data<AppState>,
    scope: web::Query<ScopeQuery>,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Read) {
        return refusal;
    }
    match query(&state, move |store| store.switches(scope.scope())).await {
        Ok(rows) => HttpResponse::Ok().json(json!({ "switches": rows })),
        Err(refusal) => refusal,
    }
}

/// What a request to throw switches is told that makes no sense.
const NO_CHANGE: &str = "the body is no change of switches: an object with any of tenant_id, \
    channel_enabled, stream_enabled and bridge_only, and nothing else";

/// `PUT /api/v1/switches`: throws switches of one tenant, or of all. They hold
/// for the next call, here at once and on every node within its polling time.
pub(super) async fn set_switches(
    request: HttpRequest,
    state: web::Data<AppState>,
    body: Body,
) -> HttpResponse {
    if let Err(refusal) = state.ops.require(&request, Role::Admin) {
        return refusal;
    }
    // An object, since a list of a change's fields would be read as a change too.
    let object = serde_json::from_slice::<serde_json::Map<String, Value>>(&body);
    let change = object.and_then(|object| SwitchChange::deserialize(Value::Object(object)));
    let change = match change {
        Ok(change) => change,
        // The parser's words would quote the request.
        Err(_) => return error(actix_web::http::StatusCode::BAD_REQUEST, NO_CHANGE),
    };
    if let Some(tenant) = &change.tenant_id
        && state.book.current().by_id(tenant).is_none()
    {
        return not_found("there is no tenant of this name");
    }
    let board = state.node.switches.clone();
    let thrown = query(&state, move |store| {
        let row = store.set_switch(&change, "ops", Utc::now())?;
        let reading = board.begin();
        // What the node goes by is everybody's.
        board.replace(reading, &store.switches(Scope::AllTenants)?);
        Ok(row)
    });
    match thrown.await {
        Ok(row) => HttpResponse::Ok().json(row),
        Err(refusal) => refusal,
    }
}
