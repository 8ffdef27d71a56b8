//! The tenants of the running server: read by every call, replaced as a whole
//! when the files change.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use trunkline_core::ids::TenantId;

use super::problem::Problems;
use super::tenants::{TenantSource, Tenants};

/// A handle to the current tenants. Clones share them.
#[derive(Clone)]
pub struct TenantBook(Arc<Inner>);

struct Inner {
    source: TenantSource,
    current: RwLock<Arc<Tenants>>,
    /// One reread at a time, or an older one could win.
    reloading: Mutex<()>,
}

/// What a reread changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many tenants there are now.
    pub tenants: usize,
    /// How many numbers they have together.
    pub numbers: usize,
    /// Tenants that were not there before.
    pub added: Vec<TenantId>,
    /// Tenants that are not as they were.
    pub changed: Vec<TenantId>,
    /// Tenants that are gone. Their calls go on.
    pub removed: Vec<TenantId>,
    /// What is doubtful.
    pub warnings: Problems,
}

impl Summary {
    /// Whether anything is different.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty())
    }

    fn between(old: &Tenants, new: &Tenants, warnings: Problems) -> Self {
        let ids = |keep: &dyn Fn(&TenantId) -> bool, of: &Tenants| {
            of.iter().map(|tenant| tenant.id.clone()).filter(|id| keep(id)).collect()
        };
        Self {
            tenants: new.iter().count(),
            numbers: new.numbers().count(),
            added: ids(&|id| old.by_id(id).is_none(), new),
            changed: ids(&|id| old.by_id(id).is_some_and(|was| new.by_id(id) != Some(was)), new),
            removed: ids(&|id| new.by_id(id).is_none(), old),
            warnings,
        }
    }
}

impl TenantBook {
    /// Reads the tenants for the first time.
    ///
    /// # Errors
    /// Every problem of every file, when one of them is an error.
    pub fn open(source: TenantSource) -> Result<(Self, Problems), Problems> {
        let (tenants, warnings) = source.load()?;
        let inner =
            Inner { source, current: RwLock::new(Arc::new(tenants)), reloading: Mutex::new(()) };
        Ok((Self(Arc::new(inner)), warnings))
    }

    /// The tenants as they are now. A call keeps the ones it began with.
    #[must_use]
    pub fn current(&self) -> Arc<Tenants> {
        // Nothing panics while the lock is held, and a swap cannot be half done.
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again, and takes them when all are good.
    ///
    /// # Errors
    /// Every problem of every file, when one of them is an error; then the
    /// tenants stay as they were.
    pub fn reload(&self) -> Result<Summary, Problems> {
        let _one_at_a_time = self.0.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let (tenants, warnings) = self.0.source.load()?;
        let summary = Summary::between(&self.current(), &tenants, warnings);
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(tenants);
        Ok(summary)
    }

    /// The folders that the tenants are read from.
    #[must_use]
    pub fn folders(&self) -> [&Path; 2] {
        [&self.0.source.dir, &self.0.source.personas_dir]
    }
}

impl fmt::Debug for TenantBook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantBook").field("dir", &self.0.source.dir).finish_non_exhaustive()
    }
}
