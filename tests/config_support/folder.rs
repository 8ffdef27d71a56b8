//! A good configuration in a real folder.
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;
use trunkline::config::{self, Disk, Environment, ReloadOutcome, TenantBook, WatchGuard, watch};
use trunkline_core::ids::TenantId;

use super::{PERSONA, TENANT};

/// Long enough for a busy machine; no test waits for it to pass.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Folder {
    pub(crate) root: TempDir,
    pub(crate) book: TenantBook,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["tenants", "personas"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        write(root.path(), "trunkline.toml", "");
        write(root.path(), "tenants/a.toml", TENANT);
        write(root.path(), "personas/p.md", PERSONA);
        let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
        let env = Environment::from_pairs([
            ("TENANTS_DIR", path("tenants").as_str()),
            ("PERSONAS_DIR", path("personas").as_str()),
        ]);
        let book = config::load(Some(&root.path().join("trunkline.toml")), &env, Arc::new(Disk))
            .unwrap()
            .book;
        Self { root, book }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        write(self.root.path(), name, text);
    }

    pub(crate) fn watch(&self) -> (WatchGuard, Receiver<ReloadOutcome>) {
        let (tell, told) = channel();
        let guard = watch(self.book.clone(), move |outcome| tell.send(outcome).unwrap_or_default());
        (guard.unwrap(), told)
    }

    pub(crate) fn company(&self, name: &str) -> Option<String> {
        self.book
            .current()
            .by_id(&TenantId::parse(name).unwrap())
            .map(|tenant| tenant.company.clone())
    }
}

/// In one step, so that no reread finds half a file.
fn write(root: &Path, name: &str, text: &str) {
    let new = root.join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, root.join(name)).unwrap();
}
