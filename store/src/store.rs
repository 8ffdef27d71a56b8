//! The handle that the rest of the engine holds.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::{AnyConnection, Isolation, Purpose, connect, in_transaction};
use crate::error::StoreError;
use crate::pool::Pools;
use crate::target::{Backend, Target};

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations/postgres");

/// Any number that no other program's advisory lock has; held while migrating.
const MIGRATION_LOCK: i64 = 0x7472_756e_6b6c_696e;

/// Pauses before a transaction that met another is begun anew. Ours: together about
/// as long as the wait for a lock.
const PAUSES_MS: [u64; 24] = [
    0, 1, 2, 5, 5, 10, 10, 20, 20, 40, 40, 80, 80, 80, 160, 160, 160, 160, 320, 320, 320, 320, 640,
    640,
];

/// The database. Cheap to clone; every method blocks.
#[derive(Clone)]
pub struct Store {
    target: Arc<Target>,
    pools: Pools,
}

impl Store {
    /// Opens the database and tries it once.
    ///
    /// `url` is `sqlite://PATH` (relative, or absolute with a third slash),
    /// `sqlite::memory:`, a bare path, or `postgres://…`. The folder of an
    /// SQLite file is made. `pool_size` is the most connections: in all on
    /// Postgres, for reading on SQLite, which has one writer besides; at least 1.
    ///
    /// # Errors
    /// When the URL cannot be read, or the database cannot be opened: with the
    /// driver's own words, and never with the password.
    pub fn open(url: &str, pool_size: u32) -> Result<Self, StoreError> {
        let target = Arc::new(Target::parse(url)?);
        if let Target::File(path) = target.as_ref() {
            make_folder(&target, path)?;
        }
        // A pool would retry for its whole timeout before saying what is wrong.
        drop(connect(&target, Purpose::Write)?);
        let pools = Pools::new(&target, pool_size);
        Ok(Self { target, pools })
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.target.backend()
    }

    /// Brings the tables up to date and returns the versions that were run, in
    /// order; none when there was nothing to do. Safe to run by several
    /// processes at once: one does it, the others wait.
    ///
    /// # Errors
    /// When a migration fails. Then none of them has happened.
    pub fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.write(|connection| match connection {
            AnyConnection::Sqlite(c) => run(c, SQLITE_MIGRATIONS),
            AnyConnection::Postgres(c) => {
                // Another node's migration may take its time.
                c.batch_execute(&format!(
                    "SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
                ))?;
                run(c, POSTGRES_MIGRATIONS)
            }
        })
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it gives none within ten seconds.
    pub fn ping(&self) -> Result<(), StoreError> {
        self.read(|connection| Ok(connection.batch_execute("SELECT 1")?))
    }

    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.pools.reader()?;
        work(&mut connection)
    }

    /// One transaction: all of it is stored, or nothing.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.pools.writer()?;
        in_transaction(&mut connection, Isolation::Usual, work)
    }

    /// One transaction that is as if it were alone with the database, begun anew
    /// while two stand in each other's way or `again` says so of a failure.
    pub(crate) fn write_alone<T>(
        &self,
        again: impl Fn(&StoreError) -> bool,
        mut work: impl FnMut(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut pauses = PAUSES_MS.iter();
        loop {
            let mut connection = self.pools.writer()?;
            let done = in_transaction(&mut connection, Isolation::Serializable, &mut work);
            // Another may have it while this one waits.
            drop(connection);
            match (done, pauses.next()) {
                (Err(error), Some(pause)) if error.is_collision() || again(&error) => {
                    std::thread::sleep(Duration::from_millis(*pause));
                }
                (done, _) => return done,
            }
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.target).finish()
    }
}

fn run<C, DB>(connection: &mut C, migrations: EmbeddedMigrations) -> Result<Vec<String>, StoreError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: diesel::migration::MigrationSource<DB>,
{
    let done = connection
        .run_pending_migrations(migrations)
        .map_err(|error| StoreError::Migration(error.to_string()))?;
    Ok(done.iter().map(ToString::to_string).collect())
}

fn make_folder(target: &Target, path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|error| StoreError::Connect {
        backend: target.backend(),
        target: target.to_string(),
        reason: format!("the folder {} cannot be made: {error}", folder.display()),
    })
}
