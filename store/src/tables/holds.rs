//! Times that are kept for somebody for a few minutes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use trunkline_core::ids::{CallSid, ResourceId, TenantId};
use uuid::Uuid;

use crate::booking::{Answer, BookingError, TokenHash, answered, queue_up, remove_expired_holds};
use crate::columns::{MaybeText, TextColumn, TimeColumn, stored_time};
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::schema::holds;
use crate::store::Store;
use crate::time_slot::TimeSlot;

/// A time that is kept for somebody. Who it is, nobody says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Insertable, Queryable, Selectable)]
#[diesel(table_name = holds)]
pub struct HoldRow {
    /// Ours: a UUID v7.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub id: Uuid,
    /// Whose calendar it is in.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// What is kept.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub resource: ResourceId,
    /// The hash of what its holder shows.
    #[serde(skip)]
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub token_hash: TokenHash,
    /// When it begins.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub starts_at: DateTime<Utc>,
    /// When it is over.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub ends_at: DateTime<Utc>,
    /// Until when it is kept.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub expires_at: DateTime<Utc>,
    /// The call for which it is kept, if any.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub call_sid: Option<CallSid>,
    /// When it was made.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub created_at: DateTime<Utc>,
}

impl HoldRow {
    /// The time that is kept.
    #[must_use]
    pub const fn slot(&self) -> TimeSlot {
        TimeSlot::stored(self.starts_at, self.ends_at)
    }
}

/// What is to be kept.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// Of what.
    pub resource: ResourceId,
    /// Which time.
    pub slot: TimeSlot,
    /// Until when it is kept; after the moment at which it is asked for.
    pub expires_at: DateTime<Utc>,
    /// The call for which it is kept, if any.
    pub call_sid: Option<CallSid>,
}

impl Store {
    /// Keeps a time for somebody. The second of the pair is what they show to book
    /// it; it is not stored.
    ///
    /// # Errors
    /// When the time is taken, or the database cannot be written.
    pub fn hold(
        &self,
        tenant: &TenantId,
        wanted: &NewHold,
        at: DateTime<Utc>,
    ) -> Result<(HoldRow, String), BookingError> {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let row = HoldRow {
            id: Uuid::now_v7(),
            tenant_id: tenant.clone(),
            resource: wanted.resource.clone(),
            token_hash: TokenHash::of(&token),
            starts_at: wanted.slot.starts_at(),
            ends_at: wanted.slot.ends_at(),
            expires_at: wanted.expires_at,
            call_sid: wanted.call_sid.clone(),
            created_at: at,
        };
        answered(self.write_alone(|_| false, |connection| insert(connection, &row, at)))?;
        Ok((row, token))
    }

    /// The holds of a tenant that have not run out, by their time.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn holds(&self, tenant: &TenantId, now: DateTime<Utc>) -> Result<Vec<HoldRow>, StoreError> {
        let query = holds::table
            .filter(holds::tenant_id.eq(tenant.as_str()))
            .filter(holds::expires_at.gt(stored_time(now)))
            .order((holds::starts_at, holds::id))
            .select(HoldRow::as_select());
        self.read(|connection| Ok(query.load(connection)?))
    }

    /// Gives a hold up; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn release_hold(&self, tenant: &TenantId, id: Uuid) -> Result<bool, StoreError> {
        let query = || {
            holds::table
                .find(id.to_string())
                .filter(holds::tenant_id.eq(tenant.as_str().to_owned()))
        };
        self.write_alone(
            |_| false,
            |connection| Ok(diesel::delete(query()).execute(connection)? > 0),
        )
    }
}

fn insert(connection: &mut AnyConnection, row: &HoldRow, now: DateTime<Utc>) -> Answer<()> {
    queue_up(connection, &row.tenant_id, &row.resource)?;
    remove_expired_holds(connection, &row.tenant_id, &row.resource, &row.slot(), now)?;
    diesel::insert_into(holds::table).values(row.clone()).execute(connection)?;
    Ok(Ok(()))
}

/// Takes the hold of this token out of the table.
pub(crate) fn consume(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    token: &TokenHash,
    now: DateTime<Utc>,
) -> Answer<HoldRow> {
    let this = || {
        holds::table
            .filter(holds::tenant_id.eq(tenant.as_str().to_owned()))
            .filter(holds::token_hash.eq(token.as_str().to_owned()))
    };
    let found = this().select(HoldRow::as_select()).first::<HoldRow>(connection).optional()?;
    let Some(hold) = found else {
        return Ok(Err(BookingError::NoSuchHold));
    };
    if hold.expires_at <= now {
        return Ok(Err(BookingError::HoldExpired));
    }
    diesel::delete(this()).execute(connection)?;
    Ok(Ok(hold))
}
