//! Everything the database has about one person, by number: found, shown, erased.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use trunkline_core::ids::{CallSid, TenantId};
use uuid::Uuid;

use super::key::NumberForms;
use super::redact::{REDACTED, always_left_of};
use super::retention::forget_customer;
use super::words::{self, Particulars, REMOVED, Removed};
use crate::columns::stored_time;
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::{appointments, blocked_numbers, call_events, calls};
use crate::scope::Scope;
use crate::store::Store;
use crate::tables::appointments::AppointmentRow;
use crate::tables::calls::CallRow;
use crate::tables::events::{self, EventRow};
use crate::tables::handoffs::HandoffRow;
use crate::tables::handshakes::HandshakeRow;
use crate::tables::recordings::RecordingRow;
use crate::tables::side_effects::EffectRow;
use crate::tables::transcripts::TranscriptRow;
use crate::words::Channel;

/// What is written into the audit log of an erasure.
const ERASED: &str = "erased";
/// Calls that are erased in one transaction.
const CALLS_AT_ONCE: usize = 50;

/// A call in which the number was one of the ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersonCall {
    /// Its id in the database.
    #[serde(skip)]
    id: String,
    /// The call.
    pub call_sid: CallSid,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Whether it is not over. Then nothing of it is taken out.
    pub live: bool,
    #[serde(skip)]
    from: String,
    #[serde(skip)]
    to: String,
}

/// What an erasure came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// What was there, and is gone unless it was only looked for.
    pub removed: Removed,
    /// Calls that are not over and stay until they are.
    pub live: usize,
}

/// Everything that the database holds about a number.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// Its calls, oldest first.
    pub calls: Vec<HeldCall>,
    /// Its appointments.
    pub appointments: Vec<AppointmentRow>,
    /// The tenants that block it, `*` for all.
    pub blocked_by: Vec<String>,
    /// Events of no call in which it stands.
    pub events: Vec<EventRow>,
}

/// A call, and everything that belongs to it.
#[derive(Clone, Debug, Serialize)]
pub struct HeldCall {
    /// Its row.
    pub call: CallRow,
    /// What was said.
    pub transcript: Vec<TranscriptRow>,
    /// What happened.
    pub events: Vec<EventRow>,
    /// How fast the model answered.
    pub handshake: Option<HandshakeRow>,
    /// How it was put through to a human.
    pub handoff: Option<HandoffRow>,
    /// What the carrier recorded of it.
    pub recordings: Vec<RecordingRow>,
    /// What its tools did to the world.
    pub side_effects: Vec<HeldEffect>,
}

/// A row of the ledger.
pub type HeldEffect = EffectRow;

impl Store {
    /// The calls in which the number was one of the ends, oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn calls_of_person(
        &self,
        scope: Scope<'_>,
        number: &NumberForms,
    ) -> Result<Vec<PersonCall>, StoreError> {
        self.read(|connection| find_calls(connection, scope, number))
    }

    /// Everything that is held about a number.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn held_about(&self, scope: Scope<'_>, number: &NumberForms) -> Result<Held, StoreError> {
        let found = self.calls_of_person(scope, number)?;
        let sids: Vec<String> = found.iter().map(|c| c.call_sid.as_str().to_owned()).collect();
        let mut calls = Vec::with_capacity(found.len());
        for PersonCall { call_sid, .. } in found {
            if let Some(call) = self.call(scope, &call_sid)? {
                calls.push(HeldCall {
                    call,
                    transcript: self.transcript(scope, &call_sid)?,
                    events: self.events(scope, &call_sid)?,
                    handshake: self.handshake(scope, &call_sid)?,
                    handoff: self.handoff(scope, &call_sid)?,
                    recordings: self.recordings(scope, &call_sid)?,
                    side_effects: self.effects(scope, &call_sid)?,
                });
            }
        }
        self.read(|connection| {
            Ok(Held {
                calls,
                appointments: their_appointments(connection, scope, number, &sids)?,
                blocked_by: blocks(connection, scope, number)?,
                events: events_naming(connection, scope, number)?,
            })
        })
    }

    /// Counts what an erasure would take out, and changes nothing.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn look_for_person(
        &self,
        scope: Scope<'_>,
        number: &NumberForms,
    ) -> Result<Erased, StoreError> {
        self.read(|connection| {
            let all = find_calls(connection, scope, number)?;
            let (live, over): (Vec<_>, Vec<_>) = all.into_iter().partition(|call| call.live);
            let sids = sids(&over);
            let mut removed = Removed { calls: over.len(), ..Removed::default() };
            for some in sids.chunks(CALLS_AT_ONCE) {
                removed.add(words::count(connection, some)?);
            }
            removed.events += events_naming(connection, scope, number)?.len();
            removed.appointments = their_appointments(connection, scope, number, &sids)?.len();
            removed.blocked_numbers = blocks(connection, scope, number)?.len();
            Ok(Erased { removed, live: live.len() })
        })
    }

    /// Takes out everything about a number but what belongs to calls that are not
    /// over, and writes that it was done, under the number's hash, if there was
    /// anything. The calls' own rows stay, with `removed` in the number's place.
    ///
    /// # Errors
    /// When the database cannot be written. What was done by then stays done, and a
    /// second run does the rest.
    pub fn erase(
        &self,
        scope: Scope<'_>,
        number: &NumberForms,
        at: DateTime<Utc>,
    ) -> Result<Erased, StoreError> {
        let all = self.calls_of_person(scope, number)?;
        let (live, over): (Vec<_>, Vec<_>) = all.into_iter().partition(|call| call.live);
        let mut removed = Removed::default();
        // First what is found by the calls: afterwards they cannot be found.
        removed.add(self.write(|c| erase_others(c, scope, number, &sids(&over)))?);
        for some in over.chunks(CALLS_AT_ONCE) {
            removed.add(self.write(|connection| erase_calls(connection, some, number, at))?);
        }
        if removed.total() > 0 {
            self.write(|connection| write_down(connection, scope, number, removed, at))?;
        }
        Ok(Erased { removed, live: live.len() })
    }

    /// Has the write-ahead log of an SQLite file put into the file and emptied: what
    /// was deleted is overwritten in the file, and old copies of it are in the log.
    /// Answers whether that was possible; elsewhere there is nothing to do.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn overwrite_deleted(&self) -> Result<bool, StoreError> {
        #[derive(QueryableByName)]
        struct Checkpoint {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            busy: i32,
        }
        self.without_transaction(|connection| match connection {
            AnyConnection::Postgres(c) => Ok(c.batch_execute("SELECT 1").map(|()| true)?),
            AnyConnection::Sqlite(c) => {
                let done: Checkpoint =
                    diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(c)?;
                Ok(done.busy == 0)
            }
        })
    }
}

fn sids(calls: &[PersonCall]) -> Vec<String> {
    calls.iter().map(|call| call.call_sid.as_str().to_owned()).collect()
}

type Found = (String, String, String, Option<chrono::NaiveDateTime>, String, String);

fn find_calls(
    connection: &mut AnyConnection,
    scope: Scope<'_>,
    number: &NumberForms,
) -> Result<Vec<PersonCall>, StoreError> {
    let mut query: calls::BoxedQuery<'_, MultiBackend> = calls::table.into_boxed();
    if let Some(tenant) = scope.tenant() {
        query = query.filter(calls::tenant_id.eq(tenant));
    }
    let forms = number.all();
    let found: Vec<Found> = query
        .filter(calls::from_number.eq_any(forms.clone()).or(calls::to_number.eq_any(forms)))
        .order(calls::id)
        .select((
            calls::id,
            calls::call_sid,
            calls::tenant_id,
            calls::ended_at,
            calls::from_number,
            calls::to_number,
        ))
        .load(connection)?;
    let person = |(id, sid, tenant, ended_at, from, to): Found| {
        let (call_sid, tenant_id) = (CallSid::parse(&sid).ok()?, TenantId::parse(&tenant).ok()?);
        Some(PersonCall { id, call_sid, tenant_id, live: ended_at.is_none(), from, to })
    };
    Ok(found.into_iter().filter_map(person).collect())
}

fn their_appointments(
    connection: &mut AnyConnection,
    scope: Scope<'_>,
    number: &NumberForms,
    sids: &[String],
) -> Result<Vec<AppointmentRow>, StoreError> {
    let mut query: appointments::BoxedQuery<'_, MultiBackend> = appointments::table.into_boxed();
    if let Some(tenant) = scope.tenant() {
        query = query.filter(appointments::tenant_id.eq(tenant));
    }
    let in_call = appointments::call_sid.eq_any(sids).assume_not_null();
    let named = appointments::customer_name.ne(REMOVED);
    Ok(query
        .filter(
            appointments::phone_number
                .eq_any(number.all())
                .or(named.and(appointments::call_sid.is_not_null()).and(in_call)),
        )
        .order(appointments::starts_at)
        .select(AppointmentRow::as_select())
        .load(connection)?)
}

fn blocks(
    connection: &mut AnyConnection,
    scope: Scope<'_>,
    number: &NumberForms,
) -> Result<Vec<String>, StoreError> {
    let mut query: blocked_numbers::BoxedQuery<'_, MultiBackend> =
        blocked_numbers::table.into_boxed();
    if let Some(tenant) = scope.tenant() {
        query = query.filter(blocked_numbers::tenant_id.eq(tenant));
    }
    Ok(query
        .filter(blocked_numbers::pattern.eq(number.plain().expose().to_owned()))
        .select(blocked_numbers::tenant_id)
        .load(connection)?)
}

/// Events of no call in which the number stands, such as that it was blocked.
fn events_naming(
    connection: &mut AnyConnection,
    scope: Scope<'_>,
    number: &NumberForms,
) -> Result<Vec<EventRow>, StoreError> {
    let mut query: call_events::BoxedQuery<'_, MultiBackend> = call_events::table.into_boxed();
    if let Some(tenant) = scope.tenant() {
        query = query.filter(call_events::tenant_id.eq(tenant));
    }
    let written = format!("%{}%", number.plain().expose());
    Ok(query
        .filter(call_events::call_sid.is_null())
        .filter(call_events::data.like(written))
        .order((call_events::at, call_events::id))
        .select(EventRow::as_select())
        .load(connection)?)
}

fn erase_others(
    connection: &mut AnyConnection,
    scope: Scope<'_>,
    number: &NumberForms,
    sids: &[String],
) -> Result<Removed, StoreError> {
    let customers = their_appointments(connection, scope, number, sids)?;
    for row in &customers {
        forget_customer(connection, &row.id.to_string(), REMOVED)?;
    }
    let left: Vec<Particulars> = events_naming(connection, scope, number)?
        .into_iter()
        .map(|event| (event.id.to_string(), always_left_of(&event.data.0.to_string())))
        .collect();
    words::write_events(connection, &left)?;
    let blocked = blocks(connection, scope, number)?;
    let lines = blocked_numbers::table
        .filter(blocked_numbers::tenant_id.eq_any(&blocked))
        .filter(blocked_numbers::pattern.eq(number.plain().expose()));
    Ok(Removed {
        appointments: customers.len(),
        events: left.len(),
        blocked_numbers: diesel::delete(lines).execute(connection)?,
        ..Removed::default()
    })
}

fn erase_calls(
    connection: &mut AnyConnection,
    some: &[PersonCall],
    number: &NumberForms,
    at: DateTime<Utc>,
) -> Result<Removed, StoreError> {
    let removed = words::remove(connection, &sids(some), at)?;
    for call in some {
        let without = |stored: &str| {
            if number.is(stored) { REMOVED.to_owned() } else { stored.to_owned() }
        };
        diesel::update(calls::table.find(&call.id))
            .set((
                calls::from_number.eq(without(&call.from)),
                calls::to_number.eq(without(&call.to)),
                calls::updated_at.eq(stored_time(at)),
            ))
            .execute(connection)?;
    }
    Ok(Removed { calls: some.len(), ..removed })
}

fn write_down(
    connection: &mut AnyConnection,
    scope: Scope<'_>,
    number: &NumberForms,
    removed: Removed,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let tenant_id = match scope {
        Scope::Tenant(tenant) => Some(tenant.clone()),
        Scope::AllTenants => None,
    };
    let mut data = serde_json::json!({ "number": number.hash(), REDACTED: true });
    for (place, count) in removed.by_place() {
        if let Value::Object(fields) = &mut data {
            fields.insert(place.to_owned(), Value::from(count));
        }
    }
    let event = EventRow {
        id: Uuid::now_v7(),
        call_sid: None,
        tenant_id,
        seq: 0,
        at,
        at_us: 0,
        kind: ERASED.to_owned(),
        channel: Channel::Phone,
        data: Payload(data),
    };
    events::insert(connection, vec![event])
}
