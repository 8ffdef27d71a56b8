//! Callers who are turned away, beside those that the files name. Whoever blocks or
//! admits one is written into the audit log in the same transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use trunkline_core::block_list::Blocked;
use trunkline_core::ids::TenantId;
use uuid::Uuid;

use crate::columns::{TextColumn, TimeColumn};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::blocked_numbers;
use crate::scope::Scope;
use crate::store::Store;
use crate::tables::events::{self, EventRow};
use crate::words::Channel;

/// Stands for every tenant in the table; no tenant can have this name.
const ALL_TENANTS: &str = "*";

/// One line of the block list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockedRow {
    /// Whose callers; none is every tenant's.
    pub tenant_id: Option<TenantId>,
    /// A number, or the beginning of numbers.
    pub pattern: Blocked,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// By whom.
    pub created_by: String,
}

/// The row as it is stored: `*` in place of no tenant.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = blocked_numbers)]
struct StoredBlocked {
    tenant_id: String,
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    pattern: String,
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    created_at: DateTime<Utc>,
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    created_by: String,
}

impl Store {
    /// The whole list, that of all tenants first; of a tenant its own.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn blocked_numbers(&self, scope: Scope<'_>) -> Result<Vec<BlockedRow>, StoreError> {
        let mut query: blocked_numbers::BoxedQuery<'_, MultiBackend> =
            blocked_numbers::table.into_boxed();
        if let Some(tenant) = scope.tenant() {
            query = query.filter(blocked_numbers::tenant_id.eq(tenant));
        }
        let query = query
            .order((blocked_numbers::tenant_id, blocked_numbers::pattern))
            .select(StoredBlocked::as_select());
        let stored: Vec<StoredBlocked> = self.read(|connection| Ok(query.load(connection)?))?;
        stored.into_iter().map(StoredBlocked::into_row).collect()
    }

    /// Adds a line; whether it is new. One that is there stays as it is.
    ///
    /// # Errors
    /// When the database cannot be written. Then nothing was changed.
    pub fn block_number(&self, row: &BlockedRow) -> Result<bool, StoreError> {
        self.write(|connection| {
            let stored = StoredBlocked {
                tenant_id: name(row.tenant_id.as_ref()).to_owned(),
                pattern: row.pattern.clone().into(),
                created_at: row.created_at,
                created_by: row.created_by.clone(),
            };
            let new = insert_or_ignore!(connection, blocked_numbers::table, stored)? == 1;
            if new {
                audit(connection, "number_blocked", row, &row.created_by, row.created_at)?;
            }
            Ok(new)
        })
    }

    /// Removes a line; whether there was one.
    ///
    /// # Errors
    /// When the database cannot be written. Then nothing was changed.
    pub fn unblock_number(
        &self,
        tenant: Option<&TenantId>,
        pattern: &Blocked,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let line = || blocked_numbers::table.find((name(tenant), String::from(pattern.clone())));
        self.write(|connection| {
            let query = line().select(StoredBlocked::as_select());
            let Some(stored) = query.first::<StoredBlocked>(connection).optional()? else {
                return Ok(false);
            };
            diesel::delete(line()).execute(connection)?;
            audit(connection, "number_unblocked", &stored.into_row()?, by, at)?;
            Ok(true)
        })
    }
}

fn name(tenant: Option<&TenantId>) -> &str {
    tenant.map_or(ALL_TENANTS, TenantId::as_str)
}

/// The log is kept for good, so it holds no whole number.
fn audit(
    connection: &mut AnyConnection,
    kind: &str,
    row: &BlockedRow,
    by: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let pattern = match &row.pattern {
        Blocked::Number(number) => number.to_string(),
        Blocked::Prefix(prefix) => format!("{prefix}*"),
    };
    let event = EventRow {
        id: Uuid::now_v7(),
        call_sid: None,
        tenant_id: row.tenant_id.clone(),
        seq: 0,
        at,
        at_us: 0,
        kind: kind.to_owned(),
        channel: Channel::Phone,
        data: Payload(json!({ "by": by, "pattern": pattern })),
    };
    events::insert(connection, vec![event])
}

impl StoredBlocked {
    fn into_row(self) -> Result<BlockedRow, StoreError> {
        fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
            StoreError::Query(diesel::result::Error::DeserializationError(Box::new(error)))
        }
        let tenant_id = match self.tenant_id.as_str() {
            ALL_TENANTS => None,
            name => Some(TenantId::parse(name).map_err(unreadable)?),
        };
        Ok(BlockedRow {
            tenant_id,
            pattern: Blocked::parse(&self.pattern).map_err(unreadable)?,
            created_at: self.created_at,
            created_by: self.created_by,
        })
    }
}
