//! Calls: one row each.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{AccountSid, CallSid, NodeId, StreamSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use uuid::Uuid;

use crate::columns::{MaybeText, MaybeTime, TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::calls;
use crate::scope::Scope;
use crate::store::Store;
use crate::words::{Channel, Direction, Mode, Outcome, Status};

/// A call, as it begins and as it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Insertable, Queryable, Selectable)]
#[diesel(table_name = calls)]
pub struct CallRow {
    /// Ours: a UUID v7, so that calls sort by their beginning.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub id: Uuid,
    /// The carrier's name of the call. A second call of the same name is ignored.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub call_sid: CallSid,
    /// Whose call it is.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// The carrier account it came through.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub account_sid: Option<AccountSid>,
    /// The media stream, once there is one.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub stream_sid: Option<StreamSid>,
    /// Who placed it.
    pub direction: Direction,
    /// Through what it is held.
    pub channel: Channel,
    /// The caller.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub from_number: PhoneNumber,
    /// The number that was called.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub to_number: PhoneNumber,
    /// The carrier's word.
    pub status: Status,
    /// Our own word for where the conversation stands.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub phase: String,
    /// How it ended; none while it lives.
    pub outcome: Option<Outcome>,
    /// How it was answered.
    pub mode: Mode,
    /// Whether it was handed to a human.
    pub handoff: bool,
    /// Why it was handed over.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub handoff_reason: Option<String>,
    /// What went wrong.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub error: Option<String>,
    /// Caller turns so far.
    pub turn_count: i32,
    /// Interruptions so far.
    pub barge_in_count: i32,
    /// Tool calls so far.
    pub tool_call_count: i32,
    /// Length in milliseconds, once it is over.
    pub duration_ms: Option<i64>,
    /// Who provides the speech model.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub realtime_provider: Option<String>,
    /// The provider's name of the model.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub model: Option<String>,
    /// The provider's name of the voice.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub voice: Option<String>,
    /// Who speaks.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub persona: Option<String>,
    /// The process that holds the call.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub node_id: Option<NodeId>,
    /// The call's seed, bit for bit (`u64::cast_signed`).
    pub seed: Option<i64>,
    /// Measurements and what tools captured, as one JSON object.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub captured_fields: Payload,
    /// When it began.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub created_at: DateTime<Utc>,
    /// When its media stream opened.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub stream_started_at: Option<DateTime<Utc>>,
    /// When it ended; none while it lives.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub ended_at: Option<DateTime<Utc>>,
    /// When the row was last changed.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub updated_at: DateTime<Utc>,
}

impl CallRow {
    /// A caller's call that rings: nothing counted, nothing known beyond this.
    /// The rest is set by struct update or with a [`CallChange`](crate::CallChange).
    #[must_use]
    pub fn inbound(
        call_sid: CallSid,
        tenant_id: TenantId,
        from_number: PhoneNumber,
        to_number: PhoneNumber,
        created_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: Uuid::now_v7(),
            call_sid,
            tenant_id,
            account_sid: None,
            stream_sid: None,
            direction: Direction::Inbound,
            channel: Channel::Phone,
            from_number,
            to_number,
            status: Status::Ringing,
            phase: "answering".to_owned(),
            outcome: None,
            mode: Mode::Realtime,
            handoff: false,
            handoff_reason: None,
            error: None,
            turn_count: 0,
            barge_in_count: 0,
            tool_call_count: 0,
            duration_ms: None,
            realtime_provider: None,
            model: None,
            voice: None,
            persona: None,
            node_id: None,
            seed: None,
            captured_fields: Payload::default(),
            created_at,
            stream_started_at: None,
            ended_at: None,
            updated_at: created_at,
        }
    }
}

/// How many calls there are, and how they went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Not over, however long ago they began.
    pub live: i64,
    /// Begun within the time asked for, the live ones included.
    pub total: i64,
    /// Of those, by outcome; the live ones are in none.
    pub by_outcome: BTreeMap<String, i64>,
    /// Of those, by mode.
    pub by_mode: BTreeMap<String, i64>,
}

impl Store {
    /// One call.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn call(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Option<CallRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope).filter(calls::call_sid.eq(call_sid.as_str()));
            Ok(query.select(CallRow::as_select()).first(connection).optional()?)
        })
    }

    /// Calls, newest first. `before` is the `id` of the last call of the page
    /// before; none asks for the first page.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn calls(
        &self,
        scope: Scope<'_>,
        limit: u32,
        before: Option<Uuid>,
    ) -> Result<Vec<CallRow>, StoreError> {
        self.read(|connection| {
            let mut query = in_scope(scope);
            if let Some(before) = before {
                query = query.filter(calls::id.lt(before.to_string()));
            }
            let query = query.order(calls::id.desc()).limit(i64::from(limit));
            Ok(query.select(CallRow::as_select()).load(connection)?)
        })
    }

    /// How many calls began at `since` or later, and how they went.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn counts(&self, scope: Scope<'_>, since: DateTime<Utc>) -> Result<Counts, StoreError> {
        self.read(|connection| {
            let live =
                in_scope(scope).filter(calls::ended_at.is_null()).count().get_result(connection)?;
            let mut counts = Counts { live, ..Counts::default() };
            for (mode, outcome, number) in by_mode_and_outcome(connection, scope, since)? {
                counts.total += number;
                *counts.by_mode.entry(mode).or_default() += number;
                if let Some(outcome) = outcome {
                    *counts.by_outcome.entry(outcome).or_default() += number;
                }
            }
            Ok(counts)
        })
    }
}

type Calls<'a> = calls::BoxedQuery<'a, MultiBackend>;

fn in_scope(scope: Scope<'_>) -> Calls<'_> {
    let query = calls::table.into_boxed();
    match scope.tenant() {
        Some(tenant) => query.filter(calls::tenant_id.eq(tenant)),
        None => query,
    }
}

type Group = (String, Option<String>, i64);

fn by_mode_and_outcome(
    connection: &mut AnyConnection,
    scope: Scope<'_>,
    since: DateTime<Utc>,
) -> Result<Vec<Group>, StoreError> {
    let tenant = scope.tenant();
    let groups = calls::table
        .group_by((calls::mode, calls::outcome))
        .filter(calls::created_at.ge(stored_time(since)))
        .filter(
            calls::tenant_id.eq(tenant.unwrap_or_default()).or(tenant.is_none().into_sql::<Bool>()),
        )
        .select((calls::mode, calls::outcome, diesel::dsl::count_star()))
        .load(connection)?;
    Ok(groups)
}

/// Inserts a call, unless there is one of its name.
pub(crate) fn insert(connection: &mut AnyConnection, call: &CallRow) -> Result<(), StoreError> {
    insert_or_ignore!(connection, calls::table, call.clone())?;
    Ok(())
}
