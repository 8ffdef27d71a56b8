//! What can go wrong with the database, in words that name no secret.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use crate::target::Backend;

/// Why the store could not do what was asked.
///
/// Only a record's own constraints are shown, never its values: Postgres quotes
/// the failing row in an error's details, which are left out.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's URL cannot be read.
    #[error("database URL: {0}")]
    Url(String),
    /// The database cannot be reached or opened.
    #[error("cannot open {backend} at {target}: {reason}")]
    Connect {
        /// Which database.
        backend: Backend,
        /// Its URL without the password.
        target: String,
        /// The driver's own words.
        reason: String,
    },
    /// No connection became free in time.
    #[error("no connection to the database became free: {0}")]
    Busy(String),
    /// The tables could not be made or brought up to date.
    #[error("migration: {0}")]
    Migration(String),
    /// A change to something that is not there.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// So many records of a tenant wait for calls that are not there that there is no
    /// room for more.
    #[error("too many records wait for their calls")]
    TooManyEarly,
    /// The journal is another process's, or cannot be opened.
    #[error("cannot open the journal {path}: {reason}")]
    Journal {
        /// Its file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The database refused or failed.
    #[error("{}", describe(.0))]
    Query(#[from] DieselError),
}

impl StoreError {
    /// Whether the record is to blame, so that trying it again is useless.
    /// Everything else (lock, full disk, lost connection) passes.
    #[must_use]
    pub fn blames_record(&self) -> bool {
        match self {
            Self::Missing(_) | Self::TooManyEarly => true,
            Self::Query(error) => query_blames_record(error),
            Self::Url(_)
            | Self::Connect { .. }
            | Self::Busy(_)
            | Self::Migration(_)
            | Self::Journal { .. } => false,
        }
    }
}

impl StoreError {
    /// Whether two transactions stood in each other's way, so that this one may be
    /// begun anew at once.
    pub(crate) fn is_collision(&self) -> bool {
        self.is_violation(DatabaseErrorKind::SerializationFailure)
    }

    /// Whether the database refused a name that is there already.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.is_violation(DatabaseErrorKind::UniqueViolation)
    }

    /// Whether the database refused a time that is taken: a constraint on Postgres,
    /// a trigger of the same name on SQLite.
    pub(crate) fn is_overlap(&self) -> bool {
        const NAME: &str = "occupied_no_overlap";
        match self {
            Self::Query(DieselError::DatabaseError(_, info)) => {
                info.constraint_name() == Some(NAME) || info.message().starts_with(NAME)
            }
            Self::Url(_)
            | Self::Connect { .. }
            | Self::Busy(_)
            | Self::Migration(_)
            | Self::Missing(_)
            | Self::TooManyEarly
            | Self::Journal { .. }
            | Self::Query(_) => false,
        }
    }

    fn is_violation(&self, of: DatabaseErrorKind) -> bool {
        matches!(self, Self::Query(DieselError::DatabaseError(kind, _)) if same(kind, &of))
    }
}

/// Diesel's kinds cannot be compared.
fn same(one: &DatabaseErrorKind, other: &DatabaseErrorKind) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "both enums are non-exhaustive: what is unknown is tried again"
)]
fn query_blames_record(error: &DieselError) -> bool {
    use DatabaseErrorKind as Kind;
    match error {
        DieselError::SerializationError(_) | DieselError::InvalidCString(_) => true,
        DieselError::DatabaseError(kind, _) => matches!(
            kind,
            Kind::UniqueViolation
                | Kind::ForeignKeyViolation
                | Kind::NotNullViolation
                | Kind::CheckViolation
                | Kind::RestrictViolation
                | Kind::ExclusionViolation
        ),
        _ => false,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind shows itself")]
fn describe(error: &DieselError) -> String {
    match error {
        DieselError::DatabaseError(_, info) => match info.constraint_name() {
            Some(name) if !info.message().contains(name) => format!("{} ({name})", info.message()),
            _ => info.message().to_owned(),
        },
        other => other.to_string(),
    }
}
