//! What bookings and holds have in common: why they are refused, and whose turn it
//! is to try.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use trunkline_core::ids::{ResourceId, TenantId};

use crate::columns::{MaybeText, TextColumn, stored_time};
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::schema::holds;
use crate::time_slot::TimeSlot;

/// Why nothing was booked, moved or held.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    /// Somebody has the time: an appointment, or a hold that has not run out.
    #[error("the time is taken")]
    Taken,
    /// No hold has this token.
    #[error("there is no such hold")]
    NoSuchHold,
    /// The hold has run out.
    #[error("the hold has run out")]
    HoldExpired,
    /// No appointment of the tenant has this number.
    #[error("there is no such appointment")]
    NoSuchAppointment,
    /// The appointment was cancelled.
    #[error("the appointment was cancelled")]
    Cancelled,
    /// The name under which the request may be repeated was used for another.
    #[error("the request's name was used for another request")]
    KeyReused,
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for BookingError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What a transaction comes to: a refusal is an answer, and no reason to undo it.
pub(crate) type Answer<T> = Result<Result<T, BookingError>, StoreError>;

/// Takes an overlap that the database refused for what it is.
pub(crate) fn answered<T>(done: Answer<T>) -> Result<T, BookingError> {
    match done {
        Ok(answer) => answer,
        Err(error) if error.is_overlap() => Err(BookingError::Taken),
        Err(error) => Err(error.into()),
    }
}

/// SHA-256 of something secret, in hex: it is kept in place of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(secret.as_bytes()) {
            // Writing to a string cannot fail.
            write!(hex, "{byte:02x}").unwrap_or_default();
        }
        Self(hex)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<TokenHash> for TextColumn {
    fn from(hash: TokenHash) -> Self {
        Self::from(hash.0)
    }
}

impl From<TextColumn> for TokenHash {
    fn from(column: TextColumn) -> Self {
        Self(column.into())
    }
}

impl From<Option<TokenHash>> for MaybeText {
    fn from(hash: Option<TokenHash>) -> Self {
        Self::from(hash.map(|hash| hash.0))
    }
}

impl From<MaybeText> for Option<TokenHash> {
    fn from(column: MaybeText) -> Self {
        Option::<String>::from(column).map(TokenHash)
    }
}

/// Those who want something of a resource go one after the other. The constraint
/// alone would let two insert and then wait for each other, until the database ends
/// one of them. SQLite has one writer anyway.
pub(crate) fn queue_up(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    resource: &ResourceId,
) -> Result<(), StoreError> {
    if let AnyConnection::Postgres(c) = connection {
        // No name has a slash. Two that hash alike merely wait for each other.
        let digest = Sha256::digest(format!("{tenant}/{resource}").as_bytes());
        let bytes = digest.first_chunk::<8>().copied().unwrap_or_default();
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<BigInt, _>(i64::from_be_bytes(bytes))
            .execute(c)?;
    }
    Ok(())
}

/// Removes holds that have run out and stand in the way: a constraint does not know
/// the time.
pub(crate) fn remove_expired_holds(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    resource: &ResourceId,
    slot: &TimeSlot,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let in_the_way = holds::table
        .filter(holds::tenant_id.eq(tenant.as_str()))
        .filter(holds::resource.eq(resource.as_str()))
        .filter(holds::starts_at.lt(stored_time(slot.ends_at())))
        .filter(holds::ends_at.gt(stored_time(slot.starts_at())))
        .filter(holds::expires_at.le(stored_time(now)));
    diesel::delete(in_the_way).execute(connection)?;
    Ok(())
}
