//! Every setting of the server, in one table: where it stands in
//! `trunkline.toml`, its name in the environment, its default, what it may be.
//!
//! To add one: a constant here, its name in [`ALL`], a field in
//! [`super::settings`], and a line in `config/trunkline.toml` and in
//! `.env.example`. A test compares the four.

use trunkline_actors::recorder::RecorderKey;
use trunkline_connectors::reach::Networks;
use trunkline_core::block_list::{BlockList, Blocked};
use trunkline_core::ids::{NodeId, TenantId};
use trunkline_store::PrivacyKey;

use super::problem::Complaint;
use super::urls;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Section and key in `trunkline.toml`, such as `server.port`.
    pub path: &'static str,
    /// Name in the environment, such as `PORT`.
    pub env: &'static str,
    /// What holds when nobody says anything, in the form of the environment;
    /// empty for "unset".
    pub default: &'static str,
    /// Whether the value must never be shown.
    pub secret: bool,
    pub(crate) shape: Shape,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// A whole number from the first to the second, both included.
    Whole(u64, u64),
    /// A number that may have a decimal point, within bounds as above.
    Decimal(f64, f64),
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text that this check lets pass.
    Text(fn(&str) -> Result<(), Complaint>),
}

impl Key {
    const fn new(
        path: &'static str,
        env: &'static str,
        default: &'static str,
        shape: Shape,
    ) -> Self {
        Self { path, env, default, secret: false, shape }
    }

    const fn secret(
        path: &'static str,
        env: &'static str,
        check: fn(&str) -> Result<(), Complaint>,
    ) -> Self {
        Self { path, env, default: "", secret: true, shape: Shape::Text(check) }
    }

    /// The section of [`Key::path`].
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(section, _)| section)
    }

    /// The part of [`Key::path`] after the section.
    #[must_use]
    pub fn leaf(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(_, leaf)| leaf)
    }
}

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $key:expr;)*) => {
        $($(#[$doc])* pub const $name: Key = $key;)*
        /// Every setting there is.
        pub const ALL: &[&Key] = &[$(&$name),*];
    };
}

keys! {
    /// Port to listen on; 0 takes any free one.
    PORT = Key::new("server.port", "PORT", "8080", Shape::Whole(0, 65_535));
    /// Address to listen on.
    BIND = Key::new("server.bind", "BIND", "0.0.0.0", Shape::Text(check_address));
    /// Origin under which the carrier reaches this server.
    PUBLIC_URL = Key::new("server.public_url", "PUBLIC_URL", "", Shape::Text(check_public_url));
    /// Whether `X-Forwarded-Proto` and `X-Forwarded-Host` are believed.
    TRUST_FORWARDED_HEADERS = Key::new("server.trust_forwarded_headers", "TRUST_FORWARDED_HEADERS", "false", Shape::Flag);
    /// Networks that are not public and may be dialled when a tenant's file says so.
    DIAL_PRIVATE_NETWORKS = Key::new("server.dial_private_networks", "DIAL_PRIVATE_NETWORKS", "", Shape::Text(check_networks));
    /// Worker threads; 0 is one per core.
    WORKERS = Key::new("server.workers", "WORKERS", "0", Shape::Whole(0, 512));
    /// This process's name in the database.
    NODE_ID = Key::new("server.node_id", "NODE_ID", "", Shape::Text(check_node_id));

    /// Database: SQLite or PostgreSQL.
    DATABASE_URL = Key { secret: true, ..Key::new("store.database_url", "DATABASE_URL", "sqlite://.data/trunkline.sqlite", Shape::Text(urls::check_database_url)) };
    /// Database connections.
    DATABASE_POOL_SIZE = Key::new("store.pool_size", "DATABASE_POOL_SIZE", "8", Shape::Whole(1, 256));
    /// Records that wait for a slow database before new ones are dropped and counted.
    PERSISTENCE_QUEUE = Key::new("store.persistence_queue", "PERSISTENCE_QUEUE", "10000", Shape::Whole(1, 1_000_000));
    /// File that records go to while PostgreSQL is slow or away; `none` for no journal.
    JOURNAL_PATH = Key::new("store.journal_path", "JOURNAL_PATH", ".data/journal.sqlite", Shape::Text(anything));
    /// Megabytes of records in it, past which of calls only beginnings and ends are kept.
    JOURNAL_MAX_MB = Key::new("store.journal_max_mb", "JOURNAL_MAX_MB", "256", Shape::Whole(1, 1_048_576));
    /// How long a node may give no sign of life before others close its calls, in milliseconds.
    NODE_LEASE_MS = Key::new("store.node_lease_ms", "NODE_LEASE_MS", "30000", Shape::Whole(600, HOUR_MS));
    /// How often the switches in the database are read, in milliseconds.
    SWITCH_POLL_MS = Key::new("store.switch_poll_ms", "SWITCH_POLL_MS", "500", Shape::Whole(10, 60_000));

    /// Twilio account.
    TWILIO_ACCOUNT_SID = Key::new("twilio.account_sid", "TWILIO_ACCOUNT_SID", "", Shape::Text(check_token));
    /// Its auth token, the key of webhook signatures.
    TWILIO_AUTH_TOKEN = Key::secret("twilio.auth_token", "TWILIO_AUTH_TOKEN", check_token);
    /// The other token while it is being rotated.
    TWILIO_AUTH_TOKEN_SECONDARY = Key::secret("twilio.auth_token_secondary", "TWILIO_AUTH_TOKEN_SECONDARY", check_token);
    /// Where the carrier's API is.
    TWILIO_API_URL = Key::new("twilio.api_url", "TWILIO_API_URL", "https://api.twilio.com", Shape::Text(urls::check_api_url));
    /// Whether webhook signatures are checked.
    ENABLE_WEBHOOK_VALIDATION = Key::new("twilio.validate_webhooks", "ENABLE_WEBHOOK_VALIDATION", "true", Shape::Flag);

    /// Key of the realtime speech model.
    OPENAI_API_KEY = Key::secret("realtime.api_key", "OPENAI_API_KEY", check_token);
    /// Base address of the realtime speech model.
    OPENAI_REALTIME_URL = Key::new("realtime.url", "OPENAI_REALTIME_URL", "wss://api.openai.com/v1/realtime", Shape::Text(urls::check_realtime_url));
    /// Model that a tenant gets which names none.
    OPENAI_REALTIME_MODEL = Key::new("realtime.model", "OPENAI_REALTIME_MODEL", "gpt-realtime-2.1", Shape::Text(check_token));
    /// Protocol spoken to it: the current one or the retired beta.
    OPENAI_REALTIME_DIALECT = Key::new("realtime.dialect", "OPENAI_REALTIME_DIALECT", "ga", Shape::Word(&["ga", "beta"]));
    /// Voice of a persona that names none.
    OPENAI_VOICE = Key::new("realtime.voice", "OPENAI_VOICE", "alloy", Shape::Text(check_token));

    /// Whether calls are answered at all.
    VOICE_CHANNEL_ENABLED = Key::new("limits.channel_enabled", "VOICE_CHANNEL_ENABLED", "true", Shape::Flag);
    /// Calls at once of a tenant that says nothing else; 0 is no cap.
    VOICE_CONCURRENT_CALLS_PER_TENANT = Key::new("limits.concurrent_calls_per_tenant", "VOICE_CONCURRENT_CALLS_PER_TENANT", "5", Shape::Whole(0, 100_000));
    /// Calls at once in this process; 0 is no cap.
    VOICE_MAX_CALLS = Key::new("limits.max_calls", "VOICE_MAX_CALLS", "1000", Shape::Whole(0, 1_000_000));
    /// Longest call of a tenant that says nothing else, in milliseconds; 0 is no limit.
    VOICE_MAX_CALL_DURATION_MS = Key::new("limits.max_call_duration_ms", "VOICE_MAX_CALL_DURATION_MS", "600000", Shape::Whole(0, DAY_MS));
    /// Most caller turns of a tenant that says nothing else; 0 is no limit.
    VOICE_MAX_TURNS = Key::new("limits.max_turns", "VOICE_MAX_TURNS", "20", Shape::Whole(0, 100_000));
    /// Calls of one number within an hour, for a tenant that says nothing else; 0 is no limit.
    VOICE_CALLS_PER_NUMBER_PER_HOUR = Key::new("limits.calls_per_number_per_hour", "VOICE_CALLS_PER_NUMBER_PER_HOUR", "10", Shape::Whole(0, 1_000_000));
    /// Calls within an hour of a tenant that says nothing else; 0 is no limit.
    VOICE_CALLS_PER_TENANT_PER_HOUR = Key::new("limits.calls_per_tenant_per_hour", "VOICE_CALLS_PER_TENANT_PER_HOUR", "100", Shape::Whole(0, 1_000_000));
    /// Numbers and beginnings of numbers that no tenant takes calls from.
    VOICE_BLOCKED_NUMBERS = Key::new("limits.blocked_numbers", "VOICE_BLOCKED_NUMBERS", "", Shape::Text(check_blocked));
    /// Badly signed requests of one source address within a minute; 0 is no limit.
    SIGNATURE_FAILURES_PER_SOURCE = Key::new("limits.signature_failures_per_source", "SIGNATURE_FAILURES_PER_SOURCE", "30", Shape::Whole(0, 1_000_000));
    /// Wrong ops tokens of one source address within a minute; 0 is no limit.
    OPS_FAILURES_PER_SOURCE = Key::new("limits.ops_failures_per_source", "OPS_FAILURES_PER_SOURCE", "30", Shape::Whole(0, 1_000_000));

    /// Redis that the nodes of a fleet share; unset, this process is alone.
    REDIS_URL = Key::secret("fleet.redis_url", "REDIS_URL", check_redis_url);
    /// What the fleet's keys in it begin with.
    REDIS_PREFIX = Key::new("fleet.redis_prefix", "REDIS_PREFIX", "trunkline", Shape::Text(check_prefix));
    /// How long a slot is held for a node of which nothing is heard, in milliseconds.
    FLEET_LEASE_MS = Key::new("fleet.lease_ms", "FLEET_LEASE_MS", "15000", Shape::Whole(500, HOUR_MS));
    /// Longest an admission waits for the fleet, in milliseconds.
    FLEET_DEADLINE_MS = Key::new("fleet.deadline_ms", "FLEET_DEADLINE_MS", "200", Shape::Whole(10, 10_000));
    /// Nodes to reckon with until the fleet has said how many there are.
    FLEET_NODES = Key::new("fleet.nodes", "FLEET_NODES", "1", Shape::Whole(1, 10_000));

    /// Idle time after which a session expires, in minutes.
    SESSION_TTL_MINUTES = Key::new("timing.session_ttl_minutes", "SESSION_TTL_MINUTES", "30", Shape::Decimal(0.001, 1_440.0));
    /// How often idle sessions are looked for, in milliseconds.
    SESSION_SWEEP_MS = Key::new("timing.session_sweep_ms", "SESSION_SWEEP_MS", "60000", Shape::Whole(10, HOUR_MS));
    /// How long a slot is held for a stream that has not opened, in milliseconds.
    RESERVATION_TTL_MS = Key::new("timing.reservation_ttl_ms", "RESERVATION_TTL_MS", "30000", Shape::Whole(10, HOUR_MS));
    /// How long an open stream may take to send `start`, in milliseconds.
    STREAM_START_TIMEOUT_MS = Key::new("timing.stream_start_timeout_ms", "STREAM_START_TIMEOUT_MS", "5000", Shape::Whole(10, HOUR_MS));
    /// How long a stream may be silent before it counts as dead, in milliseconds.
    STREAM_IDLE_TIMEOUT_MS = Key::new("timing.stream_idle_timeout_ms", "STREAM_IDLE_TIMEOUT_MS", "10000", Shape::Whole(100, HOUR_MS));
    /// How long a stream token can be used, in milliseconds.
    STREAM_TOKEN_TTL_MS = Key::new("timing.stream_token_ttl_ms", "STREAM_TOKEN_TTL_MS", "120000", Shape::Whole(10, HOUR_MS));
    /// From the stream's start until the model must have shown life, in milliseconds.
    WATCHDOG_MS = Key::new("timing.watchdog_ms", "WATCHDOG_MS", "3000", Shape::Whole(10, 60_000));
    /// Longest a shutdown waits for calls to end, in milliseconds.
    DRAIN_DEADLINE_MS = Key::new("timing.drain_deadline_ms", "DRAIN_DEADLINE_MS", "60000", Shape::Whole(0, DAY_MS));

    /// Token that may do everything on the operations pages.
    OPS_TOKEN = Key::secret("ops.token", "OPS_TOKEN", check_token);
    /// Token that may only look.
    OPS_READ_TOKEN = Key::secret("ops.read_token", "OPS_READ_TOKEN", check_token);

    /// Which calls leave a flight recording, of tenants that say nothing else.
    RECORDER_KEEP = Key::new("recorder.keep", "RECORDER_KEEP", "failed", Shape::Word(&["failed", "all", "none"]));
    /// Folder of the flight recordings.
    RECORDER_DIR = Key::new("recorder.dir", "RECORDER_DIR", ".data/recordings", Shape::Text(anything));
    /// Key that they are sealed with.
    RECORDER_KEY = Key::secret("recorder.key", "RECORDER_KEY", check_recorder_key);
    /// File of that key where none is set; made at need.
    RECORDER_KEY_FILE = Key::new("recorder.key_file", "RECORDER_KEY_FILE", ".data/recorder.key", Shape::Text(anything));
    /// Longest recording of one call, in kilobytes, before it is packed.
    RECORDER_MAX_CALL_KB = Key::new("recorder.max_call_kb", "RECORDER_MAX_CALL_KB", "4096", Shape::Whole(64, 1_048_576));
    /// Recordings kept; past it the oldest go.
    RECORDER_MAX_FILES = Key::new("recorder.max_files", "RECORDER_MAX_FILES", "1000", Shape::Whole(1, 10_000_000));
    /// Megabytes of recordings kept; past it the oldest go.
    RECORDER_MAX_TOTAL_MB = Key::new("recorder.max_total_mb", "RECORDER_MAX_TOTAL_MB", "512", Shape::Whole(1, 10_000_000));
    /// Days that a recording is kept.
    RECORDER_RETENTION_DAYS = Key::new("recorder.retention_days", "RECORDER_RETENTION_DAYS", "30", Shape::Whole(1, 36_500));

    /// Folder of what the carrier recorded of calls.
    RECORDINGS_DIR = Key::new("recordings.dir", "RECORDINGS_DIR", ".data/call-recordings", Shape::Text(anything));
    /// Longest such recording, in megabytes.
    RECORDINGS_MAX_MB = Key::new("recordings.max_mb", "RECORDINGS_MAX_MB", "512", Shape::Whole(1, 4_096));
    /// How often the carrier is asked for one before it is given up.
    RECORDINGS_ATTEMPTS = Key::new("recordings.attempts", "RECORDINGS_ATTEMPTS", "12", Shape::Whole(1, 1_000));
    /// First pause before it is asked again, in milliseconds; each is twice the one before.
    RECORDINGS_RETRY_MS = Key::new("recordings.retry_ms", "RECORDINGS_RETRY_MS", "5000", Shape::Whole(10, HOUR_MS));

    /// Key under which numbers are hashed that were kept for long enough.
    PRIVACY_KEY = Key::secret("privacy.key", "PRIVACY_KEY", check_privacy_key);
    /// The key before it: what was hashed with it is still found.
    PRIVACY_KEY_PREVIOUS = Key::secret("privacy.previous_key", "PRIVACY_KEY_PREVIOUS", check_privacy_key);
    /// File of that key where none is set; made at need.
    PRIVACY_KEY_FILE = Key::new("privacy.key_file", "PRIVACY_KEY_FILE", ".data/privacy.key", Shape::Text(anything));
    /// Days that what was said in calls is kept, of tenants that say nothing else; 0 is for ever.
    TRANSCRIPT_DAYS = Key::new("privacy.transcript_days", "TRANSCRIPT_DAYS", "90", Shape::Whole(0, 36_500));
    /// Days that numbers are kept, of tenants that say nothing else; 0 is for ever.
    NUMBER_DAYS = Key::new("privacy.number_days", "NUMBER_DAYS", "90", Shape::Whole(0, 36_500));
    /// How often what is due is looked for, in milliseconds.
    RETENTION_SWEEP_MS = Key::new("privacy.sweep_ms", "RETENTION_SWEEP_MS", "3600000", Shape::Whole(10, DAY_MS));

    /// Form of log lines.
    LOG_FORMAT = Key::new("log.format", "LOG_FORMAT", "text", Shape::Word(&["text", "json"]));
    /// Which log lines are written, by module and level.
    RUST_LOG = Key::new("log.filter", "RUST_LOG", "info", Shape::Text(anything));

    /// Base address of an OpenTelemetry collector; unset, nothing is traced.
    OTEL_EXPORTER_OTLP_ENDPOINT = Key::new("telemetry.otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT", "", Shape::Text(urls::check_collector_url));
    /// What this service is called in traces.
    OTEL_SERVICE_NAME = Key::new("telemetry.service_name", "OTEL_SERVICE_NAME", "trunkline", Shape::Text(anything));

    /// Folder of the tenant files.
    TENANTS_DIR = Key::new("tenants.dir", "TENANTS_DIR", "config/tenants", Shape::Text(anything));
    /// The price table.
    PRICES_FILE = Key::new("tenants.prices_file", "PRICES_FILE", "config/prices.toml", Shape::Text(anything));
    /// Folder of the persona files.
    PERSONAS_DIR = Key::new("tenants.personas_dir", "PERSONAS_DIR", "config/personas", Shape::Text(anything));
    /// Tenant that gets calls to numbers nobody owns; `none` where there is to be none.
    DEFAULT_TENANT = Key::new("tenants.default_tenant", "DEFAULT_TENANT", "", Shape::Text(check_tenant_id));
    /// Folder of cached audio for fixed phrases.
    PHRASE_CACHE_DIR = Key::new("tenants.phrase_cache_dir", "PHRASE_CACHE_DIR", ".data/phrases", Shape::Text(anything));
    /// Whether a pipeline's fixed phrases are rendered before they are needed.
    WARM_PHRASES = Key::new("tenants.warm_phrases", "WARM_PHRASES", "true", Shape::Flag);
}

/// The environment's name of the configuration file's path.
pub const CONFIG_ENV: &str = "TRUNKLINE_CONFIG";
/// Where the configuration file is when nobody says.
pub const CONFIG_DEFAULT: &str = "config/trunkline.toml";

const fn anything(_: &str) -> Result<(), Complaint> {
    Ok(())
}

fn check_address(text: &str) -> Result<(), Complaint> {
    let complaint = |_| {
        Complaint::new(
            "is no IP address",
            "write 0.0.0.0 for all interfaces, 127.0.0.1 for this machine only",
        )
    };
    text.parse::<std::net::IpAddr>().map(|_| ()).map_err(complaint)
}

fn check_public_url(text: &str) -> Result<(), Complaint> {
    urls::PublicUrl::parse(text).map(|_| ())
}

/// Something that stands in a header or an address as one word.
fn check_token(text: &str) -> Result<(), Complaint> {
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Complaint::new(
            "has white space or characters other than ASCII",
            "copy it again, without quotes or line breaks",
        ))
    }
}

/// The list of [`VOICE_BLOCKED_NUMBERS`], line by line. What stands there may be
/// somebody's number, so only its place is shown.
pub(crate) fn blocked(text: &str) -> Result<BlockList, Complaint> {
    let mut list = BlockList::default();
    let lines = text.split(',').map(str::trim).filter(|line| !line.is_empty());
    for (index, line) in lines.enumerate() {
        list.push(
            Blocked::parse(line).map_err(|error| {
                Complaint::new(format!("item {} {error}", index + 1), BLOCKED_FIX)
            })?,
        );
    }
    Ok(list)
}

/// How a block list is written.
pub(crate) const BLOCKED_FIX: &str = "write numbers like +15550100000 and beginnings like +1900*";

fn check_blocked(text: &str) -> Result<(), Complaint> {
    blocked(text).map(drop)
}

fn check_redis_url(text: &str) -> Result<(), Complaint> {
    const FIX: &str = "write redis://HOST:PORT, with :PASSWORD@ before the host where there is one";
    check_token(text)?;
    if text.starts_with("rediss://") {
        return Err(Complaint::new(
            "asks for TLS, which is not built in",
            "use redis:// within a private network, or through a tunnel",
        ));
    }
    let good =
        ["redis://", "redis+unix://", "unix://"].iter().any(|scheme| text.starts_with(scheme));
    if good && trunkline_fleet::RedisSettings::can_use(text) {
        Ok(())
    } else {
        Err(Complaint::new("is no address of a Redis", FIX))
    }
}

fn check_prefix(text: &str) -> Result<(), Complaint> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if text.len() <= 64 && text.bytes().all(plain) {
        Ok(())
    } else {
        Err(Complaint::new("is no short word of letters, digits, - and _", "write trunkline"))
    }
}

fn check_recorder_key(text: &str) -> Result<(), Complaint> {
    RecorderKey::parse(text).map(|_| ()).map_err(|error| {
        Complaint::new(error.to_string(), "make one with: head -c 32 /dev/urandom | base64")
    })
}

fn check_networks(text: &str) -> Result<(), Complaint> {
    Networks::parse(text).map(drop).map_err(|error| {
        Complaint::new(error.to_string(), "write networks like 10.1.0.0/16,127.0.0.1")
    })
}

fn check_privacy_key(text: &str) -> Result<(), Complaint> {
    PrivacyKey::parse(text).map(|_| ()).map_err(|error| {
        Complaint::new(error.to_string(), "make one with: head -c 32 /dev/urandom | base64")
    })
}

fn check_node_id(text: &str) -> Result<(), Complaint> {
    NodeId::parse(text)
        .map(|_| ())
        .map_err(|e| Complaint::new(e.to_string(), "write a short name like voice-1"))
}

fn check_tenant_id(text: &str) -> Result<(), Complaint> {
    TenantId::parse(text)
        .map(|_| ())
        .map_err(|e| Complaint::new(e.to_string(), "write the name of a tenant file without .toml"))
}
