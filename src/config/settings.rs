//! The server's settings, typed. [`super::keys`] says what each may be and
//! what holds when nobody sets it.

use std::net::IpAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use trunkline_actors::recorder::KeySource;
use trunkline_connectors::reach::Networks;
use trunkline_core::block_list::BlockList;
use trunkline_core::flight::Keep;
use trunkline_core::ids::{NodeId, TenantId};
use trunkline_core::tenant::Privacy;
use trunkline_core::wire::realtime::Dialect;
use trunkline_store::{KeyError, PrivacyKey};

use super::urls::PublicUrl;

/// Everything that is chosen before the server starts. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens and how it is reached.
    pub server: ServerSettings,
    /// The database.
    pub store: StoreSettings,
    /// The carrier's account.
    pub twilio: TwilioSettings,
    /// The realtime speech model.
    pub realtime: RealtimeSettings,
    /// Caps of the process, and of tenants that set none.
    pub limits: LimitSettings,
    /// The other nodes.
    pub fleet: FleetSettings,
    /// Deadlines and intervals.
    pub timing: TimingSettings,
    /// The operations pages.
    pub ops: OpsSettings,
    /// Flight recordings.
    pub recorder: RecordingSettings,
    /// What the carrier recorded of calls.
    pub recordings: CallRecordingSettings,
    /// What is kept about people, and for how long.
    pub privacy: PrivacySettings,
    /// Log lines.
    pub log: LogSettings,
    /// Traces.
    pub telemetry: TelemetrySettings,
    /// Where tenants and their things are.
    pub tenants: TenantSettings,
}

/// Where the server listens and how it is reached.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Address to listen on.
    pub bind: IpAddr,
    /// Port to listen on; 0 takes any free one.
    pub port: u16,
    /// Origin under which the carrier reaches it, when it was set.
    pub public_url: Option<PublicUrl>,
    /// Whether `X-Forwarded-Proto` and `X-Forwarded-Host` are believed.
    pub trust_forwarded_headers: bool,
    /// Networks that are not public and may be dialled all the same, when a tenant's
    /// file names an address in them.
    pub dial_private_networks: Networks,
    /// Worker threads; 0 is one per core.
    pub workers: usize,
    /// This process's name in the database.
    pub node_id: NodeId,
}

/// The database.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Its address, which may hold a password.
    pub url: SecretString,
    /// Connections.
    pub pool_size: u32,
    /// Records that wait for a slow database before new ones are dropped and counted.
    pub persistence_queue: usize,
    /// Where records go while a server is slow or away; none for no journal.
    pub journal_path: Option<PathBuf>,
    /// Most bytes of records in it.
    pub journal_max_bytes: u64,
    /// How long a node may give no sign of life before others close its calls, in
    /// milliseconds. It gives six in that time, one every five seconds at least.
    pub node_lease_ms: u64,
    /// How often the switches are read, in milliseconds.
    pub switch_poll_ms: u64,
}

/// The carrier's account.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    /// `AC` and 32 hex digits.
    pub account_sid: Option<String>,
    /// The key of webhook signatures.
    pub auth_token: Option<SecretString>,
    /// The other token while it is being rotated.
    pub auth_token_secondary: Option<SecretString>,
    /// Where its API is, without a slash at the end.
    pub api_url: String,
    /// Whether webhook signatures are checked.
    pub validate_webhooks: bool,
}

/// The realtime speech model.
#[derive(Clone, Debug)]
pub struct RealtimeSettings {
    /// Its key; without one, calls take the bridge path.
    pub api_key: Option<SecretString>,
    /// Its base address, which may hold a key in its query.
    pub url: SecretString,
    /// Model that a tenant gets which names none.
    pub model: String,
    /// Protocol spoken to it.
    pub dialect: Dialect,
    /// Voice of a persona that names none.
    pub voice: String,
}

/// Caps of the process, and of tenants that set none.
#[derive(Clone, Debug)]
pub struct LimitSettings {
    /// Whether calls are answered at all.
    pub channel_enabled: bool,
    /// Calls at once of a tenant; 0 is no cap.
    pub concurrent_calls_per_tenant: u32,
    /// Calls at once in this process; 0 is no cap.
    pub max_calls: u32,
    /// Longest call, in milliseconds; 0 is no limit.
    pub max_call_duration_ms: u64,
    /// Most caller turns in one call; 0 is no limit.
    pub max_turns: u32,
    /// Calls of one number within an hour; 0 is no limit.
    pub calls_per_number_per_hour: u32,
    /// Calls of a tenant within an hour; 0 is no limit.
    pub calls_per_tenant_per_hour: u32,
    /// Callers that no tenant takes calls from.
    pub blocked_numbers: BlockList,
    /// Badly signed requests of one source address within a minute; 0 is no limit.
    pub signature_failures_per_source: u32,
    /// Wrong ops tokens of one source address within a minute; 0 is no limit.
    pub ops_failures_per_source: u32,
}

/// The other nodes, and what is shared with them.
#[derive(Clone, Debug)]
pub struct FleetSettings {
    /// Where the nodes' Redis is, which may hold a password; without one, this
    /// process is alone.
    pub redis_url: Option<SecretString>,
    /// What the fleet's keys in it begin with.
    pub redis_prefix: String,
    /// How long a slot is held for a node of which nothing is heard, in milliseconds.
    pub lease_ms: u64,
    /// Longest an admission waits for the fleet, in milliseconds.
    pub deadline_ms: u64,
    /// Nodes to reckon with until the fleet has said how many there are.
    pub nodes: u32,
}

/// Deadlines and intervals, in milliseconds.
#[derive(Clone, Debug)]
pub struct TimingSettings {
    /// Idle time after which a session expires.
    pub session_ttl_ms: u64,
    /// How often idle sessions are looked for.
    pub session_sweep_ms: u64,
    /// How long a slot is held for a stream that has not opened.
    pub reservation_ttl_ms: u64,
    /// How long an open stream may take to send `start`.
    pub stream_start_timeout_ms: u64,
    /// How long a stream may be silent before it counts as dead. The carrier
    /// sends fifty frames a second, silence included.
    pub stream_idle_timeout_ms: u64,
    /// How long a stream token can be used.
    pub stream_token_ttl_ms: u64,
    /// From the stream's start until the model must have shown life, for tenants that set nothing else.
    pub watchdog_ms: u64,
    /// Longest a shutdown waits for calls to end.
    pub drain_deadline_ms: u64,
}

/// The operations pages.
#[derive(Clone, Debug)]
pub struct OpsSettings {
    /// Token that may do everything; one is made at start when unset.
    pub token: Option<SecretString>,
    /// Token that may only look.
    pub read_token: Option<SecretString>,
}

/// Flight recordings of calls.
#[derive(Clone, Debug)]
pub struct RecordingSettings {
    /// Which are kept, of tenants that say nothing else.
    pub keep: Keep,
    /// Where they are kept.
    pub dir: PathBuf,
    /// What they are sealed with.
    pub key: KeySource,
    /// Longest recording of one call, in bytes, before it is packed.
    pub max_call_bytes: u64,
    /// Recordings kept; past it the oldest go.
    pub max_files: usize,
    /// Bytes of recordings kept; past it the oldest go.
    pub max_total_bytes: u64,
    /// Days that one is kept.
    pub retention_days: u32,
}

/// What the carrier recorded of calls.
#[derive(Clone, Debug)]
pub struct CallRecordingSettings {
    /// Where this node keeps what it fetches.
    pub dir: PathBuf,
    /// Longest recording, in bytes.
    pub max_bytes: usize,
    /// How often one is asked for before it is given up.
    pub attempts: u32,
    /// First pause before it is asked for again, in milliseconds.
    pub retry_ms: u64,
}

/// What is kept about people, and for how long.
#[derive(Clone, Debug)]
pub struct PrivacySettings {
    /// What numbers are hashed with; where none is set it is in the file.
    pub key: Option<PrivacyKey>,
    /// What they were hashed with before.
    pub previous_key: Option<PrivacyKey>,
    /// File of the key.
    pub key_file: PathBuf,
    /// For how long, of tenants that say nothing else.
    pub keep: Privacy,
    /// How often what is due is looked for, in milliseconds.
    pub sweep_ms: u64,
}

impl PrivacySettings {
    /// The keys, the present one first; its file is made where there is none. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read or made.
    pub fn keys(&self) -> Result<Vec<PrivacyKey>, KeyError> {
        let present = match &self.key {
            Some(key) => key.clone(),
            None => PrivacyKey::load_or_make(&self.key_file)?,
        };
        Ok(std::iter::once(present).chain(self.previous_key.clone()).collect())
    }
}

/// Log lines.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Their form.
    pub format: LogFormat,
    /// Which are written, in the syntax of `RUST_LOG`.
    pub filter: String,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Text,
    /// One JSON object per line.
    Json,
}

/// Traces.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// Base address of the collector that takes them, by OTLP over HTTP; without
    /// one, nothing is traced.
    pub otlp_endpoint: Option<String>,
    /// What this service is called in them.
    pub service_name: String,
}

/// Where tenants and their things are; paths are relative to the working directory.
#[derive(Clone, Debug)]
pub struct TenantSettings {
    /// Folder of the tenant files.
    pub dir: PathBuf,
    /// Folder of the persona files.
    pub personas_dir: PathBuf,
    /// Tenant that gets calls to numbers nobody owns.
    pub default: Option<TenantId>,
    /// Folder of cached audio for fixed phrases.
    pub phrase_cache_dir: PathBuf,
    /// Whether a pipeline's set sentences are rendered before they are needed.
    pub warm_phrases: bool,
    /// The price table.
    pub prices_file: PathBuf,
}

impl Settings {
    /// The origin under which the carrier reaches the server. `bound_port` is
    /// the port it really listens on, and matters only where none was set.
    #[must_use]
    pub fn public_url(&self, bound_port: u16) -> PublicUrl {
        self.server.public_url.clone().unwrap_or_else(|| PublicUrl::local(bound_port))
    }
}
