//! What the carrier recorded of calls: told by the carrier as often as it likes,
//! fetched once by one node, and kept as long as the call's words.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{AccountSid, CallSid, NodeId, RecordingSid, TenantId};
use uuid::Uuid;

use crate::columns::{MaybeText, MaybeTime, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::{calls, recordings};
use crate::scope::Scope;
use crate::store::Store;
use crate::tables::events::{self, EventRow};
use crate::words::{Channel, RecordingState};

/// How often a claim looks again after another node was faster.
const CLAIM_TRIES: u32 = 16;

/// A recording, and how far its copy has come.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Insertable, Queryable, Selectable,
)]
#[diesel(table_name = recordings)]
pub struct RecordingRow {
    /// Ours: a UUID v7.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub id: Uuid,
    /// Whose it is.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// The call that is heard in it.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub call_sid: CallSid,
    /// The carrier's account that has it.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub account_sid: AccountSid,
    /// The carrier's name of it; each account has its own.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub recording_sid: RecordingSid,
    /// How far its copy has come.
    pub state: RecordingState,
    /// How often it was asked for.
    pub attempts: i32,
    /// When it is asked for next; while somebody is at it, when they count as lost.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The node that is at it, or in whose folder it is.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub node_id: Option<NodeId>,
    /// Why it could not be had the last time, in our own words.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub error: Option<String>,
    /// Its place within the folder of recordings.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub path: Option<String>,
    /// Length of the file.
    pub bytes: Option<i64>,
    /// How long it is, in seconds, as the carrier says.
    pub duration_s: Option<i32>,
    /// 1, or 2 with the caller and the agent apart.
    pub channels: Option<i32>,
    /// When the carrier first told of it.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub created_at: DateTime<Utc>,
    /// When this row changed last.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub updated_at: DateTime<Utc>,
}

impl RecordingRow {
    /// One that the carrier has ready, to be fetched at once.
    #[must_use]
    pub fn to_fetch(
        (tenant_id, call_sid): (TenantId, CallSid),
        (account_sid, recording_sid): (AccountSid, RecordingSid),
        at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: Uuid::now_v7(),
            tenant_id,
            call_sid,
            account_sid,
            recording_sid,
            state: RecordingState::Pending,
            attempts: 0,
            next_attempt_at: Some(at),
            node_id: None,
            error: None,
            path: None,
            bytes: None,
            duration_s: None,
            channels: None,
            created_at: at,
            updated_at: at,
        }
    }

    /// The same, of which the carrier says that there is nothing to fetch, and why.
    #[must_use]
    pub fn absent(self, why: String) -> Self {
        Self { state: RecordingState::Failed, next_attempt_at: None, error: Some(why), ..self }
    }
}

/// A recording of which it is not known whose it is: the call's row, which says so, is
/// not at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingForOneOf {
    /// Whose it may be: those with the account that told of it.
    pub tenants: Vec<TenantId>,
    /// The recording; its `tenant_id` is any one of them.
    pub recording: RecordingRow,
}

/// Whether a recording that could not be had is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchAgain {
    /// From then on.
    At(DateTime<Utc>),
    /// It was asked for often enough.
    Never,
}

impl Store {
    /// The recordings of a call, the first first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn recordings(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Vec<RecordingRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope)
                .filter(recordings::call_sid.eq(call_sid.as_str()))
                .order((recordings::created_at, recordings::id));
            Ok(query.select(RecordingRow::as_select()).load(connection)?)
        })
    }

    /// Takes on the recording that has been due for longest, of whichever tenant: a
    /// node fetches for all of them. From then on nobody else gets it before `until`;
    /// of many at once, one gets it. None: nothing is due.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn claim_recording(
        &self,
        node: &NodeId,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<RecordingRow>, StoreError> {
        for _ in 0..CLAIM_TRIES {
            let Some(found) = self.read(|connection| due(connection, now))? else {
                return Ok(None);
            };
            let claimed = self.write(|connection| {
                diesel::update(as_found(&found))
                    .set((
                        recordings::attempts.eq(recordings::attempts + 1),
                        recordings::node_id.eq(node.as_str()),
                        recordings::next_attempt_at.eq(stored_time(until)),
                        recordings::updated_at.eq(stored_time(now)),
                    ))
                    .execute(connection)
                    .map_err(StoreError::from)
            })?;
            if claimed == 1 {
                let row = RecordingRow {
                    attempts: found.attempts.saturating_add(1),
                    node_id: Some(node.clone()),
                    next_attempt_at: Some(until),
                    updated_at: now,
                    ..found
                };
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Gives back what an earlier life of a node was at when it died, of whichever
    /// tenant; how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn release_recordings(
        &self,
        node: &NodeId,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        self.write(|connection| {
            let in_hand = recordings::table
                .filter(recordings::state.eq(RecordingState::Pending))
                .filter(recordings::node_id.eq(node.as_str()));
            Ok(diesel::update(in_hand)
                .set((
                    recordings::node_id.eq(None::<String>),
                    recordings::next_attempt_at.eq(stored_time(now)),
                ))
                .execute(connection)?)
        })
    }

    /// The recording that was taken on is in the node's folder, at `path`; whether it
    /// was still the node's to fetch. Where it was not, its file is nobody's.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn recording_stored(
        &self,
        claimed: &RecordingRow,
        (path, bytes): (&str, u64),
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let changes = (
            recordings::state.eq(RecordingState::Stored),
            recordings::path.eq(path),
            recordings::bytes.eq(i64::try_from(bytes).unwrap_or(i64::MAX)),
            recordings::error.eq(None::<String>),
            recordings::next_attempt_at.eq(None::<chrono::NaiveDateTime>),
            recordings::updated_at.eq(stored_time(at)),
        );
        self.write(|connection| {
            Ok(diesel::update(as_found(claimed)).set(changes).execute(connection)? == 1)
        })
    }

    /// The recording that was taken on could not be had; whether it was still the
    /// node's to fetch.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn recording_failed(
        &self,
        claimed: &RecordingRow,
        error: &str,
        again: FetchAgain,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (state, next) = match again {
            FetchAgain::At(time) => (RecordingState::Pending, Some(stored_time(time))),
            FetchAgain::Never => (RecordingState::Failed, None),
        };
        let changes = (
            recordings::state.eq(state),
            recordings::next_attempt_at.eq(next),
            recordings::node_id.eq(None::<String>),
            recordings::error.eq(MaybeText::from(Some(error.to_owned()))),
            recordings::updated_at.eq(stored_time(at)),
        );
        self.write(|connection| {
            Ok(diesel::update(as_found(claimed)).set(changes).execute(connection)? == 1)
        })
    }
}

fn in_scope(scope: Scope<'_>) -> recordings::BoxedQuery<'_, MultiBackend> {
    let query = recordings::table.into_boxed();
    match scope.tenant() {
        Some(tenant) => query.filter(recordings::tenant_id.eq(tenant)),
        None => query,
    }
}

fn due(
    connection: &mut AnyConnection,
    now: DateTime<Utc>,
) -> Result<Option<RecordingRow>, StoreError> {
    let query = recordings::table
        .filter(recordings::state.eq(RecordingState::Pending))
        .filter(recordings::next_attempt_at.le(stored_time(now)))
        .order((recordings::next_attempt_at, recordings::id));
    Ok(query.select(RecordingRow::as_select()).first(connection).optional()?)
}

/// The row, unless somebody else has taken it on, finished it or erased it since.
#[diesel::dsl::auto_type(no_type_alias)]
fn as_found<'a>(found: &'a RecordingRow) -> _ {
    let (id, tenant): (String, &'a str) = (found.id.to_string(), found.tenant_id.as_str());
    let attempts: i32 = found.attempts;
    let pending: RecordingState = RecordingState::Pending;
    recordings::table
        .find(id)
        .filter(recordings::tenant_id.eq(tenant))
        .filter(recordings::state.eq(pending))
        .filter(recordings::attempts.eq(attempts))
}

/// Inserts a recording, unless it is there already, or its call's words have been
/// taken out: the carrier may tell of it again long after.
pub(crate) fn insert(connection: &mut AnyConnection, row: &RecordingRow) -> Result<(), StoreError> {
    let words_gone_at: Option<Option<chrono::NaiveDateTime>> = calls::table
        .filter(calls::call_sid.eq(row.call_sid.as_str()))
        .filter(calls::tenant_id.eq(row.tenant_id.as_str()))
        .select(calls::words_gone_at)
        .first(connection)
        .optional()?;
    match words_gone_at {
        None => Err(StoreError::Missing("call of this tenant")),
        Some(Some(_)) => Ok(()),
        Some(None) => {
            if insert_or_ignore!(connection, recordings::table, row.clone())? == 0 {
                return Ok(());
            }
            events::insert(connection, vec![told_of(row)])
        }
    }
}

/// The same for the call's own tenant, who must be one of several.
pub(crate) fn insert_for_one_of(
    connection: &mut AnyConnection,
    told: &RecordingForOneOf,
) -> Result<(), StoreError> {
    let owner: Option<String> = calls::table
        .filter(calls::call_sid.eq(told.recording.call_sid.as_str()))
        .select(calls::tenant_id)
        .first(connection)
        .optional()?;
    let owner = told.tenants.iter().find(|tenant| owner.as_deref() == Some(tenant.as_str()));
    let tenant_id = owner.cloned().ok_or(StoreError::Missing("call of these tenants"))?;
    insert(connection, &RecordingRow { tenant_id, ..told.recording.clone() })
}

/// What stands in the call's events of it, once.
fn told_of(row: &RecordingRow) -> EventRow {
    let data = serde_json::json!({
        "recording": row.recording_sid,
        "outcome": row.state,
        "duration_s": row.duration_s,
        "error": row.error,
    });
    EventRow {
        id: Uuid::now_v7(),
        call_sid: Some(row.call_sid.clone()),
        tenant_id: Some(row.tenant_id.clone()),
        seq: 0,
        at: row.created_at,
        at_us: 0,
        kind: "recording".to_owned(),
        channel: Channel::Phone,
        data: Payload(data),
    }
}
