//! How fast the speech model answered. Nothing about a person is kept here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{CallSid, TenantId};

use crate::columns::{MaybeText, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::schema::stream_handshakes;
use crate::scope::Scope;
use crate::store::Store;

/// A call's handshake with the speech model; a call has one.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Insertable, Queryable, Selectable,
)]
#[diesel(table_name = stream_handshakes)]
pub struct HandshakeRow {
    /// The call. A second handshake of the same call is ignored.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub call_sid: CallSid,
    /// Whose call it is.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// From the dial to the session being ready, in milliseconds; none until then.
    pub elapsed_ms: Option<i64>,
    /// From the dial to the first audio, in milliseconds; none until then.
    pub first_audio_ms: Option<i64>,
    /// Whether the call went to a human instead.
    pub fell_back: bool,
    /// What went wrong, in technical words.
    #[diesel(serialize_as = MaybeText, deserialize_as = MaybeText)]
    pub error_message: Option<String>,
    /// When the model was dialled.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub started_at: DateTime<Utc>,
}

/// What became known of a handshake. `None` leaves a column as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandshakeChange {
    /// The call.
    pub call_sid: CallSid,
    /// From the dial to the session being ready, in milliseconds.
    pub elapsed_ms: Option<i64>,
    /// From the dial to the first audio, in milliseconds.
    pub first_audio_ms: Option<i64>,
    /// Whether the call went to a human instead.
    pub fell_back: Option<bool>,
    /// What went wrong, in technical words.
    pub error_message: Option<String>,
}

impl Store {
    /// A call's handshake.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn handshake(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Option<HandshakeRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope).filter(stream_handshakes::call_sid.eq(call_sid.as_str()));
            Ok(query.select(HandshakeRow::as_select()).first(connection).optional()?)
        })
    }

    /// Handshakes since a time, oldest first, for percentiles.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn handshakes(
        &self,
        scope: Scope<'_>,
        since: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<HandshakeRow>, StoreError> {
        self.read(|connection| {
            let query = in_scope(scope)
                .filter(stream_handshakes::started_at.ge(stored_time(since)))
                .order((stream_handshakes::started_at, stream_handshakes::call_sid))
                .limit(i64::from(limit));
            Ok(query.select(HandshakeRow::as_select()).load(connection)?)
        })
    }
}

fn in_scope(scope: Scope<'_>) -> stream_handshakes::BoxedQuery<'_, MultiBackend> {
    let query = stream_handshakes::table.into_boxed();
    match scope.tenant() {
        Some(tenant) => query.filter(stream_handshakes::tenant_id.eq(tenant)),
        None => query,
    }
}

/// Inserts a handshake, unless the call has one.
pub(crate) fn insert(
    connection: &mut AnyConnection,
    handshake: &HandshakeRow,
) -> Result<(), StoreError> {
    insert_or_ignore!(connection, stream_handshakes::table, handshake.clone())?;
    Ok(())
}

/// Writes what became known.
pub(crate) fn change(
    connection: &mut AnyConnection,
    change: &HandshakeChange,
) -> Result<(), StoreError> {
    // Written back as it was, so that a change of nothing is still a statement.
    let same = stream_handshakes::tenant_id.eq(stream_handshakes::tenant_id);
    let text = change.error_message.clone().map(|text| MaybeText::from(Some(text)));
    let changes = (
        same,
        change.elapsed_ms.map(|ms| stream_handshakes::elapsed_ms.eq(ms)),
        change.first_audio_ms.map(|ms| stream_handshakes::first_audio_ms.eq(ms)),
        change.fell_back.map(|flag| stream_handshakes::fell_back.eq(flag)),
        text.map(|text| stream_handshakes::error_message.eq(text)),
    );
    let this_call = stream_handshakes::table.find(change.call_sid.as_str());
    let changed = diesel::update(this_call).set(changes).execute(connection)?;
    if changed == 0 { Err(StoreError::Missing("handshake")) } else { Ok(()) }
}
