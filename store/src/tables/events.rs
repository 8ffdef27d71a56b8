//! The audit log: what happened, in order. Rows are only ever added.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{CallSid, TenantId};
use uuid::Uuid;

use crate::columns::{MaybeText, TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::call_events;
use crate::scope::Scope;
use crate::store::Store;
use crate::words::Channel;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Insertable, Queryable, Selectable)]
#[diesel(table_name = call_events)]
pub struct EventRow {
    /// Ours: a UUID v7. A second event of the same id is ignored.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub id: Uuid,
    /// The call; none for what concerns no call, such as a switch.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub call_sid: Option<CallSid>,
    /// Whose it is; none for what concerns every tenant.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub tenant_id: Option<TenantId>,
    /// Place among the call's events as their writer counts; breaks ties of time.
    pub seq: i32,
    /// When it happened.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub at: DateTime<Utc>,
    /// The same in microseconds since the call began; 0 where no call is meant.
    pub at_us: i64,
    /// What happened: a word of the writer's, never empty.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub kind: String,
    /// Through what the conversation is held.
    pub channel: Channel,
    /// The particulars.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub data: Payload,
}

impl Store {
    /// A call's events in the order in which they happened.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn events(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope).filter(call_events::call_sid.eq(call_sid.as_str()));
            Ok(in_order(query).select(EventRow::as_select()).load(connection)?)
        })
    }

    /// Events that concern no call, such as switches being changed, from `since`
    /// on, oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn events_without_call(
        &self,
        scope: Scope<'_>,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope)
                .filter(call_events::call_sid.is_null())
                .filter(call_events::at.ge(stored_time(since)))
                .limit(i64::from(limit));
            Ok(in_order(query).select(EventRow::as_select()).load(connection)?)
        })
    }
}

type Events<'a> = call_events::BoxedQuery<'a, MultiBackend>;

fn in_scope(scope: Scope<'_>) -> Events<'_> {
    let query = call_events::table.into_boxed();
    match scope.tenant() {
        Some(tenant) => query.filter(call_events::tenant_id.eq(tenant)),
        None => query,
    }
}

fn in_order(query: Events<'_>) -> Events<'_> {
    query.order((call_events::at, call_events::seq, call_events::id))
}

/// Inserts events, passing over those that are there already. One statement on
/// Postgres, where each would be a journey to the server; SQLite has no way to
/// say it in one, and no journey.
pub(crate) fn insert(
    connection: &mut AnyConnection,
    events: Vec<EventRow>,
) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(c) => {
            for event in events {
                diesel::insert_into(call_events::table)
                    .values(event)
                    .on_conflict_do_nothing()
                    .execute(c)?;
            }
        }
        AnyConnection::Postgres(c) => {
            diesel::insert_into(call_events::table)
                .values(events)
                .on_conflict_do_nothing()
                .execute(c)?;
        }
    }
    Ok(())
}
