//! A database of its own for each test, and records to put into it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::pii::{Personal, PhoneNumber};
use trunkline_store::testing::PrivateCluster;
use trunkline_store::{CallRow, Channel, EventRow, Payload, Record, Speaker, Store, TranscriptRow};
use uuid::Uuid;

/// Runs a test once against SQLite and once against Postgres.
macro_rules! on_both_databases {
    ($(fn $name:ident($database:ident) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every test needs every name")]
            use super::*;

            fn check($database: &crate::support::Database) $body

            #[test]
            fn sqlite() {
                check(&crate::support::Database::sqlite());
            }

            #[test]
            fn postgres() {
                check(&crate::support::Database::postgres());
            }
        }
    )+};
}

/// A migrated database, gone with the value.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) store: Store,
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self::open(url, Some(folder))
    }

    pub(crate) fn postgres() -> Self {
        Self::open(empty_postgres(), None)
    }

    fn open(url: String, folder: Option<TempDir>) -> Self {
        let store = Store::open(&url, 4).unwrap();
        store.migrate().unwrap();
        Self { url, store, _folder: folder }
    }

    /// Runs SQL behind the store's back.
    pub(crate) fn execute(&self, sql: &str) -> QueryResult<()> {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => SqliteConnection::establish(path).unwrap().batch_execute(sql),
            None => PgConnection::establish(&self.url).unwrap().batch_execute(sql),
        }
    }

    /// The column `name` of a query.
    pub(crate) fn names(&self, sql: &str) -> Vec<String> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            name: String,
        }
        let rows: Vec<Row> = match self.url.strip_prefix("sqlite://") {
            Some(path) => diesel::sql_query(sql)
                .load(&mut SqliteConnection::establish(path).unwrap())
                .unwrap(),
            None => diesel::sql_query(sql)
                .load(&mut PgConnection::establish(&self.url).unwrap())
                .unwrap(),
        };
        rows.into_iter().map(|row| row.name).collect()
    }

    /// Stores records, none of which may be refused.
    pub(crate) fn apply(&self, records: &[Record]) {
        assert_eq!(self.store.apply(records).unwrap().refused, []);
    }
}

/// The one cluster of this process.
pub(crate) fn cluster() -> &'static PrivateCluster {
    static CLUSTER: OnceLock<PrivateCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| PrivateCluster::start().unwrap_or_else(|error| panic!("{error}")))
}

/// The URL of a new database without tables.
pub(crate) fn empty_postgres() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    cluster().database(&format!("test_{number}")).unwrap()
}

pub(crate) fn sid(text: &str) -> CallSid {
    CallSid::parse(text).unwrap()
}

pub(crate) fn tenant(text: &str) -> TenantId {
    TenantId::parse(text).unwrap()
}

/// A moment, `ms` after a fixed one.
pub(crate) fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + Duration::milliseconds(ms)
}

pub(crate) const CALLER: &str = "+14155550123";

pub(crate) fn call(name: &str, tenant_name: &str) -> CallRow {
    let number = PhoneNumber::new("+14155550199");
    CallRow::inbound(sid(name), tenant(tenant_name), PhoneNumber::new(CALLER), number, at(0))
}

pub(crate) fn started(call: &CallRow) -> Record {
    Record::CallStarted(Box::new(call.clone()))
}

pub(crate) fn event(call: &CallRow, seq: i32, kind: &str) -> EventRow {
    EventRow {
        id: Uuid::now_v7(),
        call_sid: Some(call.call_sid.clone()),
        tenant_id: Some(call.tenant_id.clone()),
        seq,
        at: at(i64::from(seq) * 10),
        at_us: i64::from(seq) * 10_000,
        kind: kind.to_owned(),
        channel: Channel::Phone,
        data: Payload(json!({"number": seq})),
    }
}

pub(crate) fn said(call: &CallRow, turn: i32, speaker: Speaker, text: &str) -> TranscriptRow {
    TranscriptRow {
        id: Uuid::now_v7(),
        call_sid: call.call_sid.clone(),
        tenant_id: call.tenant_id.clone(),
        turn,
        speaker,
        generated: Personal::new(text),
        heard: None,
        item_id: None,
        interrupted: false,
        started_at: at(i64::from(turn) * 1_000),
        ended_at: None,
    }
}
