//! The journal's file: SQLite, one table, one holder.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::sqlite::SqliteConnection;

use super::{BYTES_PER_RECORD, JournalSize};
use crate::error::StoreError;

/// The lock is held from here to the end: EXCLUSIVE never lets go of it. FULL
/// waits for the disk with every commit. What is deleted is overwritten. The log
/// is cut to a size that is kept, so that a full disk has room to take out what
/// the database has taken.
const SETTINGS: &str = "PRAGMA busy_timeout = 0;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 4194304;";

/// AUTOINCREMENT: a place is never given out twice, also not after all was taken
/// out.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS journal (
        seq    INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms  BIGINT NOT NULL,
        record TEXT NOT NULL
    );";

/// Free pages are given back once so many have gathered: 4 MiB.
const SPARE_PAGES: i64 = 1_024;

diesel::table! {
    journal (seq) {
        seq -> BigInt,
        at_ms -> BigInt,
        record -> Text,
    }
}

/// One record as it lies in the file.
#[derive(Queryable)]
pub(super) struct Line {
    pub(super) seq: i64,
    pub(super) record: String,
}

pub(super) struct File {
    connection: SqliteConnection,
}

impl File {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |reason: String| StoreError::Journal {
            path: path.display().to_string(),
            reason: in_words(&reason),
        };
        make(path).map_err(|error| failed(error.to_string()))?;
        let mut connection = SqliteConnection::establish(&path.to_string_lossy())
            .map_err(|error| failed(error.to_string()))?;
        let ready = connection
            .batch_execute(SETTINGS)
            .and_then(|()| connection.batch_execute(&format!("BEGIN IMMEDIATE; {TABLE} COMMIT;")));
        ready.map_err(|error| failed(error.to_string()))?;
        Ok(Self { connection })
    }

    /// Puts texts in, all or none; the place of the last.
    pub(super) fn append(
        &mut self,
        records: &[String],
        at: DateTime<Utc>,
    ) -> Result<Option<i64>, StoreError> {
        if records.is_empty() {
            return Ok(None);
        }
        let at_ms = at.timestamp_millis();
        self.connection.immediate_transaction(|connection| {
            for record in records {
                diesel::insert_into(journal::table)
                    .values((journal::at_ms.eq(at_ms), journal::record.eq(record)))
                    .execute(connection)?;
            }
            Ok(journal::table.select(diesel::dsl::max(journal::seq)).first(connection)?)
        })
    }

    /// The oldest records, the oldest first.
    pub(super) fn oldest(&mut self, limit: u32) -> Result<Vec<Line>, StoreError> {
        Ok(journal::table
            .select((journal::seq, journal::record))
            .order(journal::seq)
            .limit(i64::from(limit))
            .load(&mut self.connection)?)
    }

    /// Takes out every record up to a place; how much that was, and how old the
    /// oldest is of those that are left.
    pub(super) fn remove_through(&mut self, last: i64) -> Result<JournalSize, StoreError> {
        if let Ok(removed) = remove(&mut self.connection, last) {
            self.give_back()?;
            return Ok(removed);
        }
        // Perhaps the disk is full. The log that is there can be used again once
        // all of it is in the file, which needs no room.
        self.connection.batch_execute("PRAGMA wal_checkpoint(RESTART)")?;
        remove(&mut self.connection, last)
    }

    /// Gives room back to the disk, where there is enough of it to be worth it.
    fn give_back(&mut self) -> Result<(), StoreError> {
        #[derive(QueryableByName)]
        struct Free {
            #[diesel(sql_type = BigInt)]
            freelist_count: i64,
        }
        let free: Free =
            diesel::sql_query("PRAGMA freelist_count").get_result(&mut self.connection)?;
        if free.freelist_count >= SPARE_PAGES {
            self.connection.batch_execute(&format!("PRAGMA incremental_vacuum({SPARE_PAGES})"))?;
        }
        Ok(())
    }

    /// How much there is.
    pub(super) fn measure(&mut self) -> Result<JournalSize, StoreError> {
        measure(&mut self.connection, i64::MAX)
    }
}

fn remove(connection: &mut SqliteConnection, last: i64) -> Result<JournalSize, StoreError> {
    connection.immediate_transaction(|connection| {
        let removed = measure(connection, last)?;
        diesel::delete(journal::table.filter(journal::seq.le(last))).execute(connection)?;
        Ok(JournalSize { oldest: oldest(connection)?, ..removed })
    })
}

/// How much lies up to a place.
fn measure(connection: &mut SqliteConnection, last: i64) -> Result<JournalSize, StoreError> {
    #[derive(QueryableByName)]
    struct Measure {
        #[diesel(sql_type = BigInt)]
        records: i64,
        #[diesel(sql_type = BigInt)]
        bytes: i64,
    }
    let sql = "SELECT count(*) AS records, \
               coalesce(sum(length(CAST(record AS BLOB))), 0) AS bytes \
               FROM journal WHERE seq <= ?";
    let found: Measure = diesel::sql_query(sql).bind::<BigInt, _>(last).get_result(connection)?;
    let records = u64::try_from(found.records).unwrap_or_default();
    Ok(JournalSize {
        records,
        bytes: u64::try_from(found.bytes).unwrap_or_default() + records * BYTES_PER_RECORD,
        oldest: oldest(connection)?,
    })
}

/// When the first record was put in.
fn oldest(connection: &mut SqliteConnection) -> Result<Option<DateTime<Utc>>, StoreError> {
    let first = journal::table.select(journal::at_ms).order(journal::seq).first(connection);
    Ok(first.optional()?.and_then(DateTime::from_timestamp_millis))
}

/// Makes the folder, and the file so that only its owner can read it: SQLite
/// gives its own files the same rights.
fn make(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

fn in_words(reason: &str) -> String {
    if reason.contains("database is locked") {
        "another process holds it; each node needs a journal of its own".to_owned()
    } else {
        reason.to_owned()
    }
}
