//! Switches that act on the next call without a restart. Whoever throws one is
//! written into the audit log in the same transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use trunkline_core::ids::TenantId;
use uuid::Uuid;

use crate::columns::{TextColumn, TimeColumn, stored_time};
use crate::connection::{AnyConnection, MultiBackend, insert_or_ignore};
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::tenant_switches;
use crate::scope::Scope;
use crate::store::Store;
use crate::tables::events::{self, EventRow};
use crate::words::Channel;

/// Stands for every tenant in the table; no tenant can have this name.
const ALL_TENANTS: &str = "*";

/// The event that a change of a switch leaves behind.
const SWITCH_CHANGED: &str = "switch_changed";

/// One tenant's switches, or everybody's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchRow {
    /// Whose; none is every tenant's.
    pub tenant_id: Option<TenantId>,
    /// Whether calls are taken at all.
    pub channel_enabled: bool,
    /// Whether a media stream is opened; none leaves it to the tenant's file.
    pub stream_enabled: Option<bool>,
    /// Whether every call goes straight to the human number.
    pub bridge_only: bool,
    /// When a switch was last thrown.
    pub updated_at: DateTime<Utc>,
    /// By whom.
    pub updated_by: String,
}

/// Who decides whether a media stream is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamSwitch {
    /// It is.
    On,
    /// It is not: the classic menu.
    Off,
    /// The tenant's file.
    File,
}

impl StreamSwitch {
    const fn column(self) -> Option<bool> {
        match self {
            Self::On => Some(true),
            Self::Off => Some(false),
            Self::File => None,
        }
    }
}

/// Switches to throw. `None` leaves a switch as it is; one never thrown is as if
/// the channel were on, the file decided, and calls were not bridged. A switch
/// that there is not is an error: its thrower believes that something happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchChange {
    /// Whose; none is every tenant's.
    #[serde(default)]
    pub tenant_id: Option<TenantId>,
    /// Whether calls are taken at all.
    #[serde(default)]
    pub channel_enabled: Option<bool>,
    /// Who decides about the media stream.
    #[serde(default)]
    pub stream_enabled: Option<StreamSwitch>,
    /// Whether every call goes straight to the human number.
    #[serde(default)]
    pub bridge_only: Option<bool>,
}

/// The row as it is stored: `*` in place of no tenant.
#[derive(Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = tenant_switches)]
struct StoredSwitch {
    tenant_id: String,
    channel_enabled: bool,
    stream_enabled: Option<bool>,
    bridge_only: bool,
    #[diesel(serialize_as = TimeColumn, deserialize_as = TimeColumn)]
    updated_at: DateTime<Utc>,
    #[diesel(serialize_as = TextColumn, deserialize_as = TextColumn)]
    updated_by: String,
}

impl Store {
    /// Every switch that was ever thrown, those of all tenants first; of a tenant its
    /// own and those that hold for all.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn switches(&self, scope: Scope<'_>) -> Result<Vec<SwitchRow>, StoreError> {
        let mut query: tenant_switches::BoxedQuery<'_, MultiBackend> =
            tenant_switches::table.into_boxed();
        if let Some(tenant) = scope.tenant() {
            query = query.filter(tenant_switches::tenant_id.eq_any([tenant, ALL_TENANTS]));
        }
        let query = query.order(tenant_switches::tenant_id).select(StoredSwitch::as_select());
        let stored: Vec<StoredSwitch> = self.read(|connection| Ok(query.load(connection)?))?;
        stored.into_iter().map(StoredSwitch::into_row).collect()
    }

    /// Throws switches and writes down who did. Returns them as they now are.
    ///
    /// # Errors
    /// When the database cannot be written. Then nothing was changed.
    pub fn set_switch(
        &self,
        change: &SwitchChange,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<SwitchRow, StoreError> {
        self.write(|connection| {
            let name = change.tenant_id.as_ref().map_or(ALL_TENANTS, TenantId::as_str);
            ensure_row(connection, name, by, at)?;
            update(connection, name, change, by, at)?;
            let query = tenant_switches::table.find(name).select(StoredSwitch::as_select());
            let row = query.first(connection)?.into_row()?;
            events::insert(connection, vec![audit(&row)])?;
            Ok(row)
        })
    }
}

/// Inserts the row of a tenant that has none: every switch at rest.
fn ensure_row(
    connection: &mut AnyConnection,
    name: &str,
    by: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let at_rest = StoredSwitch {
        tenant_id: name.to_owned(),
        channel_enabled: true,
        stream_enabled: None,
        bridge_only: false,
        updated_at: at,
        updated_by: by.to_owned(),
    };
    insert_or_ignore!(connection, tenant_switches::table, at_rest)?;
    Ok(())
}

fn update(
    connection: &mut AnyConnection,
    name: &str,
    change: &SwitchChange,
    by: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    diesel::update(tenant_switches::table.find(name))
        .set((
            change.channel_enabled.map(|on| tenant_switches::channel_enabled.eq(on)),
            change.stream_enabled.map(|switch| tenant_switches::stream_enabled.eq(switch.column())),
            change.bridge_only.map(|on| tenant_switches::bridge_only.eq(on)),
            tenant_switches::updated_at.eq(stored_time(at)),
            tenant_switches::updated_by.eq(TextColumn::from(by.to_owned())),
        ))
        .execute(connection)?;
    Ok(())
}

fn audit(row: &SwitchRow) -> EventRow {
    EventRow {
        id: Uuid::now_v7(),
        call_sid: None,
        tenant_id: row.tenant_id.clone(),
        seq: 0,
        at: row.updated_at,
        at_us: 0,
        kind: SWITCH_CHANGED.to_owned(),
        channel: Channel::Phone,
        data: Payload(json!({
            "by": row.updated_by,
            "channel_enabled": row.channel_enabled,
            "stream_enabled": row.stream_enabled,
            "bridge_only": row.bridge_only,
        })),
    }
}

impl StoredSwitch {
    fn into_row(self) -> Result<SwitchRow, StoreError> {
        let tenant_id = match self.tenant_id.as_str() {
            ALL_TENANTS => None,
            name => Some(TenantId::parse(name).map_err(|error| {
                StoreError::Query(diesel::result::Error::DeserializationError(Box::new(error)))
            })?),
        };
        Ok(SwitchRow {
            tenant_id,
            channel_enabled: self.channel_enabled,
            stream_enabled: self.stream_enabled,
            bridge_only: self.bridge_only,
            updated_at: self.updated_at,
            updated_by: self.updated_by,
        })
    }
}
