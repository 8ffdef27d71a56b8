//! All tenants, read and checked together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use trunkline_core::ids::TenantId;
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;

use super::files::Files;
use super::persona_file::PersonaFile;
use super::problem::{Problems, Source};
use super::suggest::did_you_mean;
use super::tenant_file::{self, Defaults, Personas, TenantFile};

/// Every tenant, found by id and by number. Never changes; a reread makes another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tenants {
    by_id: BTreeMap<TenantId, Arc<Tenant>>,
    by_number: BTreeMap<PhoneNumber, Arc<Tenant>>,
    default: Option<Arc<Tenant>>,
}

impl Tenants {
    /// The tenant of that name.
    #[must_use]
    pub fn by_id(&self, id: &TenantId) -> Option<&Arc<Tenant>> {
        self.by_id.get(id)
    }

    /// The tenant whose number it is.
    #[must_use]
    pub fn owner(&self, number: &PhoneNumber) -> Option<&Arc<Tenant>> {
        self.by_number.get(number)
    }

    /// The tenant that answers a call to `called`: the number's owner, else the
    /// default; `None` when the call is to be rejected.
    #[must_use]
    pub fn for_call(&self, called: Option<&PhoneNumber>) -> Option<&Arc<Tenant>> {
        called.and_then(|number| self.owner(number)).or(self.default.as_ref())
    }

    /// The tenant that gets calls to numbers nobody owns.
    #[must_use]
    pub const fn default_tenant(&self) -> Option<&Arc<Tenant>> {
        self.default.as_ref()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.by_id.values()
    }

    /// Every number and its owner.
    pub fn numbers(&self) -> impl Iterator<Item = (&PhoneNumber, &Arc<Tenant>)> {
        self.by_number.iter()
    }
}

/// Where tenants are read from, and what holds where their files are silent.
#[derive(Clone)]
pub struct TenantSource {
    /// The file system.
    pub files: Arc<dyn Files>,
    /// Folder of the tenant files.
    pub dir: PathBuf,
    /// Folder of the persona files.
    pub personas_dir: PathBuf,
    /// Tenant that gets calls to numbers nobody owns.
    pub default: Option<TenantId>,
    /// Where the default was chosen, and under which name, for problems.
    pub default_origin: (Source, &'static str),
    /// What holds where a file is silent.
    pub defaults: Defaults,
}

impl TenantSource {
    /// Reads every file anew.
    ///
    /// # Errors
    /// Every problem of every file, when one of them is an error.
    pub fn load(&self) -> Result<(Tenants, Problems), Problems> {
        let mut problems = Problems::default();
        let tenants = self.read(&mut problems);
        problems.unless_errors(tenants)
    }

    fn read(&self, problems: &mut Problems) -> Tenants {
        let (good, broken) = self.personas(problems);
        let personas = Personas { good: &good, broken: &broken };
        let mut files = Vec::new();
        for (path, bytes) in self.folder(&self.dir, "toml", "TENANTS_DIR", problems) {
            files.extend(tenant_file::parse(&path, &bytes, &personas, &self.defaults, problems));
        }
        check_numbers(&files, problems);
        let default = self.check_default(&files, problems);
        check_reachable(&files, default.as_ref(), problems);
        collect(files, default.as_ref())
    }

    fn personas(&self, problems: &mut Problems) -> (Vec<PersonaFile>, Vec<String>) {
        let (mut good, mut broken) = (Vec::new(), Vec::new());
        for (path, bytes) in self.folder(&self.personas_dir, "md", "PERSONAS_DIR", problems) {
            let name =
                path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if name.eq_ignore_ascii_case("readme") {
                continue;
            }
            match PersonaFile::parse(&path, &bytes, problems) {
                Some(persona) => good.push(persona),
                None => broken.push(name),
            }
        }
        (good, broken)
    }

    fn folder(
        &self,
        folder: &Path,
        ending: &str,
        key: &str,
        problems: &mut Problems,
    ) -> Vec<(PathBuf, Vec<u8>)> {
        let paths = match self.files.list(folder, ending) {
            Ok(paths) => paths,
            Err(error) => {
                let fix = format!("create the folder, start in another one, or set {key}");
                problems.error(
                    Source::file(folder),
                    key,
                    format!("the folder cannot be read: {error}"),
                    fix,
                );
                return Vec::new();
            }
        };
        if paths.is_empty() {
            let fix = format!("put one there, or set {key}");
            problems.error(
                Source::file(folder),
                key,
                format!("the folder has no .{ending} file"),
                fix,
            );
        }
        let mut files = Vec::new();
        for path in paths {
            match self.files.read(&path) {
                Ok(bytes) => files.push((path, bytes)),
                Err(error) => problems.error(
                    Source::file(&path),
                    "",
                    format!("cannot be read: {error}"),
                    "make it a readable file, or remove it",
                ),
            }
        }
        files
    }

    fn check_default(&self, files: &[TenantFile], problems: &mut Problems) -> Option<TenantId> {
        let wanted = self.default.as_ref()?;
        if files.iter().any(|file| file.tenant.id == *wanted) {
            return Some(wanted.clone());
        }
        // Without a single file there is nothing to suggest, and that was said already.
        if !files.is_empty() {
            let names: Vec<&str> = files.iter().map(|file| file.tenant.id.as_str()).collect();
            let (source, key) = &self.default_origin;
            problems.error(
                source.clone(),
                *key,
                format!("there is no tenant {wanted:?}"),
                did_you_mean(wanted.as_str(), &names),
            );
        }
        None
    }
}

fn check_numbers(files: &[TenantFile], problems: &mut Problems) {
    let mut owners: BTreeMap<&PhoneNumber, &TenantFile> = BTreeMap::new();
    for file in files {
        for number in &file.tenant.numbers {
            if let Some(first) = owners.get(number) {
                problems.error(
                    file.numbers_at.clone(),
                    "numbers",
                    format!("{number} belongs to {} too", first.path.display()),
                    format!(
                        "remove it from {} or from {}",
                        file.path.display(),
                        first.path.display()
                    ),
                );
            } else {
                owners.insert(number, file);
            }
        }
    }
    for file in files {
        let human =
            file.tenant.human_number.as_ref().filter(|human| !file.tenant.numbers.contains(human));
        if let Some(owner) = human.and_then(|human| owners.get(human)) {
            problems.warning(
                file.human_at.clone(),
                "human_number",
                format!("is answered by Trunkline itself, for {}", owner.path.display()),
                "write the number of a person's phone",
            );
        }
    }
}

fn check_reachable(files: &[TenantFile], default: Option<&TenantId>, problems: &mut Problems) {
    for file in files
        .iter()
        .filter(|file| file.tenant.numbers.is_empty() && default != Some(&file.tenant.id))
    {
        if matches!(&file.numbers_at, Source::File { line: None, .. }) {
            problems.warning(
                file.numbers_at.clone(),
                "numbers",
                "has none, so no call reaches this tenant",
                "add numbers = [\"+…\"]",
            );
        }
    }
}

fn collect(files: Vec<TenantFile>, default: Option<&TenantId>) -> Tenants {
    let mut tenants = Tenants::default();
    for file in files {
        let tenant = Arc::new(file.tenant);
        for number in &tenant.numbers {
            tenants.by_number.insert(number.clone(), Arc::clone(&tenant));
        }
        tenants.by_id.insert(tenant.id.clone(), tenant);
    }
    tenants.default = default.and_then(|id| tenants.by_id.get(id)).cloned();
    tenants
}
