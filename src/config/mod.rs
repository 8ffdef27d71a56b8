//! The server's configuration: files and environment in, typed settings and
//! tenants out, or every problem at once.
//!
//! * [`keys`] is the table of all settings; [`Settings`] is what they become.
//!   A value comes from the environment, else from `config/trunkline.toml`,
//!   else from the table.
//! * A tenant is a file in `config/tenants`, a persona one in
//!   `config/personas`. [`TenantBook`] holds them and rereads them; [`watch`]
//!   says when.
//! * A [`Problem`] names the file and line (or the environment), the key, what
//!   is wrong and the fix. Bad files never replace good tenants.
//! * Secrets are `SecretString`s and appear in no problem and no `Debug`.

mod book;
mod conversation;
mod credentials;
mod document;
mod env;
mod files;
pub mod keys;
mod layers;
mod persona_file;
mod pipeline;
mod prices;
mod problem;
mod read_settings;
mod section;
mod services;
mod settings;
mod suggest;
mod tenant_file;
mod tenants;
mod urls;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use trunkline_core::cost::PriceTable;
use trunkline_core::tenant::Limits;

pub use book::{Summary, TenantBook};
pub use credentials::TenantSecrets;
pub use env::{Environment, NotText};
pub use files::{Disk, Files, MAX_FILE_BYTES, MemoryFiles};
pub use problem::{Problem, Problems, Severity, Source};
pub use settings::{
    LimitSettings, LogFormat, LogSettings, OpsSettings, PrivacySettings, RealtimeSettings,
    RecordingSettings, ServerSettings, Settings, StoreSettings, TelemetrySettings, TenantSettings,
    TimingSettings, TwilioSettings,
};
pub use tenant_file::Defaults;
pub use tenants::{TenantSource, Tenants};
pub use urls::PublicUrl;
pub use watch::{Cause, ReloadOutcome, WatchError, WatchGuard, watch};

use document::Entry;
use layers::Layers;

/// A whole, valid configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The server's settings.
    pub settings: Settings,
    /// The tenants, which can be reread.
    pub book: TenantBook,
    /// What services cost.
    pub prices: PriceTable,
    /// What is doubtful.
    pub warnings: Problems,
}

/// Reads everything: settings, tenants, personas. `config` is the settings
/// file a person named; else `TRUNKLINE_CONFIG` says, else it is
/// `config/trunkline.toml`, which alone may be absent.
///
/// # Errors
/// Every problem, warnings included, when one of them is an error.
pub fn load(
    config: Option<&Path>,
    env: &Environment,
    files: Arc<dyn Files>,
) -> Result<Configuration, Problems> {
    let mut problems = Problems::default();
    let (path, entries) = settings_file(config, env, files.as_ref(), &mut problems);
    let mut layers = Layers { env, path: &path, entries: &entries, problems: &mut problems };
    let settings = read_settings::read(&mut layers);
    let default_origin = layers.source_of(&keys::DEFAULT_TENANT);
    let named = layers.source_of(&keys::PRICES_FILE) != Source::Default;
    let table = &settings.tenants.prices_file;
    let prices = prices::load(table, named, files.as_ref(), &mut problems);
    let source = tenant_source(&settings, files, default_origin);
    let book = match TenantBook::open(source) {
        Ok((book, warnings)) => {
            problems.append(warnings);
            check_credentials(&book, env, &mut problems);
            check_budgets(&book, &settings, &prices, &mut problems);
            book
        }
        Err(more) => {
            problems.append(more);
            return Err(problems);
        }
    };
    let ((settings, book), warnings) = problems.unless_errors((settings, book))?;
    Ok(Configuration { settings, book, prices, warnings })
}

/// The settings file's path and what it says.
fn settings_file(
    config: Option<&Path>,
    env: &Environment,
    files: &dyn Files,
    problems: &mut Problems,
) -> (PathBuf, Vec<Entry>) {
    let named = config
        .map(Path::to_owned)
        .or_else(|| env.get(keys::CONFIG_ENV).ok().flatten().map(PathBuf::from));
    let path = named.clone().unwrap_or_else(|| keys::CONFIG_DEFAULT.into());
    match files.read(&path) {
        Ok(bytes) => {
            let text = document::utf8(&path, &bytes, problems);
            let entries = text.map(|text| document::parse(&path, text, 1, problems));
            (path, entries.unwrap_or_default())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
            (path, Vec::new())
        }
        Err(error) => {
            let fix = format!("check the path given by --config or {}", keys::CONFIG_ENV);
            problems.error(Source::file(&path), "", format!("cannot be read: {error}"), fix);
            (path, Vec::new())
        }
    }
}

fn tenant_source(
    settings: &Settings,
    files: Arc<dyn Files>,
    default_origin: Source,
) -> TenantSource {
    let key = match &default_origin {
        Source::File { .. } => keys::DEFAULT_TENANT.path,
        Source::Environment | Source::Default => keys::DEFAULT_TENANT.env,
    };
    TenantSource {
        files,
        dir: settings.tenants.dir.clone(),
        personas_dir: settings.tenants.personas_dir.clone(),
        default: settings.tenants.default.clone(),
        default_origin: (default_origin, key),
        defaults: Defaults {
            voice: settings.realtime.voice.clone(),
            limits: Limits {
                concurrent_calls: settings.limits.concurrent_calls_per_tenant,
                calls_per_number_per_hour: settings.limits.calls_per_number_per_hour,
                calls_per_hour: settings.limits.calls_per_tenant_per_hour,
                blocked_numbers: settings.limits.blocked_numbers.clone(),
                max_call_duration_ms: settings.limits.max_call_duration_ms,
                max_turns: settings.limits.max_turns,
                watchdog_ms: settings.timing.watchdog_ms,
                ..Limits::default()
            },
            privacy: settings.privacy.keep,
        },
    }
}

fn check_budgets(
    book: &TenantBook,
    settings: &Settings,
    table: &PriceTable,
    problems: &mut Problems,
) {
    let [folder, _] = book.folders();
    for tenant in book.current().iter() {
        let file = folder.join(format!("{}.toml", tenant.id));
        prices::check_budget(tenant, &file, &settings.realtime.model, table, problems);
    }
}

fn check_credentials(book: &TenantBook, env: &Environment, problems: &mut Problems) {
    let [folder, _] = book.folders();
    for tenant in book.current().iter() {
        let file = folder.join(format!("{}.toml", tenant.id));
        credentials::check(tenant, &file, env, problems);
        services::check(tenant, &file, env, problems);
    }
}
