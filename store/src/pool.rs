//! The pools: one writer beside a few readers on SQLite, where only one may
//! write at a time; one pool for both on Postgres.

use std::sync::Arc;
use std::time::Duration;

use diesel::r2d2::{HandleError, ManageConnection, Pool, PooledConnection, R2D2Connection};

use crate::connection::{AnyConnection, Purpose, connect};
use crate::error::StoreError;
use crate::target::Target;

/// Longest wait for a free connection. Ours: longer than SQLite's lock timeout,
/// so that whoever holds the connection has either written or failed.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) type Checkout = PooledConnection<Manager>;

/// Opens connections for the pool.
#[derive(Debug)]
pub(crate) struct Manager {
    target: Arc<Target>,
    purpose: Purpose,
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<AnyConnection, StoreError> {
        connect(&self.target, self.purpose)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        Ok(connection.ping()?)
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        std::thread::panicking() || connection.is_broken()
    }
}

#[derive(Debug)]
struct LogFailure;

impl HandleError<StoreError> for LogFailure {
    fn handle_error(&self, error: StoreError) {
        tracing::warn!(%error, "the database cannot be reached");
    }
}

/// Where connections come from.
#[derive(Clone)]
pub(crate) struct Pools {
    read: Pool<Manager>,
    write: Pool<Manager>,
}

impl Pools {
    /// `size` is the most connections: on Postgres in all, on SQLite to read.
    pub(crate) fn new(target: &Arc<Target>, size: u32) -> Self {
        let pool = |purpose, size| build(Manager { target: Arc::clone(target), purpose }, size);
        match target.as_ref() {
            Target::Postgres(_) => {
                let pool = pool(Purpose::Write, size);
                Self { read: pool.clone(), write: pool }
            }
            Target::File(_) => {
                Self { read: pool(Purpose::Read, size), write: pool(Purpose::Write, 1) }
            }
            // Each connection would have a memory of its own.
            Target::Memory => {
                let pool = pool(Purpose::Write, 1);
                Self { read: pool.clone(), write: pool }
            }
        }
    }

    pub(crate) fn reader(&self) -> Result<Checkout, StoreError> {
        checkout(&self.read)
    }

    pub(crate) fn writer(&self) -> Result<Checkout, StoreError> {
        checkout(&self.write)
    }
}

fn checkout(pool: &Pool<Manager>) -> Result<Checkout, StoreError> {
    // The pool's error carries the last refused connection's words, redacted.
    pool.get().map_err(|error| StoreError::Busy(error.to_string()))
}

fn build(manager: Manager, size: u32) -> Pool<Manager> {
    Pool::builder()
        .max_size(size.max(1))
        // Opened when wanted: a database that is down must not fill the log.
        .min_idle(Some(0))
        // A database in memory is gone with its last connection.
        .idle_timeout(None)
        .max_lifetime(None)
        .connection_timeout(CHECKOUT_TIMEOUT)
        .error_handler(Box::new(LogFailure))
        .build_unchecked(manager)
}
