//! What each side said.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{CallSid, ItemId, TenantId};
use trunkline_core::pii::Personal;
use uuid::Uuid;

use crate::columns::{MaybeText, MaybeTime, TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::schema::transcripts;
use crate::scope::Scope;
use crate::store::Store;
use crate::words::Speaker;

/// One thing said, by either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Insertable, Queryable, Selectable)]
#[diesel(table_name = transcripts)]
pub struct TranscriptRow {
    /// Ours: a UUID v7. A second row of the same id is ignored.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub id: Uuid,
    /// The call.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub call_sid: CallSid,
    /// Whose call it is.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// Number of the turn, from 0.
    pub turn: i32,
    /// Who spoke.
    pub speaker: Speaker,
    /// The whole text: what the caller said, or what the model meant to say.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub generated: Personal,
    /// The part of it that was really played; none until that is known.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub heard: Option<Personal>,
    /// The speech model's name of it.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub item_id: Option<ItemId>,
    /// Whether the other side cut it short.
    pub interrupted: bool,
    /// When it began.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub ended_at: Option<DateTime<Utc>>,
}

/// What is known of a text once its audio has been played or cut short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TranscriptHeard {
    /// The transcript's id.
    pub id: Uuid,
    /// The part that was played.
    pub heard: Personal,
    /// Whether the other side cut it short.
    pub interrupted: bool,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
}

impl Store {
    /// What was said in a call, in order.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn transcript(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Vec<TranscriptRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope)
                .filter(transcripts::call_sid.eq(call_sid.as_str()))
                .order((transcripts::turn, transcripts::started_at, transcripts::id));
            Ok(query.select(TranscriptRow::as_select()).load(connection)?)
        })
    }
}

fn in_scope(scope: Scope<'_>) -> transcripts::BoxedQuery<'_, MultiBackend> {
    let query = transcripts::table.into_boxed();
    match scope.tenant() {
        Some(tenant) => query.filter(transcripts::tenant_id.eq(tenant)),
        None => query,
    }
}

/// Inserts a text, unless it is there already.
pub(crate) fn insert(
    connection: &mut AnyConnection,
    said: &TranscriptRow,
) -> Result<(), StoreError> {
    insert_or_ignore!(connection, transcripts::table, said.clone())?;
    Ok(())
}

/// Writes what was heard of a text.
pub(crate) fn heard(
    connection: &mut AnyConnection,
    heard: &TranscriptHeard,
) -> Result<(), StoreError> {
    let changed = diesel::update(transcripts::table.find(heard.id.to_string()))
        .set((
            transcripts::heard.eq(MaybeText::from(Some(heard.heard.clone()))),
            transcripts::interrupted.eq(heard.interrupted),
            transcripts::ended_at.eq(stored_time(heard.ended_at)),
        ))
        .execute(connection)?;
    if changed == 0 { Err(StoreError::Missing("transcript")) } else { Ok(()) }
}
