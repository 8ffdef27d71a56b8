//! Who is turned away, and who said so.

use crate::support::{at, tenant};
use serde_json::json;
use trunkline_core::block_list::Blocked;
use trunkline_core::ids::TenantId;
use trunkline_store::{BlockedRow, Scope};

fn line(owner: Option<&str>, pattern: &str, ms: i64) -> BlockedRow {
    BlockedRow {
        tenant_id: owner.map(tenant),
        pattern: Blocked::parse(pattern).unwrap(),
        created_at: at(ms),
        created_by: "ann".to_owned(),
    }
}

on_both_databases! {
    fn a_line_is_added_once_and_removed_once(database) {
        let store = &database.store;
        let (all, one) = (line(None, "+1900*", 1), line(Some("salon"), "+15550179777", 2));
        assert!(store.block_number(&one).unwrap());
        assert!(store.block_number(&all).unwrap());
        assert!(!store.block_number(&line(None, "+1900*", 3)).unwrap(), "it is there");
        assert!(store.block_number(&line(Some("garage"), "+1900*", 4)).unwrap(), "a tenant has its own");
        assert_eq!(store.blocked_numbers(Scope::AllTenants).unwrap(), [all.clone(), line(Some("garage"), "+1900*", 4), one.clone()]);

        let salon = tenant("salon");
        let remove = |owner: Option<&TenantId>, row: &BlockedRow| {
            store.unblock_number(owner, &row.pattern, "bob", at(9)).unwrap()
        };
        assert!(!remove(Some(&salon), &all), "that of all is not the tenant's to lift");
        assert!(!remove(None, &one));
        assert!(remove(Some(&salon), &one));
        assert!(!remove(Some(&salon), &one));
        assert!(remove(None, &all));
        assert_eq!(store.blocked_numbers(Scope::AllTenants).unwrap(), [line(Some("garage"), "+1900*", 4)]);
    }

    fn who_did_it_is_in_the_log_and_the_number_is_not(database) {
        let store = &database.store;
        let (salon, row) = (tenant("salon"), line(Some("salon"), "+15550179777", 2));
        store.block_number(&row).unwrap();
        store.block_number(&row).unwrap();
        store.unblock_number(Some(&salon), &row.pattern, "bob", at(3)).unwrap();
        store.unblock_number(Some(&salon), &row.pattern, "bob", at(4)).unwrap();
        let events = store.events_without_call(Scope::Tenant(&salon), at(0), 10).unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.data.0.clone())).collect();
        assert_eq!(told, [
            ("number_blocked", json!({"by": "ann", "pattern": "…9777"})),
            ("number_unblocked", json!({"by": "bob", "pattern": "…9777"})),
        ]);
        assert!(!format!("{row:?}").contains("5550179777"));
    }
}
