//! Both databases have the same tables, columns and indexes.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use crate::support::Database;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    declared: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    index_name: String,
    #[diesel(sql_type = Bool)]
    partial: bool,
}

const SQLITE_COLUMNS: &str = r#"
    SELECT t.name AS table_name, c.name AS column_name, c.type AS declared, NOT c."notnull" AS nullable
    FROM sqlite_master t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\_\_diesel%' ESCAPE '\'"#;

const POSTGRES_COLUMNS: &str = r"
    SELECT table_name::text, column_name::text, is_nullable = 'YES' AS nullable,
           CASE data_type WHEN 'timestamp without time zone' THEN 'TIMESTAMP' ELSE upper(data_type) END AS declared
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE '\_\_diesel%'";

const SQLITE_INDEXES: &str = "
    SELECT t.name AS table_name, i.name AS index_name, i.partial = 1 AS partial
    FROM sqlite_master t, pragma_index_list(t.name) i
    WHERE t.type = 'table' AND i.origin = 'c'";

const POSTGRES_INDEXES: &str = r"
    SELECT t.relname::text AS table_name, i.relname::text AS index_name, x.indpred IS NOT NULL AS partial
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname = 'public' AND NOT x.indisunique AND NOT x.indisexclusion";

#[test]
fn tables_columns_and_indexes_are_the_same() {
    let (sqlite, postgres) = (Database::sqlite(), Database::postgres());
    let path = sqlite.url.strip_prefix("sqlite://").unwrap();
    let mut lite = SqliteConnection::establish(path).unwrap();
    let mut server = PgConnection::establish(&postgres.url).unwrap();

    let lite_columns: BTreeSet<Column> =
        diesel::sql_query(SQLITE_COLUMNS).load(&mut lite).unwrap().into_iter().collect();
    let server_columns: BTreeSet<Column> =
        diesel::sql_query(POSTGRES_COLUMNS).load(&mut server).unwrap().into_iter().collect();
    let differences: Vec<_> = lite_columns.symmetric_difference(&server_columns).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(
        lite_columns
            .iter()
            .any(|c| c.table_name == "calls" && c.column_name == "ended_at" && c.nullable)
    );

    let lite_indexes: BTreeSet<Index> =
        diesel::sql_query(SQLITE_INDEXES).load(&mut lite).unwrap().into_iter().collect();
    let server_indexes: BTreeSet<Index> =
        diesel::sql_query(POSTGRES_INDEXES).load(&mut server).unwrap().into_iter().collect();
    let differences: Vec<_> = lite_indexes.symmetric_difference(&server_indexes).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(lite_indexes.iter().any(|i| i.index_name == "calls_live" && i.partial));
}

#[derive(Debug, QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

#[test]
fn a_file_has_a_write_ahead_log() {
    let sqlite = Database::sqlite();
    let mut lite =
        SqliteConnection::establish(sqlite.url.strip_prefix("sqlite://").unwrap()).unwrap();
    let setting: Setting = diesel::sql_query("PRAGMA journal_mode").get_result(&mut lite).unwrap();
    assert_eq!(setting.journal_mode, "wal");
}
