//! What calls cost, and what they add up to by tenant and day.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::cost::Nanos;
use trunkline_core::ids::{CallSid, NodeId, TenantId};

use crate::columns::{TextColumn, TimeColumn, stored_time};
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
    /// The call. Its whole bill stays as it was written first; an incomplete one gives
    /// way to it, and to an incomplete one that says more.
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
    /// Whether it is what was last known of a call that had not come to its end: it is
    /// still going on, or its process was lost.
    #[serde(default)]
    pub incomplete: bool,
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
    /// And how many have not come to their end, as far as their bill knows.
    pub incomplete_calls: i64,
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
    /// And how many have not come to their end, as far as their bill knows.
    pub incomplete_calls: i32,
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
            let NodeDayCost { tenant_id, day, nanos, calls, .. } = row;
            let key = (day.clone(), tenant_id.clone());
            let sum = days.entry(key).or_insert_with(|| DayCost {
                tenant_id,
                day,
                nanos: 0,
                calls: 0,
                unpriced_calls: 0,
                incomplete_calls: 0,
            });
            sum.nanos = sum.nanos.saturating_add(nanos);
            sum.calls += i64::from(calls);
            sum.unpriced_calls += i64::from(row.unpriced_calls);
            sum.incomplete_calls += i64::from(row.incomplete_calls);
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

/// Writes a bill and adds it to its tenant's day. Of a call that has one already, what
/// is new is added; nothing is when that bill was the whole one.
pub(crate) fn write(connection: &mut AnyConnection, cost: &CostRow) -> Result<(), StoreError> {
    let written = insert_or_ignore!(connection, call_costs::table, cost.clone())?;
    if written > 0 {
        return add(connection, cost, Sum { calls: 1, ..Sum::of(cost) });
    }
    let known: CostRow = call_costs::table
        .find(cost.call_sid.as_str())
        .select(CostRow::as_select())
        .first(connection)?;
    if !cost.replaces(&known) || replace(connection, cost, &known)? == 0 {
        return Ok(());
    }
    // The call stays with the day, and the node, under which it was added first.
    add(connection, &known, Sum::of(cost).less(Sum::of(&known)))
}

impl CostRow {
    fn replaces(&self, known: &Self) -> bool {
        let says_more = self.nanos > known.nanos
            || (self.nanos == known.nanos && self.breakdown != known.breakdown && self.has_lines());
        known.incomplete && (!self.incomplete || says_more)
    }

    fn has_lines(&self) -> bool {
        self.breakdown.0.as_array().is_some_and(|lines| !lines.is_empty())
    }
}

/// Unless somebody else has by now; answers how many rows were written.
fn replace(
    connection: &mut AnyConnection,
    cost: &CostRow,
    known: &CostRow,
) -> Result<usize, StoreError> {
    let unchanged = call_costs::table
        .filter(call_costs::call_sid.eq(cost.call_sid.as_str()))
        .filter(call_costs::incomplete.eq(true))
        .filter(call_costs::nanos.eq(known.nanos))
        .filter(call_costs::unpriced.eq(known.unpriced));
    let written = diesel::update(unchanged)
        .set((
            call_costs::nanos.eq(cost.nanos),
            call_costs::unpriced.eq(cost.unpriced),
            call_costs::estimated.eq(cost.estimated),
            call_costs::breakdown.eq(TextColumn::from(cost.breakdown.clone())),
            call_costs::created_at.eq(stored_time(cost.created_at)),
            call_costs::incomplete.eq(cost.incomplete),
        ))
        .execute(connection)?;
    Ok(written)
}

/// What a bill adds to its tenant's day.
#[derive(Clone, Copy)]
struct Sum {
    nanos: i64,
    calls: i32,
    unpriced_calls: i32,
    incomplete_calls: i32,
}

impl Sum {
    /// Of a call that is counted already.
    fn of(cost: &CostRow) -> Self {
        Self {
            nanos: cost.nanos,
            calls: 0,
            unpriced_calls: i32::from(cost.unpriced),
            incomplete_calls: i32::from(cost.incomplete),
        }
    }

    const fn less(self, known: Self) -> Self {
        Self {
            nanos: self.nanos.saturating_sub(known.nanos),
            calls: self.calls - known.calls,
            unpriced_calls: self.unpriced_calls - known.unpriced_calls,
            incomplete_calls: self.incomplete_calls - known.incomplete_calls,
        }
    }
}

fn add(connection: &mut AnyConnection, cost: &CostRow, sum: Sum) -> Result<(), StoreError> {
    let nothing = NodeDayCost {
        tenant_id: cost.tenant_id.clone(),
        day: cost.day.clone(),
        node_id: cost.node_id.clone(),
        nanos: 0,
        calls: 0,
        unpriced_calls: 0,
        incomplete_calls: 0,
    };
    insert_or_ignore!(connection, tenant_costs::table, nothing)?;
    let key = (cost.tenant_id.as_str(), cost.day.as_str(), cost.node_id.as_str());
    diesel::update(tenant_costs::table.find(key))
        .set((
            tenant_costs::nanos.eq(tenant_costs::nanos + sum.nanos),
            tenant_costs::calls.eq(tenant_costs::calls + sum.calls),
            tenant_costs::unpriced_calls.eq(tenant_costs::unpriced_calls + sum.unpriced_calls),
            tenant_costs::incomplete_calls
                .eq(tenant_costs::incomplete_calls + sum.incomplete_calls),
        ))
        .execute(connection)?;
    Ok(())
}
