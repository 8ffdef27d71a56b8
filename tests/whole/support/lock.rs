//! A database that takes no writes for a while: somebody else holds its locks.

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, SqliteConnection};

/// Held until it is dropped.
#[expect(dead_code, reason = "the connections are there to be dropped")]
pub enum DatabaseLock {
    /// The one write lock of a SQLite file.
    Sqlite(SqliteConnection),
    /// Every table that calls are written to.
    Postgres(PgConnection),
}

impl DatabaseLock {
    /// Takes it.
    pub fn take(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut connection = SqliteConnection::establish(path).expect("the database");
                let lock = "PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE";
                connection.batch_execute(lock).expect("the lock");
                Self::Sqlite(connection)
            }
            None => {
                let mut connection = PgConnection::establish(url).expect("the database");
                let lock = "BEGIN; LOCK TABLE nodes, calls, call_events, transcripts, \
                            stream_handshakes IN EXCLUSIVE MODE";
                connection.batch_execute(lock).expect("the locks");
                Self::Postgres(connection)
            }
        }
    }
}
