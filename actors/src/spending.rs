//! What tenants have spent today, as far as this node knows: what its own calls cost
//! so far, and what the database says of those of other nodes and of earlier lives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{NaiveDate, Utc};
use trunkline_core::cost::Nanos;
use trunkline_core::ids::{NodeId, TenantId};
use trunkline_store::NodeDayCost;

/// One tenant's day.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    /// By calls of this process.
    here: Nanos,
    /// By those of this node's earlier lives.
    before: Nanos,
    /// By those of other nodes that are over.
    elsewhere: Nanos,
}

impl Spent {
    const fn all(self) -> Nanos {
        self.here.plus(self.before).plus(self.elsewhere)
    }
}

type Days = HashMap<(TenantId, NaiveDate), Spent>;

/// See the module's text. Cheap to clone; read by webhooks, written by calls and by
/// the persistence actor.
#[derive(Clone, Debug, Default)]
pub struct Spending(Arc<Mutex<Days>>);

/// What one call adds to its tenant's day. A call belongs to the day on which it
/// began, and so does all that it costs.
#[derive(Debug)]
pub struct Purse {
    spending: Spending,
    key: (TenantId, NaiveDate),
    mine: Nanos,
}

/// Today, UTC.
fn today() -> NaiveDate {
    Utc::now().date_naive()
}

impl Spending {
    /// What a tenant's calls of today have cost.
    #[must_use]
    pub fn today(&self, tenant: &TenantId) -> Nanos {
        self.of(&(tenant.clone(), today()))
    }

    /// A call begins.
    #[must_use]
    pub fn begin(&self, tenant: &TenantId) -> Purse {
        let key = (tenant.clone(), today());
        Purse { spending: self.clone(), key, mine: Nanos::ZERO }
    }

    /// Takes over what the database says of today, when the process starts.
    pub fn start(&self, rows: &[NodeDayCost], me: &NodeId) {
        self.take(rows, me, true);
    }

    /// The same later: what this node's calls cost it knows better by itself.
    pub fn refresh(&self, rows: &[NodeDayCost], me: &NodeId) {
        self.take(rows, me, false);
    }

    fn take(&self, rows: &[NodeDayCost], me: &NodeId, first: bool) {
        let mut days = self.lock();
        let yesterday = today().pred_opt();
        // A call may last into the next day, and not into the one after that.
        days.retain(|(_, day), _| yesterday.is_none_or(|yesterday| *day >= yesterday));
        let mut elsewhere: HashMap<(TenantId, NaiveDate), Nanos> = HashMap::new();
        for row in rows {
            let Ok(day) = row.day.parse::<NaiveDate>() else {
                continue;
            };
            let key = (row.tenant_id.clone(), day);
            let nanos = Nanos(u64::try_from(row.nanos).unwrap_or(0));
            if row.node_id != *me {
                let sum = elsewhere.entry(key).or_default();
                *sum = sum.plus(nanos);
            } else if first {
                days.entry(key).or_default().before = nanos;
            }
        }
        for (key, nanos) in elsewhere {
            days.entry(key).or_default().elsewhere = nanos;
        }
    }

    fn of(&self, key: &(TenantId, NaiveDate)) -> Nanos {
        self.lock().get(key).copied().unwrap_or_default().all()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Days> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Purse {
    /// The call has cost so much by now.
    pub fn set(&mut self, total: Nanos) {
        let more = total.less(self.mine);
        self.mine = self.mine.max(total);
        let mut days = self.spending.lock();
        let spent = days.entry(self.key.clone()).or_default();
        spent.here = spent.here.plus(more);
    }

    /// What the tenant's other calls of that day have cost.
    #[must_use]
    pub fn others(&self) -> Nanos {
        self.spending.of(&self.key).less(self.mine)
    }

    /// The day that the call belongs to.
    #[must_use]
    pub const fn day(&self) -> NaiveDate {
        self.key.1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::*;

    fn row(node: &str, nanos: i64) -> NodeDayCost {
        NodeDayCost {
            tenant_id: TenantId::parse("shop").unwrap(),
            day: today().to_string(),
            node_id: NodeId::parse(node).unwrap(),
            nanos,
            calls: 1,
            unpriced_calls: 0,
            incomplete_calls: 0,
        }
    }

    #[test]
    fn nothing_is_counted_twice_and_nothing_is_left_out() {
        let spending = Spending::default();
        let (shop, me) = (TenantId::parse("shop").unwrap(), NodeId::parse("node-a").unwrap());
        spending.start(&[row("node-a", 100), row("node-b", 10)], &me);
        assert_eq!(spending.today(&shop), Nanos(110));
        let (mut one, mut two) = (spending.begin(&shop), spending.begin(&shop));
        one.set(Nanos(5));
        two.set(Nanos(7));
        one.set(Nanos(6));
        assert_eq!((one.others(), two.others()), (Nanos(117), Nanos(116)));
        drop(one);
        // The database knows of it by now, as a call of this node; others have gone on.
        spending.refresh(&[row("node-a", 106), row("node-b", 20), row("node-c", 1)], &me);
        assert_eq!(spending.today(&shop), Nanos(134));
        assert_eq!(spending.today(&TenantId::parse("salon").unwrap()), Nanos::ZERO);
    }
}
