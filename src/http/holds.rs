//! Times that are kept for somebody for a few minutes:
//! `/api/v1/tenants/{tenant}/holds`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_core::ids::{CallSid, ResourceId};
use trunkline_store::{HoldRow, NewHold};
use uuid::Uuid;

use super::api;
use super::auth::Role;
use super::body::Body;
use super::bookings::{ask, bad, body, refuse, resource, slot, tenant};
use super::state::AppState;

/// How long a time is kept where nobody says how long, in seconds. Ours: as long as
/// a call needs.
const USUAL_SECONDS: u32 = 300;
/// Longest, in seconds. Ours.
const MOST_SECONDS: u32 = 3_600;

/// A time that is to be kept.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    start: DateTime<Utc>,
    minutes: u32,
    #[serde(default)]
    resource: Option<ResourceId>,
    #[serde(default)]
    seconds: Option<u32>,
    #[serde(default)]
    call_sid: Option<CallSid>,
}

/// A hold and what its holder shows to book it.
#[derive(Serialize)]
struct Held {
    #[serde(flatten)]
    hold: HoldRow,
    token: String,
}

/// `GET`: those that have not run out.
pub(super) async fn list(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let tenant = match tenant(&state, &request, Role::Read) {
        Ok(tenant) => tenant,
        Err(refusal) => return refusal,
    };
    match api::query(&state, move |store| store.holds(&tenant, Utc::now())).await {
        Ok(holds) => HttpResponse::Ok().json(json!({ "holds": holds })),
        Err(refusal) => refusal,
    }
}

/// `POST`: keeps a time. The token is told here and nowhere else.
pub(super) async fn hold(
    request: HttpRequest,
    state: web::Data<AppState>,
    bytes: Body,
) -> HttpResponse {
    keep(&request, &state, &bytes).await.unwrap_or_else(|refusal| refusal)
}

async fn keep(
    request: &HttpRequest,
    state: &AppState,
    bytes: &[u8],
) -> Result<HttpResponse, HttpResponse> {
    let tenant = tenant(state, request, Role::Admin)?;
    let (wanted, now) = (body::<Wanted>(bytes)?, Utc::now());
    let seconds = wanted.seconds.unwrap_or(USUAL_SECONDS);
    if !(1..=MOST_SECONDS).contains(&seconds) {
        return Err(bad(&format!("seconds must be between 1 and {MOST_SECONDS}")));
    }
    let new = NewHold {
        resource: resource(wanted.resource)?,
        slot: slot(wanted.start, wanted.minutes, now)?,
        expires_at: now + TimeDelta::seconds(i64::from(seconds)),
        call_sid: wanted.call_sid,
    };
    let owner = tenant.clone();
    let (hold, token) = ask(state, &owner, move |store| store.hold(&tenant, &new, now)).await?;
    Ok(HttpResponse::Created().json(Held { hold, token }))
}

/// `DELETE …/{hold}`: gives one up, by its id.
pub(super) async fn release(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let tenant = match tenant(&state, &request, Role::Admin) {
        Ok(tenant) => tenant,
        Err(refusal) => return refusal,
    };
    let named = request.match_info().get("hold").and_then(|id| Uuid::try_parse(id).ok());
    let released = match named {
        Some(id) => api::query(&state, move |store| store.release_hold(&tenant, id)).await,
        None => Ok(false),
    };
    match released {
        Ok(true) => HttpResponse::NoContent().finish(),
        Ok(false) => refuse(StatusCode::NOT_FOUND, "no_such_hold", "there is no such hold"),
        Err(refusal) => refusal,
    }
}
