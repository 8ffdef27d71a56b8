//! What is agreed with customers: `/api/v1/tenants/{tenant}/appointments`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use trunkline_actors::metrics;
use trunkline_core::ids::{CallSid, ResourceId, TenantId};
use trunkline_core::pii::{Personal, PhoneNumber};
use trunkline_store::{
    AppointmentQuery, AppointmentRow, Booked, BookingError, ConfirmationNumber, NewAppointment,
    TokenHash, When,
};

use super::api;
use super::auth::Role;
use super::body::Body;
use super::bookings::{ask, bad, body, refuse, resource, slot, tenant};
use super::state::AppState;

/// Under which name a request may be repeated.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest such name, name of a person, and name of a service, in bytes. Ours.
const MAX_TEXT_BYTES: usize = 255;
/// Appointments in one answer, at most and where nobody says how many. Ours.
const PAGE: u32 = 500;

/// An appointment that is to be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    start: Option<DateTime<Utc>>,
    #[serde(default)]
    minutes: Option<u32>,
    #[serde(default)]
    resource: Option<ResourceId>,
    #[serde(default)]
    hold_token: Option<String>,
    customer_name: Personal,
    phone_number: String,
    #[serde(default)]
    email: Option<Personal>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    call_sid: Option<CallSid>,
}

/// Another time.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    start: DateTime<Utc>,
    #[serde(default)]
    minutes: Option<u32>,
}

/// Which appointments are asked for.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ListQuery {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    phone_number: Option<String>,
    cancelled: bool,
    limit: Option<u32>,
}

type Answer = Result<HttpResponse, HttpResponse>;

/// `GET ?from=&to=&phone_number=&cancelled=&limit=`: by their time.
pub(super) async fn list(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    find_all(&request, &state).await.unwrap_or_else(|refusal| refusal)
}

async fn find_all(request: &HttpRequest, state: &AppState) -> Answer {
    let tenant = tenant(state, request, Role::Read)?;
    let read = web::Query::<ListQuery>::from_query(request.query_string());
    let query = read.map_err(|problem| bad(&problem.to_string()))?.into_inner();
    let wanted = AppointmentQuery {
        from: query.from,
        to: query.to,
        phone_number: query.phone_number.as_deref().map(phone).transpose()?,
        with_cancelled: query.cancelled,
        limit: query.limit.unwrap_or(PAGE).min(PAGE),
    };
    let found = api::query(state, move |store| store.appointments(&tenant, &wanted)).await?;
    Ok(HttpResponse::Ok().json(json!({ "appointments": found })))
}

/// `GET …/{confirmation}`: one, cancelled or not.
pub(super) async fn one(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let found = async {
        let tenant = tenant(&state, &request, Role::Read)?;
        let number = confirmation(&request)?;
        let found = api::query(&state, move |store| store.appointment(&tenant, number)).await?;
        found.map(|row| HttpResponse::Ok().json(row)).ok_or_else(no_such)
    };
    found.await.unwrap_or_else(|refusal| refusal)
}

/// `POST`: makes one. 201 for a new one, 200 for a repeated request.
pub(super) async fn book(
    request: HttpRequest,
    state: web::Data<AppState>,
    bytes: Body,
) -> HttpResponse {
    make(&request, &state, &bytes).await.unwrap_or_else(|refusal| refusal)
}

async fn make(request: &HttpRequest, state: &AppState, bytes: &[u8]) -> Answer {
    let tenant = tenant(state, request, Role::Admin)?;
    let now = Utc::now();
    let new = new(body(bytes)?, request_name(request)?, now)?;
    let owner = tenant.clone();
    match ask(state, &owner, move |store| store.book(&tenant, &new, now)).await? {
        Booked::Now(row) => {
            metrics::booking(&owner, "made");
            audit(state, owner, "appointment_booked", &row);
            Ok(HttpResponse::Created().json(row))
        }
        Booked::Before(row) => Ok(HttpResponse::Ok().json(row)),
    }
}

/// `PATCH …/{confirmation}`: moves one, to another time of the same resource.
pub(super) async fn reschedule(
    request: HttpRequest,
    state: web::Data<AppState>,
    bytes: Body,
) -> HttpResponse {
    move_it(&request, &state, &bytes).await.unwrap_or_else(|refusal| refusal)
}

async fn move_it(request: &HttpRequest, state: &AppState, bytes: &[u8]) -> Answer {
    let tenant = tenant(state, request, Role::Admin)?;
    let number = confirmation(request)?;
    let (to, now) = (body::<Move>(bytes)?, Utc::now());
    let minutes = match to.minutes {
        Some(minutes) => minutes,
        // It stays as long as it is.
        None => {
            let owner = tenant.clone();
            let found = api::query(state, move |store| store.appointment(&owner, number)).await?;
            found.ok_or_else(no_such)?.slot().minutes()
        }
    };
    let (slot, owner) = (slot(to.start, minutes, now)?, tenant.clone());
    let row = ask(state, &owner, move |store| store.reschedule(&tenant, number, slot, now)).await?;
    metrics::booking(&owner, "moved");
    audit(state, owner, "appointment_rescheduled", &row);
    Ok(HttpResponse::Ok().json(row))
}

/// `DELETE …/{confirmation}`: cancels one. Its time is free at once.
pub(super) async fn cancel(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let cancelled = async {
        let tenant = tenant(&state, &request, Role::Admin)?;
        let (number, now, owner) = (confirmation(&request)?, Utc::now(), tenant.clone());
        let row = ask(&state, &owner, move |store| store.cancel(&tenant, number, now)).await?;
        // Asked again, it is told what it was told.
        let micros = |time: DateTime<Utc>| time.timestamp_micros();
        if row.cancelled_at.map(micros) == Some(micros(now)) {
            metrics::booking(&owner, "cancelled");
        }
        audit(&state, owner, "appointment_cancelled", &row);
        Ok(HttpResponse::Ok().json(row))
    };
    cancelled.await.unwrap_or_else(|refusal: HttpResponse| refusal)
}

/// Who it is for is in the row alone: the log of events is kept for good.
fn audit(state: &AppState, tenant: TenantId, kind: &str, row: &AppointmentRow) {
    let data = json!({
        "by": "ops",
        "confirmation_number": row.confirmation_number,
        "starts_at": row.starts_at,
    });
    state.node.audit(None, Some(tenant), kind, data);
}

fn no_such() -> HttpResponse {
    let message = BookingError::NoSuchAppointment.to_string();
    refuse(StatusCode::NOT_FOUND, "no_such_appointment", &message)
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn confirmation(request: &HttpRequest) -> Result<ConfirmationNumber, HttpResponse> {
    let named = request.match_info().get("confirmation").unwrap_or_default();
    named.parse().map_err(|_| no_such())
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn request_name(request: &HttpRequest) -> Result<Option<TokenHash>, HttpResponse> {
    let Some(value) = request.headers().get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let name = value.to_str().ok().map(str::trim);
    let good = name.filter(|name| !name.is_empty() && name.len() <= MAX_TEXT_BYTES);
    good.map(|name| Some(TokenHash::of(name))).ok_or_else(|| {
        bad(&format!("Idempotency-Key must have 1 to {MAX_TEXT_BYTES} visible characters"))
    })
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn new(
    wanted: Wanted,
    request: Option<TokenHash>,
    now: DateTime<Utc>,
) -> Result<NewAppointment, HttpResponse> {
    Ok(NewAppointment {
        when: when(&wanted, now)?,
        phone_number: phone(&wanted.phone_number)?,
        customer_name: text("customer_name", wanted.customer_name)?,
        email: wanted.email.map(email).transpose()?,
        service: wanted
            .service
            .map(|name| text("service", Personal::new(name)))
            .transpose()?
            .map(|name| name.expose().to_owned()),
        call_sid: wanted.call_sid,
        request,
    })
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn when(wanted: &Wanted, now: DateTime<Utc>) -> Result<When, HttpResponse> {
    match (&wanted.hold_token, wanted.start, wanted.minutes) {
        (Some(token), None, None) if wanted.resource.is_none() => {
            Ok(When::Held(TokenHash::of(token)))
        }
        (Some(_), _, _) => {
            Err(bad("a hold has its own time: leave out start, minutes and resource"))
        }
        (None, Some(start), Some(minutes)) => {
            Ok(When::At(resource(wanted.resource.clone())?, slot(start, minutes, now)?))
        }
        (None, _, _) => Err(bad("give start and minutes, or hold_token")),
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn phone(text: &str) -> Result<PhoneNumber, HttpResponse> {
    let number = PhoneNumber::new(text);
    if number.is_e164() {
        Ok(number)
    } else {
        Err(bad("phone_number must be written like +15550100000 (in an address, + is %2B)"))
    }
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn text(field: &str, text: Personal) -> Result<Personal, HttpResponse> {
    let good = !text.is_blank()
        && text.expose().len() <= MAX_TEXT_BYTES
        && !text.expose().contains(char::is_control);
    let problem = || bad(&format!("{field} must have 1 to {MAX_TEXT_BYTES} bytes, on one line"));
    if good { Ok(text) } else { Err(problem()) }
}

#[expect(
    clippy::result_large_err,
    reason = "the refusal is the answer itself, made once a request"
)]
fn email(address: Personal) -> Result<Personal, HttpResponse> {
    let address = text("email", address)?;
    let parts = address.expose().rsplit_once('@');
    let good = parts.is_some_and(|(who, place)| !who.is_empty() && place.contains('.'))
        && !address.expose().contains(char::is_whitespace);
    if good { Ok(address) } else { Err(bad("email is no address for e-mail")) }
}
