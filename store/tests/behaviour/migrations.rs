//! The tables are made once, whoever comes first, and can be taken down again.

use std::thread;

use crate::support::empty_postgres;
use trunkline_store::{Backend, Scope, Store};

on_both_databases! {
    fn a_second_run_has_nothing_to_do(database) {
        assert_eq!(database.store.migrate().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn an_empty_database_gets_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    for url in [folder.path().join("x.db").to_string_lossy().into_owned(), empty_postgres()] {
        let store = Store::open(&url, 1).unwrap();
        assert!(store.calls(Scope::AllTenants, 1, None).is_err(), "there are no tables yet");
        let all = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"];
        assert_eq!(store.migrate().unwrap(), all);
        assert_eq!(store.calls(Scope::AllTenants, 1, None).unwrap(), []);
    }
}

#[test]
fn several_processes_may_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for url in [folder.path().join("x.db").to_string_lossy().into_owned(), empty_postgres()] {
        let runs: Vec<usize> = thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| Store::open(&url, 1).unwrap().migrate().unwrap().len()))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(runs.iter().sum::<usize>(), 8, "{url}: {runs:?}");
    }
}

const SQLITE_NAMES: &str = r"
    SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '\_\_diesel%' ESCAPE '\'";

const POSTGRES_NAMES: &str = r"
    SELECT relname::text AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relname NOT LIKE '\_\_diesel%'
    UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace";

on_both_databases! {
    fn the_way_back_leaves_nothing(database) {
        // The last first.
        let (down, names) = match database.store.backend() {
            Backend::Sqlite => ([
                include_str!("../../../migrations/sqlite/0008_incomplete_bills/down.sql"),
                include_str!("../../../migrations/sqlite/0007_early_records/down.sql"),
                include_str!("../../../migrations/sqlite/0006_costs/down.sql"),
                include_str!("../../../migrations/sqlite/0005_recordings/down.sql"),
                include_str!("../../../migrations/sqlite/0004_privacy/down.sql"),
                include_str!("../../../migrations/sqlite/0003_business/down.sql"),
                include_str!("../../../migrations/sqlite/0002_side_effects/down.sql"),
                include_str!("../../../migrations/sqlite/0001_calls/down.sql"),
            ], SQLITE_NAMES),
            Backend::Postgres => ([
                include_str!("../../../migrations/postgres/0008_incomplete_bills/down.sql"),
                include_str!("../../../migrations/postgres/0007_early_records/down.sql"),
                include_str!("../../../migrations/postgres/0006_costs/down.sql"),
                include_str!("../../../migrations/postgres/0005_recordings/down.sql"),
                include_str!("../../../migrations/postgres/0004_privacy/down.sql"),
                include_str!("../../../migrations/postgres/0003_business/down.sql"),
                include_str!("../../../migrations/postgres/0002_side_effects/down.sql"),
                include_str!("../../../migrations/postgres/0001_calls/down.sql"),
            ], POSTGRES_NAMES),
        };
        assert!(database.names(names).contains(&"call_events".to_owned()));
        for step in down {
            database.execute(step).unwrap();
        }
        assert_eq!(database.names(names), Vec::<String>::new());
    }
}
