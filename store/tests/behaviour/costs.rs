//! What calls cost is added up once for each call, by tenant and day.

use chrono::NaiveDate;
use serde_json::json;
use trunkline_core::ids::NodeId;
use trunkline_store::{CostRow, DayCost, Payload, Record, Scope};

use crate::support::{at, sid, tenant};

fn bill(name: &str, owner: &str, node: &str, day: &str, nanos: i64) -> CostRow {
    CostRow {
        call_sid: sid(name),
        tenant_id: tenant(owner),
        node_id: NodeId::parse(node).unwrap(),
        day: day.to_owned(),
        nanos,
        unpriced: nanos == 7,
        estimated: false,
        breakdown: Payload(json!([{ "provider": "twilio", "model": "voice", "nanos": nanos }])),
        created_at: at(1),
    }
}

fn cost(row: &CostRow) -> Record {
    Record::Cost(Box::new(row.clone()))
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn sum(owner: &str, day: &str, nanos: i64, calls: i64, unpriced_calls: i64) -> DayCost {
    DayCost { tenant_id: tenant(owner), day: day.to_owned(), nanos, calls, unpriced_calls }
}

on_both_databases! {
    fn each_call_is_added_once(database) {
        let first = bill("CA1", "salon", "node-a", "2026-11-20", 5_000_000_000);
        let rows = [
            first.clone(),
            bill("CA2", "salon", "node-b", "2026-11-20", 7),
            bill("CA3", "salon", "node-a", "2026-11-21", 11),
            bill("CA4", "garage", "node-a", "2026-11-20", 13),
        ];
        let batch: Vec<Record> = rows.iter().map(cost).collect();
        database.apply(&batch);
        // A journal may hand over the same again, and a late word changes nothing.
        database.apply(&batch);
        database.apply(&[cost(&CostRow { nanos: 99, ..first.clone() })]);

        let costs = |scope: Scope<'_>, from: &str, to: &str| {
            database.store.day_costs(scope, day(from), day(to)).unwrap()
        };
        assert_eq!(costs(Scope::AllTenants, "2026-11-20", "2026-11-21"), [
            sum("garage", "2026-11-20", 13, 1, 0),
            sum("salon", "2026-11-20", 5_000_000_007, 2, 1),
            sum("salon", "2026-11-21", 11, 1, 0),
        ]);
        let salon = tenant("salon");
        let next = costs(Scope::Tenant(&salon), "2026-11-21", "2026-12-31");
        assert_eq!(next, [sum("salon", "2026-11-21", 11, 1, 0)]);

        let read = |owner: &str| database.store.cost(Scope::Tenant(&tenant(owner)), &sid("CA1")).unwrap();
        assert_eq!(read("salon"), Some(first));
        assert_eq!(read("garage"), None);
    }
}
