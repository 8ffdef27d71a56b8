//! The switches as this node last read them.

use std::collections::HashMap;

use trunkline_core::admission::Switches;
use trunkline_core::ids::TenantId;
use trunkline_store::SwitchRow;

use crate::latest::{Latest, Reading};

#[derive(Debug, Default)]
struct Known {
    all: Switches,
    tenants: HashMap<TenantId, Switches>,
}

/// See the module's text. Cheap to clone; read by webhooks, written by the
/// persistence actor.
#[derive(Clone, Debug, Default)]
pub struct SwitchBoard(Latest<Known>);

impl SwitchBoard {
    /// What holds for a tenant: its own switches and everybody's, whichever is
    /// the more careful.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> Switches {
        self.0.look(|known| known.tenants.get(tenant).map_or(known.all, |own| own.and(known.all)))
    }

    /// To be called before the database is asked what it says.
    #[must_use]
    pub fn begin(&self) -> Reading {
        self.0.begin()
    }

    /// Takes over what the database says.
    pub fn replace(&self, reading: Reading, rows: &[SwitchRow]) {
        let mut known = Known::default();
        for row in rows {
            let switches = Switches {
                channel_enabled: row.channel_enabled,
                stream_enabled: row.stream_enabled,
                bridge_only: row.bridge_only,
            };
            match &row.tenant_id {
                None => known.all = switches,
                Some(tenant) => {
                    known.tenants.insert(tenant.clone(), switches);
                }
            }
        }
        self.0.put(reading, known);
    }
}
