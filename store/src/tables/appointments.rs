//! What is agreed with customers. That no two appointments or holds of a resource
//! overlap is the database's business; what is here asks it and takes its answer.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use trunkline_core::ids::{CallSid, ResourceId, TenantId};
use trunkline_core::pii::{Personal, PhoneNumber};
use uuid::Uuid;

use crate::booking::{Answer, BookingError, TokenHash, answered, queue_up, remove_expired_holds};
use crate::columns::{MaybeText, MaybeTime, TextColumn, TimeColumn, stored_time};
use crate::confirmation::ConfirmationNumber;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreError;
use crate::schema::{appointments, holds};
use crate::store::Store;
use crate::tables::holds::consume;
use crate::time_slot::{TimeSlot, gaps};
use crate::words::AppointmentStatus;

/// An appointment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Insertable, Queryable, Selectable)]
#[diesel(table_name = appointments)]
pub struct AppointmentRow {
    /// Ours: a UUID v7.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub id: Uuid,
    /// With whom it is.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// What serves the customer.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub resource: ResourceId,
    /// By what the customer refers to it.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub confirmation_number: ConfirmationNumber,
    /// The customer's name.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub customer_name: Personal,
    /// The customer's number.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub phone_number: PhoneNumber,
    /// The customer's address for e-mail.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub email: Option<Personal>,
    /// What is to be done, in the tenant's words.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub service: Option<String>,
    /// Whether it stands.
    pub status: AppointmentStatus,
    /// When it begins.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub starts_at: DateTime<Utc>,
    /// When it is over.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub ends_at: DateTime<Utc>,
    /// The call in which it was made; none for one that was made elsewhere.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub call_sid: Option<CallSid>,
    /// The hash of the name under which the request may be repeated.
    #[serde(skip)]
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub request_hash: Option<TokenHash>,
    /// When it was made.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub updated_at: DateTime<Utc>,
    /// When it was cancelled.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub cancelled_at: Option<DateTime<Utc>>,
}

impl AppointmentRow {
    /// Its time.
    #[must_use]
    pub const fn slot(&self) -> TimeSlot {
        TimeSlot::stored(self.starts_at, self.ends_at)
    }
}

/// Which time an appointment is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// This one.
    At(ResourceId, TimeSlot),
    /// The one that is held under the token with this hash.
    Held(TokenHash),
}

/// An appointment that is to be made.
#[derive(Clone, Debug)]
pub struct NewAppointment {
    /// Which time it is to have.
    pub when: When,
    /// The customer's name.
    pub customer_name: Personal,
    /// The customer's number.
    pub phone_number: PhoneNumber,
    /// The customer's address for e-mail.
    pub email: Option<Personal>,
    /// What is to be done, in the tenant's words.
    pub service: Option<String>,
    /// The call in which it is made, if any.
    pub call_sid: Option<CallSid>,
    /// A name of this request; asked again under it, it is not made again.
    pub request: Option<TokenHash>,
}

/// An appointment that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Booked {
    /// It was made.
    Now(AppointmentRow),
    /// The same request had made it before.
    Before(AppointmentRow),
}

/// Which appointments are asked for.
#[derive(Clone, Debug, Default)]
pub struct AppointmentQuery {
    /// Those that begin then or later.
    pub from: Option<DateTime<Utc>>,
    /// Those that begin before.
    pub to: Option<DateTime<Utc>>,
    /// Those of this customer.
    pub phone_number: Option<PhoneNumber>,
    /// Whether those that were cancelled are wanted too.
    pub with_cancelled: bool,
    /// At most so many.
    pub limit: u32,
}

/// Who has a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenBy {
    /// A customer.
    Appointment,
    /// Somebody who may yet become one.
    Hold,
}

/// A time that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TakenTime {
    /// From when until when.
    #[serde(flatten)]
    pub slot: TimeSlot,
    /// By whom.
    pub by: TakenBy,
}

impl Store {
    /// Makes an appointment. Of many who want a time at once one gets it, whichever
    /// process they ask. Once this is back it is committed.
    ///
    /// # Errors
    /// Why it was not made; or that the database could not be written, in which case
    /// a request with a name can be repeated to find out.
    pub fn book(
        &self,
        tenant: &TenantId,
        wanted: &NewAppointment,
        at: DateTime<Utc>,
    ) -> Result<Booked, BookingError> {
        // The number may be another's, which only the insert finds out.
        let done = self.write_alone(StoreError::is_duplicate, |connection| {
            make(connection, tenant, wanted, at)
        });
        match (answered(done), &wanted.request) {
            // Perhaps by this very request, a moment ago.
            (Err(BookingError::Taken | BookingError::NoSuchHold), Some(request)) => {
                let before = self.read(|connection| made_before(connection, tenant, request))?;
                before.map_or(Err(BookingError::Taken), |row| repeated(row, wanted))
            }
            (done, _) => done,
        }
    }

    /// Cancels an appointment; its time is free at once. One that was cancelled
    /// before stays as it is.
    ///
    /// # Errors
    /// When there is none of this number, or the database cannot be written.
    pub fn cancel(
        &self,
        tenant: &TenantId,
        number: ConfirmationNumber,
        at: DateTime<Utc>,
    ) -> Result<AppointmentRow, BookingError> {
        answered(self.write_alone(
            |_| false,
            |connection| {
                let Some(row) = find(connection, tenant, number)? else {
                    return Ok(Err(BookingError::NoSuchAppointment));
                };
                if row.status == AppointmentStatus::Cancelled {
                    return Ok(Ok(row));
                }
                diesel::update(appointments::table.find(row.id.to_string()))
                    .set((
                        appointments::status.eq(AppointmentStatus::Cancelled),
                        appointments::cancelled_at.eq(stored_time(at)),
                        appointments::updated_at.eq(stored_time(at)),
                    ))
                    .execute(connection)?;
                changed(connection, tenant, number)
            },
        ))
    }

    /// Moves an appointment to another time of the same resource, or not at all.
    ///
    /// # Errors
    /// When the time is taken, the appointment is not there or was cancelled, or the
    /// database cannot be written. Then it stands as it stood.
    pub fn reschedule(
        &self,
        tenant: &TenantId,
        number: ConfirmationNumber,
        slot: TimeSlot,
        at: DateTime<Utc>,
    ) -> Result<AppointmentRow, BookingError> {
        answered(self.write_alone(
            |_| false,
            |connection| {
                let Some(row) = find(connection, tenant, number)? else {
                    return Ok(Err(BookingError::NoSuchAppointment));
                };
                if row.status == AppointmentStatus::Cancelled {
                    return Ok(Err(BookingError::Cancelled));
                }
                queue_up(connection, tenant, &row.resource)?;
                remove_expired_holds(connection, tenant, &row.resource, &slot, at)?;
                diesel::update(appointments::table.find(row.id.to_string()))
                    .set((
                        appointments::starts_at.eq(stored_time(slot.starts_at())),
                        appointments::ends_at.eq(stored_time(slot.ends_at())),
                        appointments::updated_at.eq(stored_time(at)),
                    ))
                    .execute(connection)?;
                changed(connection, tenant, number)
            },
        ))
    }

    /// The appointment of this number, cancelled or not.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn appointment(
        &self,
        tenant: &TenantId,
        number: ConfirmationNumber,
    ) -> Result<Option<AppointmentRow>, StoreError> {
        self.read(|connection| find(connection, tenant, number))
    }

    /// Appointments by their time.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn appointments(
        &self,
        tenant: &TenantId,
        wanted: &AppointmentQuery,
    ) -> Result<Vec<AppointmentRow>, StoreError> {
        let mut query = of(tenant);
        if let Some(from) = wanted.from {
            query = query.filter(appointments::starts_at.ge(stored_time(from)));
        }
        if let Some(to) = wanted.to {
            query = query.filter(appointments::starts_at.lt(stored_time(to)));
        }
        if let Some(number) = &wanted.phone_number {
            query = query.filter(appointments::phone_number.eq(number.expose()));
        }
        if !wanted.with_cancelled {
            query = query.filter(appointments::status.eq(AppointmentStatus::Confirmed));
        }
        let query = query
            .order((appointments::starts_at, appointments::id))
            .limit(i64::from(wanted.limit))
            .select(AppointmentRow::as_select());
        self.read(|connection| Ok(query.load(connection)?))
    }

    /// The times of a resource that are taken between two moments, by their start.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn taken_times(
        &self,
        tenant: &TenantId,
        resource: &ResourceId,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<Vec<TakenTime>, StoreError> {
        let booked = of(tenant)
            .filter(appointments::resource.eq(resource.as_str()))
            .filter(appointments::status.eq(AppointmentStatus::Confirmed))
            .filter(appointments::starts_at.lt(stored_time(to)))
            .filter(appointments::ends_at.gt(stored_time(from)))
            .select((appointments::starts_at, appointments::ends_at));
        let held = holds::table
            .filter(holds::tenant_id.eq(tenant.as_str()))
            .filter(holds::resource.eq(resource.as_str()))
            .filter(holds::starts_at.lt(stored_time(to)))
            .filter(holds::ends_at.gt(stored_time(from)))
            .filter(holds::expires_at.gt(stored_time(now)))
            .select((holds::starts_at, holds::ends_at));
        let (booked, held): (Vec<Stored>, Vec<Stored>) =
            self.read(|connection| Ok((booked.load(connection)?, held.load(connection)?)))?;
        let mut taken = taken_by(booked, TakenBy::Appointment);
        taken.extend(taken_by(held, TakenBy::Hold));
        taken.sort_unstable();
        Ok(taken)
    }

    /// What of the time between two moments nobody has. Opening hours are not its
    /// business.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn free_times(
        &self,
        tenant: &TenantId,
        resource: &ResourceId,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Result<Vec<TimeSlot>, StoreError> {
        let taken = self.taken_times(tenant, resource, (from, to), now)?;
        Ok(gaps(from, to, taken.into_iter().map(|time| time.slot)))
    }
}

/// A time as it is read.
type Stored = (chrono::NaiveDateTime, chrono::NaiveDateTime);

fn taken_by(times: Vec<Stored>, by: TakenBy) -> Vec<TakenTime> {
    let slot = |(from, to): Stored| TimeSlot::stored(from.and_utc(), to.and_utc());
    times.into_iter().map(|time| TakenTime { slot: slot(time), by }).collect()
}

type Appointments<'a> = appointments::BoxedQuery<'a, MultiBackend>;

fn of(tenant: &TenantId) -> Appointments<'_> {
    appointments::table.into_boxed().filter(appointments::tenant_id.eq(tenant.as_str()))
}

fn find(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    number: ConfirmationNumber,
) -> Result<Option<AppointmentRow>, StoreError> {
    let query = of(tenant).filter(appointments::confirmation_number.eq(number.to_string()));
    Ok(query.select(AppointmentRow::as_select()).first(connection).optional()?)
}

fn changed(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    number: ConfirmationNumber,
) -> Answer<AppointmentRow> {
    Ok(find(connection, tenant, number)?.ok_or(BookingError::NoSuchAppointment))
}

fn made_before(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    request: &TokenHash,
) -> Result<Option<AppointmentRow>, StoreError> {
    let query = of(tenant).filter(appointments::request_hash.eq(request.as_str()));
    Ok(query.select(AppointmentRow::as_select()).first(connection).optional()?)
}

/// The answer to a request that was made before, if it was the same.
fn repeated(row: AppointmentRow, wanted: &NewAppointment) -> Result<Booked, BookingError> {
    let same_time = match &wanted.when {
        When::At(resource, slot) => row.resource == *resource && row.slot() == *slot,
        // The hold is gone, and it was this request that took it.
        When::Held(_) => true,
    };
    let same_person = row.customer_name == wanted.customer_name
        && row.phone_number == wanted.phone_number
        && row.email == wanted.email;
    if same_time && same_person && row.service == wanted.service {
        Ok(Booked::Before(row))
    } else {
        Err(BookingError::KeyReused)
    }
}

fn make(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    wanted: &NewAppointment,
    at: DateTime<Utc>,
) -> Answer<Booked> {
    if let Some(request) = &wanted.request
        && let Some(row) = made_before(connection, tenant, request)?
    {
        return Ok(repeated(row, wanted));
    }
    let (resource, slot) = match &wanted.when {
        When::At(resource, slot) => (resource.clone(), *slot),
        When::Held(token) => match consume(connection, tenant, token, at)? {
            Ok(hold) => (hold.resource.clone(), hold.slot()),
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    queue_up(connection, tenant, &resource)?;
    remove_expired_holds(connection, tenant, &resource, &slot, at)?;
    let row = AppointmentRow {
        id: Uuid::now_v7(),
        tenant_id: tenant.clone(),
        resource,
        confirmation_number: ConfirmationNumber::random(),
        customer_name: wanted.customer_name.clone(),
        phone_number: wanted.phone_number.clone(),
        email: wanted.email.clone(),
        service: wanted.service.clone(),
        status: AppointmentStatus::Confirmed,
        starts_at: slot.starts_at(),
        ends_at: slot.ends_at(),
        call_sid: wanted.call_sid.clone(),
        request_hash: wanted.request.clone(),
        created_at: at,
        updated_at: at,
        cancelled_at: None,
    };
    diesel::insert_into(appointments::table).values(row.clone()).execute(connection)?;
    // Times are stored to the microsecond, so it is read back.
    Ok(changed(connection, tenant, row.confirmation_number)?.map(Booked::Now))
}
