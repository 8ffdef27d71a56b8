//! What has been kept for long enough goes, a batch at a time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;

use super::key::{HASHED, PrivacyKey};
use super::redact::{REDACTED, always_left_of};
use super::words::{self, Particulars, REMOVED, Removed};
use crate::columns::stored_time;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreError;
use crate::schema::{appointments, call_events, calls, side_effects};
use crate::store::Store;

/// Calls whose words go together: a call has some hundred events.
const CALLS_AT_ONCE: usize = 50;
/// Rows of other kinds that are changed together.
const ROWS_AT_ONCE: usize = 200;

/// What stands in a number's place and is none.
const NO_NUMBERS: [&str; 4] = ["", "unknown", "anonymous", REMOVED];

/// Whose, and how old: what began before these times goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Whose; none is what belongs to no tenant.
    pub tenant: Option<TenantId>,
    /// Words of calls that began before; none: they are kept for ever.
    pub words_before: Option<DateTime<Utc>>,
    /// Numbers of calls that began, and of appointments that were over, before;
    /// likewise.
    pub numbers_before: Option<DateTime<Utc>>,
}

impl Store {
    /// Every tenant that has calls: retention is owed to those too that have no file any
    /// more.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn tenants_with_calls(&self) -> Result<Vec<TenantId>, StoreError> {
        self.read(|connection| {
            let query = calls::table.select(calls::tenant_id).distinct();
            let found: Vec<String> = query.load(connection)?;
            Ok(found.iter().filter_map(|name| TenantId::parse(name).ok()).collect())
        })
    }

    /// Takes out one batch of what is due: deletes or empties words, puts hashes in
    /// the place of numbers. Nothing in it: nothing is due any more. Safe to run in
    /// several processes at once, and after a crash.
    ///
    /// # Errors
    /// When the database cannot be written. Then the last transaction of the batch
    /// has not happened.
    pub fn retain(
        &self,
        due: &Retention,
        key: &PrivacyKey,
        at: DateTime<Utc>,
    ) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        if let Some(before) = due.words_before {
            removed.add(self.write(|c| remove_words(c, due.tenant.as_ref(), before, at))?);
            removed.add(self.write(|c| remove_ledger(c, due.tenant.as_ref(), before))?);
            removed.add(self.write(|c| redact_others(c, due.tenant.as_ref(), before))?);
        }
        if let Some((tenant, before)) = due.tenant.as_ref().zip(due.numbers_before) {
            removed.add(self.write(|c| hash_calls(c, tenant, before, key, at))?);
            removed.add(self.write(|c| hash_appointments(c, tenant, before, key))?);
        }
        Ok(removed)
    }

    /// Of these calls, those whose words are gone, and those whose words are not,
    /// with their tenants: whoever keeps more of a call elsewhere asks, and files do not
    /// say whose they are. A call that
    /// is in neither is not known.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn words_of(
        &self,
        calls_asked: &[CallSid],
    ) -> Result<Vec<(CallSid, TenantId, bool)>, StoreError> {
        let sids: Vec<&str> = calls_asked.iter().map(CallSid::as_str).collect();
        self.read(|connection| {
            let mut found = Vec::new();
            for some in sids.chunks(ROWS_AT_ONCE) {
                let rows: Vec<(String, String, Option<chrono::NaiveDateTime>)> = calls::table
                    .filter(calls::call_sid.eq_any(some))
                    .select((calls::call_sid, calls::tenant_id, calls::words_gone_at))
                    .load(connection)?;
                found.extend(rows.into_iter().filter_map(|(sid, tenant, gone)| {
                    let (sid, tenant) =
                        (CallSid::parse(&sid).ok()?, TenantId::parse(&tenant).ok()?);
                    Some((sid, tenant, gone.is_some()))
                }));
            }
            Ok(found)
        })
    }
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn remove_words(
    connection: &mut AnyConnection,
    tenant: Option<&TenantId>,
    before: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Result<Removed, StoreError> {
    let Some(tenant) = tenant else {
        return Ok(Removed::default());
    };
    let sids: Vec<String> = calls::table
        .filter(calls::tenant_id.eq(tenant.as_str()))
        .filter(calls::words_gone_at.is_null())
        .filter(calls::created_at.lt(stored_time(before)))
        .order(calls::created_at)
        .limit(limit(CALLS_AT_ONCE))
        .select(calls::call_sid)
        .load(connection)?;
    if sids.is_empty() {
        return Ok(Removed::default());
    }
    let removed = words::remove(connection, &sids, at)?;
    Ok(Removed { calls: sids.len(), ..removed })
}

/// What the ledger has of calls whose rows never came.
fn remove_ledger(
    connection: &mut AnyConnection,
    tenant: Option<&TenantId>,
    before: DateTime<Utc>,
) -> Result<Removed, StoreError> {
    let Some(tenant) = tenant else {
        return Ok(Removed::default());
    };
    let keys: Vec<String> = side_effects::table
        .filter(side_effects::tenant_id.eq(tenant.as_str()))
        .filter(side_effects::begun_at.lt(stored_time(before)))
        .limit(limit(ROWS_AT_ONCE))
        .select(side_effects::key)
        .load(connection)?;
    let these = side_effects::table.filter(side_effects::key.eq_any(keys));
    let side_effects = diesel::delete(these).execute(connection)?;
    Ok(Removed { side_effects, ..Removed::default() })
}

/// Events of no call: addresses of those who sent what nobody signed, and numbers
/// that were blocked.
fn redact_others(
    connection: &mut AnyConnection,
    tenant: Option<&TenantId>,
    before: DateTime<Utc>,
) -> Result<Removed, StoreError> {
    let mut query: call_events::BoxedQuery<'_, MultiBackend> = call_events::table.into_boxed();
    query = match tenant {
        Some(tenant) => query.filter(call_events::tenant_id.eq(tenant.as_str())),
        None => query.filter(call_events::tenant_id.is_null()),
    };
    let due: Vec<Particulars> = query
        .filter(call_events::call_sid.is_null())
        .filter(call_events::at.lt(stored_time(before)))
        .filter(call_events::data.not_like(format!("%\"{REDACTED}\":true%")))
        .limit(limit(ROWS_AT_ONCE))
        .select((call_events::id, call_events::data))
        .load(connection)?;
    let left: Vec<Particulars> =
        due.into_iter().map(|(id, data)| (id, always_left_of(&data))).collect();
    words::write_events(connection, &left)?;
    Ok(Removed { events: left.len(), ..Removed::default() })
}

fn hashed(stored: String, key: &PrivacyKey) -> String {
    if stored.starts_with(HASHED) || NO_NUMBERS.contains(&stored.as_str()) {
        return stored;
    }
    key.hash(&PhoneNumber::new(&stored))
}

fn hash_calls(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    before: DateTime<Utc>,
    key: &PrivacyKey,
    at: DateTime<Utc>,
) -> Result<Removed, StoreError> {
    let due: Vec<(String, String, String)> = calls::table
        .filter(calls::tenant_id.eq(tenant.as_str()))
        .filter(calls::numbers_gone_at.is_null())
        .filter(calls::created_at.lt(stored_time(before)))
        .order(calls::created_at)
        .limit(limit(ROWS_AT_ONCE))
        .select((calls::id, calls::from_number, calls::to_number))
        .load(connection)?;
    let count = due.len();
    for (id, from, to) in due {
        diesel::update(calls::table.find(id))
            .set((
                calls::from_number.eq(hashed(from, key)),
                calls::to_number.eq(hashed(to, key)),
                calls::numbers_gone_at.eq(stored_time(at)),
            ))
            .execute(connection)?;
    }
    Ok(Removed { calls: count, ..Removed::default() })
}

fn hash_appointments(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    before: DateTime<Utc>,
    key: &PrivacyKey,
) -> Result<Removed, StoreError> {
    let due: Vec<(String, String)> = appointments::table
        .filter(appointments::tenant_id.eq(tenant.as_str()))
        .filter(appointments::ends_at.lt(stored_time(before)))
        .filter(appointments::customer_name.ne(REMOVED))
        .limit(limit(ROWS_AT_ONCE))
        .select((appointments::id, appointments::phone_number))
        .load(connection)?;
    let count = due.len();
    for (id, number) in due {
        forget_customer(connection, &id, &hashed(number, key))?;
    }
    Ok(Removed { appointments: count, ..Removed::default() })
}

/// The time stays taken, so that nobody is promised it twice.
pub(super) fn forget_customer(
    connection: &mut AnyConnection,
    id: &str,
    number: &str,
) -> Result<(), StoreError> {
    diesel::update(appointments::table.find(id))
        .set((
            appointments::customer_name.eq(REMOVED),
            appointments::phone_number.eq(number),
            appointments::email.eq(None::<String>),
            appointments::service.eq(None::<String>),
            appointments::request_hash.eq(None::<String>),
        ))
        .execute(connection)?;
    Ok(())
}
