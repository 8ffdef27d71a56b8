//! One connection, to either database.
//!
//! `AnyConnection` writes each query in the words of the database behind it, so
//! a query is written once. Two things the enum cannot say, and they live here:
//! "insert unless it is there already", and how a write transaction begins.

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::result::{ConnectionError, ConnectionResult};
use diesel::sqlite::SqliteConnection;

use crate::error::StoreError;
use crate::target::Target;

/// A connection to whichever database the URL names.
#[derive(diesel::MultiConnection)]
pub(crate) enum AnyConnection {
    /// A file or memory.
    Sqlite(SqliteConnection),
    /// A server.
    Postgres(PgConnection),
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// SQLite refuses every write.
    Read,
    Write,
}

/// Waits for another process's lock rather than failing at once. The write-ahead
/// log lets readers go on while one writes; with it, NORMAL loses no committed
/// row when the process dies (a power cut may lose the last ones). Foreign keys
/// are off in SQLite unless asked for, and so are the triggers that keep REPLACE
/// from deleting rows of an append-only table.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA recursive_triggers = ON;";

/// Waits as long as SQLite does for somebody else's lock, so that a write that
/// cannot be done is known as such.
const POSTGRES_SETTINGS: &str = "SET lock_timeout = '5s'";

/// Opens one connection.
pub(crate) fn connect(target: &Target, purpose: Purpose) -> Result<AnyConnection, StoreError> {
    let failed = |reason: String| StoreError::Connect {
        backend: target.backend(),
        target: target.to_string(),
        reason: target.redact(reason.trim()),
    };
    match target {
        Target::Memory => open_sqlite(":memory:", purpose).map_err(failed),
        Target::File(path) => open_sqlite(&path.to_string_lossy(), purpose).map_err(failed),
        Target::Postgres(server) => open_postgres(server.expose()).map_err(failed),
    }
}

fn open_sqlite(path: &str, purpose: Purpose) -> Result<AnyConnection, String> {
    let mut connection = in_words(SqliteConnection::establish(path))?;
    connection.batch_execute(SQLITE_SETTINGS).map_err(|error| error.to_string())?;
    if purpose == Purpose::Read {
        connection.batch_execute("PRAGMA query_only = ON").map_err(|error| error.to_string())?;
    }
    Ok(AnyConnection::Sqlite(connection))
}

fn open_postgres(url: &str) -> Result<AnyConnection, String> {
    let mut connection = in_words(PgConnection::establish(url))?;
    connection.batch_execute(POSTGRES_SETTINGS).map_err(|error| error.to_string())?;
    Ok(AnyConnection::Postgres(connection))
}

/// The driver's own words, without diesel's around them.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the enum is non-exhaustive; the rest show themselves"
)]
fn in_words<C>(result: ConnectionResult<C>) -> Result<C, String> {
    result.map_err(|error| match error {
        ConnectionError::BadConnection(text) => text,
        other => other.to_string(),
    })
}

/// How far a transaction must seem to be alone with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    /// As the server has it by default.
    Usual,
    /// As if transactions ran one after the other. On SQLite they do.
    Serializable,
}

/// Runs `work` in one write transaction: all of it is stored, or nothing.
pub(crate) fn in_transaction<T>(
    connection: &mut AnyConnection,
    isolation: Isolation,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    type Manager = <AnyConnection as Connection>::TransactionManager;
    match connection {
        // A transaction that reads first and writes later cannot wait for the
        // write lock: SQLite fails it at once. So the lock is taken here.
        AnyConnection::Sqlite(c) => {
            AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE")?
        }
        AnyConnection::Postgres(c) => {
            let begin = match isolation {
                Isolation::Usual => "BEGIN",
                Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            };
            AnsiTransactionManager::begin_transaction_sql(c, begin)?;
        }
    }
    match work(connection) {
        Ok(value) => {
            Manager::commit_transaction(connection)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(rollback) = Manager::rollback_transaction(connection) {
                // The pool drops a connection whose transaction is in doubt.
                tracing::warn!(error = %rollback, "a transaction could not be rolled back");
            }
            Err(error)
        }
    }
}

/// Inserts rows, passing over those that are there already.
/// `$rows` is evaluated in one arm only, so it may be moved.
macro_rules! insert_or_ignore {
    ($connection:expr, $table:expr, $rows:expr) => {
        match $connection {
            $crate::connection::AnyConnection::Sqlite(c) => {
                diesel::insert_into($table).values($rows).on_conflict_do_nothing().execute(c)
            }
            $crate::connection::AnyConnection::Postgres(c) => {
                diesel::insert_into($table).values($rows).on_conflict_do_nothing().execute(c)
            }
        }
    };
}
pub(crate) use insert_or_ignore;
