//! What the paths of appointments and holds have in common: who asks, for which
//! tenant, what was sent, and why it is refused.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use trunkline_actors::metrics;
use trunkline_core::ids::{ResourceId, TenantId};
use trunkline_store::{BookingError, Store, StoreError, TimeSlot};

use super::api;
use super::auth::Role;
use super::state::AppState;

/// What serves the customers of a tenant that does not tell its resources apart.
const MAIN_RESOURCE: &str = "main";

/// What is said of a body that makes no sense.
const UNREADABLE: &str = "the body cannot be read: it must be a JSON object with the fields that \
    belong here, each of its own kind, and no others";

/// An answer that says what is wrong, in a sentence and in a word for programs.
pub(super) fn refuse(status: StatusCode, code: &str, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({ "error": message, "code": code }))
}

/// What was sent makes no sense.
pub(super) fn bad(message: &str) -> HttpResponse {
    refuse(StatusCode::BAD_REQUEST, "bad_request", message)
}

/// The tenant of a path, for somebody who may do what `needed` says.
///
/// # Errors
/// The answer for whoever may not, or where there is no such tenant.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
pub(super) fn tenant(
    state: &AppState,
    request: &HttpRequest,
    needed: Role,
) -> Result<TenantId, HttpResponse> {
    state.ops.require(request, needed)?;
    let name = request.match_info().get("tenant").and_then(|name| TenantId::parse(name).ok());
    let known = name.filter(|id| state.book.current().by_id(id).is_some());
    known.ok_or_else(|| {
        refuse(StatusCode::NOT_FOUND, "no_such_tenant", "there is no tenant of this name")
    })
}

/// The body, as the JSON object that it must be.
///
/// # Errors
/// The answer that says what is wrong with it.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, HttpResponse> {
    // An object, since a list of its fields would be read as well.
    let object = serde_json::from_slice::<Map<String, Value>>(bytes);
    let read = object.and_then(|object| T::deserialize(Value::Object(object)));
    read.map_err(|error| bad(&format!("{UNREADABLE}{}", wanted(&error.to_string()))))
}

/// What the parser wanted: those of its words that do not quote what was sent, which
/// may name a customer. They are its last.
fn wanted(complaint: &str) -> String {
    match complaint.rsplit_once(", expected ") {
        Some((_, wanted)) => format!("; expected {wanted}"),
        None if complaint.starts_with("missing field") => format!("; {complaint}"),
        None => String::new(),
    }
}

/// The time that is asked for, where it can be booked at all.
///
/// # Errors
/// The answer that says why not.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
pub(super) fn slot(
    start: DateTime<Utc>,
    minutes: u32,
    now: DateTime<Utc>,
) -> Result<TimeSlot, HttpResponse> {
    let slot = TimeSlot::new(start, minutes).and_then(|slot| slot.check(now).map(|()| slot));
    slot.map_err(|problem| bad(&problem.to_string()))
}

/// The resource that is asked for, or the only one.
///
/// # Errors
/// The answer for a name that is none.
#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
pub(super) fn resource(named: Option<ResourceId>) -> Result<ResourceId, HttpResponse> {
    let named = named.map_or_else(|| ResourceId::parse(MAIN_RESOURCE), Ok);
    named.map_err(|problem| bad(&problem.to_string()))
}

/// Asks the store something that it may refuse a tenant's customer.
pub(super) async fn ask<T: Send + 'static>(
    state: &AppState,
    tenant: &TenantId,
    work: impl FnOnce(&Store) -> Result<T, BookingError> + Send + 'static,
) -> Result<T, HttpResponse> {
    let asked = api::query(state, |store| match work(store) {
        Err(BookingError::Store(error)) => Err::<_, StoreError>(error),
        answer => Ok(answer),
    });
    asked.await?.map_err(|refusal| {
        if matches!(refusal, BookingError::Taken) {
            metrics::booking(tenant, "refused");
        }
        refused(&refusal)
    })
}

fn refused(why: &BookingError) -> HttpResponse {
    let (status, code) = match why {
        BookingError::Taken => (StatusCode::CONFLICT, "slot_taken"),
        BookingError::NoSuchHold => (StatusCode::NOT_FOUND, "no_such_hold"),
        BookingError::HoldExpired => (StatusCode::CONFLICT, "hold_expired"),
        BookingError::NoSuchAppointment => (StatusCode::NOT_FOUND, "no_such_appointment"),
        BookingError::Cancelled => (StatusCode::CONFLICT, "appointment_cancelled"),
        BookingError::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
        BookingError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    refuse(status, code, &why.to_string())
}
