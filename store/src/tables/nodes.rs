//! The processes of the fleet.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::NodeId;

use crate::columns::{MaybeTime, TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, insert_or_ignore};
use crate::error::StoreError;
use crate::schema::nodes;
use crate::store::Store;

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
