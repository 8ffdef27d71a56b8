//! What calls cost, and what they add up to by tenant and day.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::cost::Nanos;
use trunkline_core::ids::{CallSid, NodeId, TenantId};

use crate::columns::{TextColumn, TimeColumn};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::{call_costs, tenant_costs};
use crate::scope::Scope;
use crate::store::Store;

/// How a day is written.
const DAY: &str = "%Y-%m-%d";

/// A call's bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Insertable, Queryable, Selectable)]
#[diesel(table_name = call_costs)]
pub struct CostRow {
    /// The call. A second bill of the same call is ignored.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub call_sid: CallSid,
    /// Whose call it was.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// The process that had it.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub node_id: NodeId,
    /// The day (UTC) on which its stream began, `YYYY-MM-DD`.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub day: String,
    /// Billionths of a dollar.
    pub nanos: i64,
    /// Whether something of it had no price: it cost more.
    pub unpriced: bool,
    /// Whether some of it is a guess.
    pub estimated: bool,
    /// The lines of the bill: provider, model, kind, quantity, nanos (`null` where no
    /// price is known).
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub breakdown: Payload,
    /// When it was made out.
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    pub created_at: DateTime<Utc>,
}

impl CostRow {
    /// The day of a moment, as it is stored.
    #[must_use]
    pub fn day_of(at: DateTime<Utc>) -> String {
        at.format(DAY).to_string()
    }

    /// Money, as it is stored.
    #[must_use]
    pub fn column(nanos: Nanos) -> i64 {
        i64::try_from(nanos.0).unwrap_or(i64::MAX)
    }
}

/// What a tenant's calls of one day cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCost {
    /// Whose.
    pub tenant_id: TenantId,
    /// The day (UTC) on which the calls began, `YYYY-MM-DD`.
    pub day: String,
    /// Billionths of a dollar.
    pub nanos: i64,
    /// Calls with a bill.
    pub calls: i64,
    /// Of those, how many cost more than is known.
    pub unpriced_calls: i64,
}

/// The same on one node.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = tenant_costs)]
pub struct NodeDayCost {
    /// Whose.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub tenant_id: TenantId,
    /// The day.
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pub day: String,
    /// The node that had the calls.
    #[diesel(serialize_as = String, deserialize_as = String)]
    pub node_id: NodeId,
    /// Billionths of a dollar.
    pub nanos: i64,
    /// Calls with a bill.
    pub calls: i32,
    /// Of those, how many cost more than is known.
    pub unpriced_calls: i32,
}

impl Store {
    /// A call's bill.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn cost(
        &self,
        scope: Scope<'_>,
        call_sid: &CallSid,
    ) -> Result<Option<CostRow>, StoreError> {
        self.read(|connection| {
            let query = call_costs::table.into_boxed::<MultiBackend>();
            let query = query.filter(call_costs::call_sid.eq(call_sid.as_str()));
            let query = match scope.tenant() {
                Some(tenant) => query.filter(call_costs::tenant_id.eq(tenant)),
                None => query,
            };
            Ok(query.select(CostRow::as_select()).first(connection).optional()?)
        })
    }

    /// What calls cost, by tenant and day, the first day first; both days included.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn day_costs(
        &self,
        scope: Scope<'_>,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<DayCost>, StoreError> {
        let mut days: BTreeMap<(String, TenantId), DayCost> = BTreeMap::new();
        for row in self.node_day_costs(scope, from, to)? {
            let NodeDayCost { tenant_id, day, nanos, calls, unpriced_calls, .. } = row;
            let key = (day.clone(), tenant_id.clone());
            let sum = days.entry(key).or_insert_with(|| DayCost {
                tenant_id,
                day,
                nanos: 0,
                calls: 0,
                unpriced_calls: 0,
            });
            sum.nanos = sum.nanos.saturating_add(nanos);
            sum.calls += i64::from(calls);
            sum.unpriced_calls += i64::from(unpriced_calls);
        }
        Ok(days.into_values().collect())
    }

    /// The same by node.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn node_day_costs(
        &self,
        scope: Scope<'_>,
        from: NaiveDate,
        to: NaiveDate,
    ) -> Result<Vec<NodeDayCost>, StoreError> {
        let (from, to) = (from.format(DAY).to_string(), to.format(DAY).to_string());
        self.read(|connection| {
            let query = tenant_costs::table.into_boxed::<MultiBackend>();
            let query = query.filter(tenant_costs::day.ge(from)).filter(tenant_costs::day.le(to));
            let query = match scope.tenant() {
                Some(tenant) => query.filter(tenant_costs::tenant_id.eq(tenant)),
                None => query,
            };
            Ok(query.select(NodeDayCost::as_select()).load(connection)?)
        })
    }
}

/// Writes a bill and adds it to its tenant's day, unless the call has one.
pub(crate) fn insert(connection: &mut AnyConnection, cost: &CostRow) -> Result<(), StoreError> {
    let written = insert_or_ignore!(connection, call_costs::table, cost.clone())?;
    if written == 0 {
        return Ok(());
    }
    let nothing = NodeDayCost {
        tenant_id: cost.tenant_id.clone(),
        day: cost.day.clone(),
        node_id: cost.node_id.clone(),
        nanos: 0,
        calls: 0,
        unpriced_calls: 0,
    };
    insert_or_ignore!(connection, tenant_costs::table, nothing)?;
    let key = (cost.tenant_id.as_str(), cost.day.as_str(), cost.node_id.as_str());
    diesel::update(tenant_costs::table.find(key))
        .set((
            tenant_costs::nanos.eq(tenant_costs::nanos + cost.nanos),
            tenant_costs::calls.eq(tenant_costs::calls + 1),
            tenant_costs::unpriced_calls
                .eq(tenant_costs::unpriced_calls + i32::from(cost.unpriced)),
        ))
        .execute(connection)?;
    Ok(())
}
