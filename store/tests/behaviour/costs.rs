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
        incomplete: false,
    }
}

fn cost(row: &CostRow) -> Record {
    Record::Cost(Box::new(row.clone()))
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn sum(owner: &str, day: &str, nanos: i64, calls: i64, unpriced_calls: i64) -> DayCost {
    DayCost {
        tenant_id: tenant(owner),
        day: day.to_owned(),
        nanos,
        calls,
        unpriced_calls,
        incomplete_calls: 0,
    }
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

    fn what_was_last_known_is_counted_until_the_whole_bill_comes(database) {
        let whole = bill("CA1", "salon", "node-a", "2026-11-20", 50);
        let so_far = |nanos: i64| CostRow { nanos, unpriced: false, incomplete: true, ..whole.clone() };
        let days = || {
            database.store.day_costs(Scope::AllTenants, day("2026-11-20"), day("2026-11-21")).unwrap()
        };
        let read = || database.store.cost(Scope::AllTenants, &sid("CA1")).unwrap().unwrap();
        let incomplete = |nanos, calls| DayCost { incomplete_calls: 1, ..sum("salon", "2026-11-20", nanos, calls, 0) };

        database.apply(&[cost(&so_far(20)), cost(&so_far(30))]);
        assert_eq!((read(), days()), (so_far(30), vec![incomplete(30, 1)]));
        // An older word that comes again takes nothing back, nor does one without lines.
        let bare = CostRow { breakdown: Payload(json!([])), ..so_far(30) };
        database.apply(&[cost(&so_far(20)), cost(&bare)]);
        assert_eq!((read(), days()), (so_far(30), vec![incomplete(30, 1)]));
        // Another call of the day is counted beside it; midnight moves nothing.
        let later = CostRow { day: "2026-11-21".to_owned(), ..so_far(40) };
        database.apply(&[cost(&bill("CA2", "salon", "node-a", "2026-11-20", 100)), cost(&later)]);
        assert_eq!(days(), [incomplete(140, 2)]);

        database.apply(&[cost(&whole), cost(&so_far(60)), cost(&so_far(20))]);
        assert_eq!((read(), days()), (whole, vec![sum("salon", "2026-11-20", 150, 2, 0)]));
    }

    fn what_has_no_price_is_counted_as_it_comes_to_be_known(database) {
        let so_far = |unpriced: bool, lines: u32| CostRow {
            unpriced,
            incomplete: true,
            breakdown: Payload(json!([{ "quantity": lines }])),
            ..bill("CA1", "salon", "node-a", "2026-11-20", 50)
        };
        database.apply(&[cost(&so_far(false, 1)), cost(&so_far(true, 2))]);
        let found = database.store.day_costs(Scope::AllTenants, day("2026-11-20"), day("2026-11-20")).unwrap();
        assert_eq!(found, [DayCost { incomplete_calls: 1, ..sum("salon", "2026-11-20", 50, 1, 1) }]);
    }
}
