//! What `erase` and `export` have in common: whom they are about, and the places
//! where something of a person may be.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use secrecy::ExposeSecret as _;
use trunkline_actors::recorder::{RecordingFile, recordings};
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_fleet::{Away, PersonKeys, RedisSettings, keys_of_person};
use trunkline_store::{Backend, KeyError, NumberForms, PersonCall, Scope, Store, StoreError};

use super::{ConfigArgs, load};
use crate::config::{Configuration, Environment, Problems, Settings};
use crate::recordings::{AudioFile, Folder};

/// Whom a command is about.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PersonArgs {
    /// The phone number, with + and the country code; or another address that calls
    /// come from, such as client:… or sip:….
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub(super) number: PhoneNumber,
    /// Only what this tenant has.
    #[arg(long, value_name = "TENANT", value_parser = tenant)]
    pub(super) tenant: Option<TenantId>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Why a command about a person could not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum PersonError {
    #[error("the configuration is not usable\n{0}")]
    Settings(Problems),
    #[error("{0} belongs to a tenant, and every call to it would be of this person")]
    OwnNumber(PhoneNumber),
    #[error("{0}; check DATABASE_URL")]
    Store(#[from] StoreError),
    #[error("{0}; check PRIVACY_KEY_FILE, or set PRIVACY_KEY")]
    Key(#[from] KeyError),
    #[error("{0}; check REDIS_URL")]
    Fleet(#[from] Away),
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("what was found cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// A person, and everything that may hold something of them.
pub(super) struct Person {
    pub(super) store: Store,
    pub(super) settings: Settings,
    pub(super) forms: NumberForms,
    pub(super) tenant: Option<TenantId>,
    tenants: BTreeSet<TenantId>,
}

/// How a node's journal is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JournalState {
    /// There is none, as beside SQLite.
    None,
    /// Nobody holds it.
    Free,
    /// A running node holds it, and the number does not stand in its file.
    HeldWithout,
    /// A running node holds it, and the number stands in its file.
    HeldWith,
}

impl Person {
    /// Opens what the settings name.
    pub(super) fn open(args: &PersonArgs) -> Result<Self, PersonError> {
        let Configuration { settings, book, .. } =
            load(&args.config, &Environment::of_process()).map_err(PersonError::Settings)?;
        let tenants = book.current();
        if tenants.owner(&args.number).is_some() {
            return Err(PersonError::OwnNumber(args.number.clone()));
        }
        let store = Store::open(settings.store.url.expose_secret(), settings.store.pool_size)?;
        store.migrate()?;
        let forms = NumberForms::new(&args.number, &settings.privacy.keys()?);
        let tenants = tenants.iter().map(|tenant| tenant.id.clone()).collect();
        Ok(Self { store, settings, forms, tenant: args.tenant.clone(), tenants })
    }

    /// Whose rows the command is about.
    pub(super) fn scope(&self) -> Scope<'_> {
        self.tenant.as_ref().map_or(Scope::AllTenants, Scope::Tenant)
    }

    /// This machine's recordings of these calls.
    pub(super) fn recordings(
        &self,
        calls: &[PersonCall],
    ) -> Result<Vec<RecordingFile>, PersonError> {
        let folder = &self.settings.recorder.dir;
        let all = recordings(folder).map_err(|source| in_file(folder, source))?;
        let wanted: HashSet<&str> = calls.iter().map(|call| call.call_sid.as_str()).collect();
        Ok(all.into_iter().filter(|file| wanted.contains(file.call_sid.as_str())).collect())
    }

    /// This machine's files of what the carrier recorded of these calls, and their
    /// folder.
    pub(super) fn audio_files(
        &self,
        calls: &[PersonCall],
    ) -> Result<(Folder, Vec<AudioFile>), PersonError> {
        let path = &self.settings.recordings.dir;
        let folder = Folder::new(path);
        let all = folder.files().map_err(|source| in_file(path, source))?;
        let wanted: HashSet<&str> = calls.iter().map(|call| call.call_sid.as_str()).collect();
        let theirs = all.into_iter().filter(|file| wanted.contains(file.call_sid.as_str()));
        Ok((folder, theirs.collect()))
    }

    /// How many keys of the person the fleet's Redis has; with `remove` they go.
    /// None where there is no Redis.
    pub(super) async fn fleet_keys(
        &self,
        calls: &[PersonCall],
        remove: bool,
    ) -> Result<Option<usize>, Away> {
        let fleet = &self.settings.fleet;
        let Some(url) = fleet.redis_url.clone() else {
            return Ok(None);
        };
        let times = trunkline_fleet::FleetTimes {
            lease: std::time::Duration::from_millis(fleet.lease_ms),
            token_ttl: std::time::Duration::from_millis(self.settings.timing.stream_token_ttl_ms),
        };
        let redis = RedisSettings { url, prefix: fleet.redis_prefix.clone(), times };
        let tenants: Vec<TenantId> = match &self.tenant {
            Some(tenant) => vec![tenant.clone()],
            None => {
                let called = calls.iter().map(|call| call.tenant_id.clone());
                let all: BTreeSet<TenantId> = self.tenants.iter().cloned().chain(called).collect();
                all.into_iter().collect()
            }
        };
        let over: Vec<CallSid> =
            calls.iter().filter(|call| !call.live).map(|call| call.call_sid.clone()).collect();
        let person = PersonKeys { number: self.forms.plain(), tenants: &tenants, calls: &over };
        keys_of_person(&redis, person, remove).await.map(Some)
    }

    /// Where this node's journal is, if it may have one.
    pub(super) fn journal_path(&self) -> Option<&Path> {
        let path = self.settings.store.journal_path.as_deref();
        path.filter(|path| self.store.backend() == Backend::Postgres && path.exists())
    }

    /// Whether the number stands in a journal that somebody else holds. Its file and
    /// its log are looked at as they are.
    pub(super) fn held_journal(&self, path: &Path) -> JournalState {
        let number = self.forms.plain().expose().as_bytes();
        let log = format!("{}-wal", path.display());
        let stands = |file: &Path| {
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(number.len()).any(|window| window == number)
        };
        if stands(path) || stands(log.as_ref()) {
            JournalState::HeldWith
        } else {
            JournalState::HeldWithout
        }
    }
}

pub(super) fn in_file(path: &Path, source: std::io::Error) -> PersonError {
    PersonError::File { path: path.display().to_string(), source }
}

fn number(text: &str) -> Result<PhoneNumber, String> {
    let number = PhoneNumber::new(text);
    if number.is_e164() || number.expose().contains(':') {
        Ok(number)
    } else {
        Err("write + and 8 to 15 digits, like +15550100000".to_owned())
    }
}

fn tenant(text: &str) -> Result<TenantId, String> {
    TenantId::parse(text).map_err(|error| error.to_string())
}
