//! The calls that a process left open when it died.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trunkline_core::ids::{CallSid, NodeId, TenantId};
use uuid::Uuid;

use crate::columns::{TimeColumn, stored_time};
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::{calls, nodes};
use crate::store::Store;
use crate::tables::events::{self, EventRow};
use crate::tables::nodes::NodeRow;
use crate::words::{Channel, Outcome};

/// What is written about a call whose process died.
pub(crate) const NODE_LOST: &str = "node_lost";

impl Store {
    /// Closes the calls that an earlier life of a process left open, of all tenants
    /// alike: outcome
    /// `failed`, error `node_lost`, and an event each. Returns how many.
    ///
    /// `started_at` is when the present life began; calls that began or got their
    /// stream since then are its own and stay. It becomes the time of closing.
    ///
    /// # Errors
    /// When the database cannot be written. Then no call was closed.
    pub fn close_open_calls(
        &self,
        node_id: &NodeId,
        started_at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        self.write(|connection| close_all(connection, node_id, started_at))
    }

    /// The processes, other than `but`, that hold calls, of whichever tenant.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn nodes_with_calls(&self, but: &NodeId) -> Result<Vec<NodeRow>, StoreError> {
        self.read(|connection| {
            let holders: Vec<Option<String>> = calls::table
                .filter(calls::ended_at.is_null())
                .select(calls::node_id)
                .distinct()
                .load(connection)?;
            let others = holders.into_iter().flatten().filter(|name| name != but.as_str());
            let query = nodes::table
                .filter(nodes::node_id.eq_any(others.collect::<Vec<_>>()))
                .order(nodes::node_id);
            Ok(query.select(NodeRow::as_select()).load(connection)?)
        })
    }

    /// Closes the calls of a process that is lost, as
    /// [`close_open_calls`](Self::close_open_calls) does, unless it gave a sign of
    /// life after the one in `node`. Returns how many.
    ///
    /// # Errors
    /// When the database cannot be written. Then no call was closed.
    pub fn close_calls_of_lost(
        &self,
        node: &NodeRow,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        self.write(|connection| {
            let silent = nodes::table
                .find(node.node_id.as_str())
                .filter(nodes::last_seen_at.eq(stored_time(node.last_seen_at)));
            if silent.count().get_result::<i64>(connection)? == 0 {
                return Ok(0);
            }
            close_all(connection, &node.node_id, at)
        })
    }
}

/// A call without an end.
#[derive(Queryable, Selectable)]
#[diesel(table_name = calls)]
struct OpenCall {
    #[diesel(deserialize_as = String)]
    call_sid: CallSid,
    #[diesel(deserialize_as = String)]
    tenant_id: TenantId,
    #[diesel(deserialize_as = TimeColumn)]
    created_at: DateTime<Utc>,
}

fn close_all(
    connection: &mut AnyConnection,
    node_id: &NodeId,
    at: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let mut closed = 0;
    for call in left_open(connection, node_id, at)? {
        closed += usize::from(close(connection, call, at)?);
    }
    Ok(closed)
}

fn left_open(
    connection: &mut AnyConnection,
    node_id: &NodeId,
    started_at: DateTime<Utc>,
) -> Result<Vec<OpenCall>, StoreError> {
    let started_at = stored_time(started_at);
    // The stream may land in this life of a call that another process answered.
    let streams_here = calls::stream_started_at.ge(started_at).assume_not_null();
    Ok(calls::table
        .filter(calls::node_id.eq(node_id.as_str()))
        .filter(calls::ended_at.is_null())
        .filter(calls::created_at.lt(started_at))
        .filter(calls::stream_started_at.is_null().or(diesel::dsl::not(streams_here)))
        .select(OpenCall::as_select())
        .load(connection)?)
}

/// Closes a call, unless somebody else has by now; answers whether it did.
fn close(
    connection: &mut AnyConnection,
    call: OpenCall,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let still_open = calls::table
        .filter(calls::call_sid.eq(call.call_sid.as_str()))
        .filter(calls::ended_at.is_null());
    let closed = diesel::update(still_open)
        .set((
            calls::outcome.eq(Outcome::Failed),
            calls::error.eq(NODE_LOST),
            calls::phase.eq("ended"),
            calls::ended_at.eq(stored_time(at)),
            calls::updated_at.eq(stored_time(at)),
        ))
        .execute(connection)?;
    if closed == 0 {
        return Ok(false);
    }
    let event = EventRow {
        id: Uuid::now_v7(),
        call_sid: Some(call.call_sid),
        tenant_id: Some(call.tenant_id),
        seq: 0,
        at,
        at_us: (at - call.created_at).num_microseconds().unwrap_or(i64::MAX),
        kind: NODE_LOST.to_owned(),
        channel: Channel::Phone,
        data: Payload::default(),
    };
    events::insert(connection, vec![event])?;
    Ok(true)
}
