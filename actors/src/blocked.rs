//! The block list of the database as this node last read it. The files' lists are
//! the tenants' own.

use std::collections::{HashMap, HashSet};

use trunkline_core::block_list::Blocked;
use trunkline_core::ids::TenantId;
use trunkline_core::pii::PhoneNumber;
use trunkline_store::BlockedRow;

use crate::latest::{Latest, Reading};

/// One owner's list. It may be long, and is asked at every call: neither its length
/// nor its prefixes are gone through.
#[derive(Default)]
struct Lines {
    numbers: HashSet<PhoneNumber>,
    prefixes: HashSet<String>,
}

impl Lines {
    fn add(&mut self, pattern: &Blocked) {
        match pattern {
            Blocked::Number(number) => drop(self.numbers.insert(number.clone())),
            Blocked::Prefix(prefix) => drop(self.prefixes.insert(prefix.clone())),
        }
    }

    fn names(&self, from: &PhoneNumber) -> bool {
        let text = from.expose();
        self.numbers.contains(from)
            || (1..=text.len())
                .filter_map(|end| text.get(..end))
                .any(|beginning| self.prefixes.contains(beginning))
    }
}

#[derive(Default)]
struct Known {
    all: Lines,
    tenants: HashMap<TenantId, Lines>,
}

/// See the module's text. Cheap to clone; read by webhooks, written by the
/// persistence actor.
#[derive(Clone, Default)]
pub struct BlockBoard(Latest<Known>);

impl std::fmt::Debug for BlockBoard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockBoard").finish_non_exhaustive()
    }
}

impl BlockBoard {
    /// Whether a caller is on everybody's list or on the tenant's.
    #[must_use]
    pub fn names(&self, tenant: &TenantId, from: &PhoneNumber) -> bool {
        self.0.look(|known| {
            known.all.names(from) || known.tenants.get(tenant).is_some_and(|own| own.names(from))
        })
    }

    /// To be called before the database is asked what it says.
    #[must_use]
    pub fn begin(&self) -> Reading {
        self.0.begin()
    }

    /// Takes over what the database says.
    pub fn replace(&self, reading: Reading, rows: &[BlockedRow]) {
        let mut known = Known::default();
        for row in rows {
            let lines = match &row.tenant_id {
                None => &mut known.all,
                Some(tenant) => known.tenants.entry(tenant.clone()).or_default(),
            };
            lines.add(&row.pattern);
        }
        self.0.put(reading, known);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn row(owner: Option<&str>, pattern: &str) -> BlockedRow {
        BlockedRow {
            tenant_id: owner.map(|name| TenantId::parse(name).unwrap()),
            pattern: Blocked::parse(pattern).unwrap(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            created_by: "ops".to_owned(),
        }
    }

    #[test]
    fn everybodys_lines_hold_for_each_and_a_tenants_for_itself() {
        let board = BlockBoard::default();
        board.replace(board.begin(), &[row(None, "+1900*"), row(Some("shop"), "+15550179777")]);
        let names = |tenant: &str, from: &str| {
            board.names(&TenantId::parse(tenant).unwrap(), &PhoneNumber::new(from))
        };
        assert!(names("shop", "+15550179777") && !names("branch", "+15550179777"));
        assert!(names("shop", "+19005550100") && names("branch", "+19005550100"));
        assert!(
            !names("shop", "+15550179778") && !names("shop", "anonymous") && !names("shop", "")
        );
        assert!(!names("shop", "+1800") && !names("shop", "ün+1900"));
        board.replace(board.begin(), &[]);
        assert!(!names("shop", "+15550179777") && !names("branch", "+19005550100"));
        assert!(!format!("{board:?}").contains("5550"));
    }
}
