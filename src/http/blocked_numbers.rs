//! Callers who are turned away, beside those that the files name:
//! `/api/v1/blocked-numbers`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use serde::Deserialize;
use serde_json::json;
use trunkline_core::block_list::Blocked;
use trunkline_core::ids::TenantId;
use trunkline_store::{BlockedRow, Scope};

use super::api;
use super::auth::Role;
use super::body::Body;
use super::bookings::{bad, body, refuse};
use super::state::AppState;

/// Who is to be turned away, and by whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    pattern: String,
    #[serde(default)]
    tenant_id: Option<TenantId>,
}

/// Whose line is meant; none is every tenant's.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct OwnerQuery {
    tenant: Option<TenantId>,
}

type Answer = Result<HttpResponse, HttpResponse>;

/// `GET ?tenant=`: the list, or that of one tenant, without those of the files.
pub(super) async fn list(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let found = async {
        state.ops.require(&request, Role::Read)?;
        let owner = owner(&request)?;
        let listed = api::query(&state, move |store| {
            store.blocked_numbers(owner.as_ref().map_or(Scope::AllTenants, Scope::Tenant))
        });
        let rows = listed.await?;
        Ok(HttpResponse::Ok().json(json!({ "blocked_numbers": rows })))
    };
    found.await.unwrap_or_else(|refusal: HttpResponse| refusal)
}

/// `POST`: turns somebody away from the next call on, here at once and on every node
/// within its polling time. 201 for a new line, 200 for one that is there.
pub(super) async fn block(
    request: HttpRequest,
    state: web::Data<AppState>,
    bytes: Body,
) -> HttpResponse {
    add(&request, &state, &bytes).await.unwrap_or_else(|refusal| refusal)
}

async fn add(request: &HttpRequest, state: &AppState, bytes: &[u8]) -> Answer {
    state.ops.require(request, Role::Admin)?;
    let wanted: Wanted = body(bytes)?;
    if let Some(tenant) = &wanted.tenant_id
        && state.book.current().by_id(tenant).is_none()
    {
        let message = "there is no tenant of this name";
        return Err(refuse(StatusCode::NOT_FOUND, "no_such_tenant", message));
    }
    let pattern = Blocked::parse(&wanted.pattern);
    let row = BlockedRow {
        tenant_id: wanted.tenant_id,
        pattern: pattern.map_err(|error| bad(&format!("the pattern {error}")))?,
        created_at: Utc::now(),
        created_by: "ops".to_owned(),
    };
    let stored = row.clone();
    let board = state.node.blocked.clone();
    let changed = api::query(state, move |store| {
        let new = store.block_number(&stored)?;
        let reading = board.begin();
        board.replace(reading, &store.blocked_numbers(Scope::AllTenants)?);
        Ok(new)
    });
    let new = changed.await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(row))
}

/// `DELETE …/{pattern}?tenant=`: lets them in again.
pub(super) async fn unblock(
    request: HttpRequest,
    state: web::Data<AppState>,
    pattern: web::Path<String>,
) -> HttpResponse {
    remove(&request, &state, &pattern).await.unwrap_or_else(|refusal| refusal)
}

async fn remove(request: &HttpRequest, state: &AppState, text: &str) -> Answer {
    state.ops.require(request, Role::Admin)?;
    let owner = owner(request)?;
    let pattern = Blocked::parse(text).map_err(|problem| bad(&format!("the pattern {problem}")))?;
    let board = state.node.blocked.clone();
    let changed = api::query(state, move |store| {
        let there = store.unblock_number(owner.as_ref(), &pattern, "ops", Utc::now())?;
        let reading = board.begin();
        board.replace(reading, &store.blocked_numbers(Scope::AllTenants)?);
        Ok(there)
    });
    let there = changed.await?;
    if there {
        Ok(HttpResponse::NoContent().finish())
    } else {
        let message = "there is no such line; that of a tenant needs ?tenant=";
        Err(refuse(StatusCode::NOT_FOUND, "not_blocked", message))
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn owner(request: &HttpRequest) -> Result<Option<TenantId>, HttpResponse> {
    let read = web::Query::<OwnerQuery>::from_query(request.query_string());
    read.map(|query| query.into_inner().tenant).map_err(|problem| bad(&problem.to_string()))
}
