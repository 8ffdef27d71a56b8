//! The processes of the fleet, and the calls they left behind.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{CallSid, NodeId, TenantId};
use uuid::Uuid;

use crate::columns::{MaybeTime, TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, insert_or_ignore};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::{calls, nodes};
use crate::store::Store;
use crate::tables::events::{self, EventRow};
use crate::words::{Channel, Outcome};

/// What is written about a call whose process died.
const NODE_LOST: &str = "node_lost";

/// One process of the fleet, in its latest life.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Insertable, Queryable, Selectable,
)]
#[diesel(table_name = nodes)]
pub struct NodeRow {
    /// Its name, kept over restarts.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub node_id: NodeId,
    /// When it last started.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub started_at: DateTime<Utc>,
    /// When it last gave a sign of life.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub last_seen_at: DateTime<Utc>,
    /// When it stopped in good order.
    #[diesel(serialize_as = MaybeTime, deserialize_as = MaybeTime)]
    pub stopped_at: Option<DateTime<Utc>>,
    /// The program's version.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub version: String,
    /// The process id on its machine.
    pub pid: i64,
    /// Where it listens, such as `10.0.0.7:8080`.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub address: String,
}

/// A process's course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeChange {
    /// It started, perhaps again.
    Started(NodeRow),
    /// It is alive.
    Seen {
        /// Which.
        node_id: NodeId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It stopped in good order.
    Stopped {
        /// Which.
        node_id: NodeId,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Store {
    /// Every process that ever started, by name.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn nodes(&self) -> Result<Vec<NodeRow>, StoreError> {
        self.read(|connection| {
            Ok(nodes::table.order(nodes::node_id).select(NodeRow::as_select()).load(connection)?)
        })
    }

    /// Closes the calls that an earlier life of a process left open: outcome
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
        self.write(|connection| {
            let left = left_open(connection, node_id, started_at)?;
            let number = left.len();
            for call in left {
                close(connection, call, started_at)?;
            }
            Ok(number)
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

fn close(
    connection: &mut AnyConnection,
    call: OpenCall,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::update(calls::table.filter(calls::call_sid.eq(call.call_sid.as_str())))
        .set((
            calls::outcome.eq(Outcome::Failed),
            calls::error.eq(NODE_LOST),
            calls::phase.eq("ended"),
            calls::ended_at.eq(stored_time(at)),
            calls::updated_at.eq(stored_time(at)),
        ))
        .execute(connection)?;
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
    events::insert(connection, vec![event])
}

/// Writes a process's course. A start of an earlier life changes nothing.
pub(crate) fn apply(connection: &mut AnyConnection, change: &NodeChange) -> Result<(), StoreError> {
    match change {
        NodeChange::Started(node) => started(connection, node),
        NodeChange::Seen { node_id, at } => seen(connection, node_id, *at),
        NodeChange::Stopped { node_id, at } => stopped(connection, node_id, *at),
    }
}

fn started(connection: &mut AnyConnection, node: &NodeRow) -> Result<(), StoreError> {
    if insert_or_ignore!(connection, nodes::table, node.clone())? == 1 {
        return Ok(());
    }
    let earlier_life = nodes::started_at.lt(stored_time(node.started_at));
    diesel::update(nodes::table.find(node.node_id.as_str()).filter(earlier_life))
        .set((
            nodes::started_at.eq(stored_time(node.started_at)),
            nodes::last_seen_at.eq(stored_time(node.last_seen_at)),
            nodes::stopped_at.eq(MaybeTime::from(node.stopped_at)),
            nodes::version.eq(TextColumn::from(node.version.clone())),
            nodes::pid.eq(node.pid),
            nodes::address.eq(TextColumn::from(node.address.clone())),
        ))
        .execute(connection)?;
    Ok(())
}

fn seen(
    connection: &mut AnyConnection,
    node_id: &NodeId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let at = stored_time(at);
    diesel::update(nodes::table.find(node_id.as_str()).filter(nodes::last_seen_at.lt(at)))
        .set(nodes::last_seen_at.eq(at))
        .execute(connection)?;
    Ok(())
}

fn stopped(
    connection: &mut AnyConnection,
    node_id: &NodeId,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let at = stored_time(at);
    diesel::update(nodes::table.find(node_id.as_str()).filter(nodes::started_at.le(at)))
        .set((nodes::last_seen_at.eq(at), nodes::stopped_at.eq(at)))
        .execute(connection)?;
    Ok(())
}
