//! Calls that were put through to a human.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{CallSid, TenantId};

use crate::columns::{MaybeTime, TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::schema::handoffs;
use crate::scope::Scope;
use crate::store::Store;
use crate::words::Status;

/// A call's way to a human; a call has one.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Insertable, Queryable, Selectable,
)]
#[diesel(table_name = handoffs)]
pub struct HandoffRow {
    /// The call. A second handoff of the same call is ignored.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub call_sid: CallSid,
    /// Whose call it is.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// Why, in the word of `calls.handoff_reason`.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub reason: String,
    /// Who was dialled, in a word; never a number.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub target: String,
    /// When it was decided, which is when the caller was told.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub announced_at: DateTime<Utc>,
    /// How the dialled leg ended, in the carrier's word; none until it says so.
    pub outcome: Option<Status>,
    /// When the carrier said so.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub outcome_at: Option<DateTime<Utc>>,
    /// How long they spoke, in seconds.
    pub talk_s: Option<i32>,
}

impl HandoffRow {
    /// The tenant's human number, in a word.
    pub const HUMAN: &'static str = "human";

    /// A call is put through to the tenant's human.
    #[must_use]
    pub fn to_human(
        call_sid: CallSid,
        tenant_id: TenantId,
        reason: &str,
        announced_at: DateTime<Utc>,
    ) -> Self {
        Self {
            call_sid,
            tenant_id,
            reason: reason.to_owned(),
            target: Self::HUMAN.to_owned(),
            announced_at,
            outcome: None,
            outcome_at: None,
            talk_s: None,
        }
    }
}

/// The carrier says how the dialled leg ended. The first word stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoffOutcome {
    /// The call.
    pub call_sid: CallSid,
    /// Whose it is: nobody else may speak of it.
    pub tenant_id: TenantId,
    /// How: one of the last words of a call.
    pub outcome: Status,
    /// How long they spoke, in seconds.
    pub talk_s: Option<i32>,
    /// When the carrier said so.
    pub at: DateTime<Utc>,
}

impl Store {
    /// A call's handoff.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn handoff(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Option<HandoffRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope).filter(handoffs::call_sid.eq(call_sid.as_str()));
            Ok(query.select(HandoffRow::as_select()).first(connection).optional()?)
        })
    }
}

fn in_scope(scope: Scope<'_>) -> handoffs::BoxedQuery<'_, MultiBackend> {
    let query = handoffs::table.into_boxed();
    match scope.tenant() {
        Some(tenant) => query.filter(handoffs::tenant_id.eq(tenant)),
        None => query,
    }
}

/// Inserts a handoff, unless the call has one.
pub(crate) fn insert(
    connection: &mut AnyConnection,
    handoff: &HandoffRow,
) -> Result<(), StoreError> {
    insert_or_ignore!(connection, handoffs::table, handoff.clone())?;
    Ok(())
}

/// Writes how it ended.
pub(crate) fn ended(
    connection: &mut AnyConnection,
    report: &HandoffOutcome,
) -> Result<(), StoreError> {
    let this_call = || handoffs::table.find(report.call_sid.as_str());
    let open = this_call()
        .filter(handoffs::tenant_id.eq(report.tenant_id.as_str()))
        .filter(handoffs::outcome.is_null());
    let changed = diesel::update(open)
        .set((
            handoffs::outcome.eq(report.outcome),
            handoffs::outcome_at.eq(stored_time(report.at)),
            handoffs::talk_s.eq(report.talk_s),
        ))
        .execute(connection)?;
    if changed == 0 && this_call().count().get_result::<i64>(connection)? == 0 {
        return Err(StoreError::Missing("handoff"));
    }
    Ok(())
}
