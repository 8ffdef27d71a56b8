//! Reads the typed settings out of their layers.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use trunkline_actors::recorder::{KeySource, RecorderKey};
use trunkline_connectors::reach::Networks;
use trunkline_core::flight::Keep;
use trunkline_core::ids::{NodeId, TenantId};
use trunkline_core::tenant::Privacy;
use trunkline_core::wire::realtime::Dialect;
use trunkline_store::PrivacyKey;

use super::keys;
use super::layers::Layers;
use super::problem::Complaint;
use super::settings::{
    CallRecordingSettings, FleetSettings, LimitSettings, LogFormat, LogSettings, OpsSettings,
    PrivacySettings, RealtimeSettings, RecordingSettings, ServerSettings, Settings, StoreSettings,
    TelemetrySettings, TenantSettings, TimingSettings, TwilioSettings,
};
use super::urls::PublicUrl;

/// Reads every setting; what is wrong is noted in the layers' problems.
pub(crate) fn read(layers: &mut Layers<'_>) -> Settings {
    let settings = Settings {
        server: server(layers),
        store: store(layers),
        twilio: twilio(layers),
        realtime: realtime(layers),
        limits: limits(layers),
        fleet: fleet(layers),
        timing: timing(layers),
        ops: ops(layers),
        recorder: recorder(layers),
        recordings: recordings(layers),
        privacy: privacy(layers),
        log: log(layers),
        telemetry: telemetry(layers),
        tenants: tenants(layers),
    };
    layers.unknown();
    check_together(&settings, layers);
    settings
}

/// What is right by itself and wrong, or doubtful, with the rest.
fn check_together(settings: &Settings, layers: &mut Layers<'_>) {
    let same = |a: &Option<SecretString>, b: &Option<SecretString>| {
        a.as_ref().zip(b.as_ref()).is_some_and(|(a, b)| a.expose_secret() == b.expose_secret())
    };
    if same(&settings.ops.token, &settings.ops.read_token) {
        let complaint = Complaint::new(
            "is the same token as OPS_TOKEN, so readers may do everything",
            "choose another, or remove it",
        );
        layers.complain(&keys::OPS_READ_TOKEN, layers.source_of(&keys::OPS_READ_TOKEN), complaint);
    }
    if !settings.twilio.validate_webhooks {
        layers.warn(
            &keys::ENABLE_WEBHOOK_VALIDATION,
            "anybody who finds the address can start calls",
            "set it to true outside of tests",
        );
    } else if settings.twilio.auth_token.is_none() && settings.twilio.auth_token_secondary.is_none()
    {
        layers.warn(
            &keys::TWILIO_AUTH_TOKEN,
            "is not set, so webhooks are refused with 403 unless a tenant brings its own",
            "set it to the account's auth token (Twilio console, Account, API keys & tokens)",
        );
    }
    if settings.realtime.api_key.is_none() {
        layers.warn(
            &keys::OPENAI_API_KEY,
            "is not set, so calls go to the human number unless a tenant brings its own",
            "set it to a key with access to the realtime model",
        );
    }
    if settings.fleet.redis_url.is_some() && settings.privacy.key.is_none() {
        layers.warn(
            &keys::PRIVACY_KEY,
            "is not set, so each node of the fleet hashes numbers with a key of its own",
            "set the same key on all nodes: head -c 32 /dev/urandom | base64",
        );
    }
    match &settings.server.public_url {
        None => layers.warn(
            &keys::PUBLIC_URL,
            "is not set, so only this machine can reach the addresses handed out",
            "set it to the origin the carrier calls, such as https://voice.example.com",
        ),
        Some(url) if !url.is_tls() && !url.is_local() => {
            layers.warn(
                &keys::PUBLIC_URL,
                "has no TLS, and the carrier opens media streams over TLS only",
                "use https://",
            );
        }
        Some(_) => {}
    }
}
fn server(layers: &mut Layers<'_>) -> ServerSettings {
    ServerSettings {
        bind: layers.parsed(&keys::BIND, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        port: layers.parsed(&keys::PORT, 8080),
        public_url: layers.optional(&keys::PUBLIC_URL, |text| PublicUrl::parse(text).ok()),
        trust_forwarded_headers: layers.flag(&keys::TRUST_FORWARDED_HEADERS),
        dial_private_networks: layers
            .optional(&keys::DIAL_PRIVATE_NETWORKS, |text| Networks::parse(text).ok())
            .unwrap_or_default(),
        workers: layers.parsed(&keys::WORKERS, 0),
        node_id: node_id(layers),
    }
}

/// The name that was set, or the machine's, so that a restarted process is
/// known as the one that died; two on one machine need names of their own.
fn node_id(layers: &mut Layers<'_>) -> NodeId {
    let chosen = layers.optional(&keys::NODE_ID, |text| NodeId::parse(text).ok());
    let machine =
        || layers.env.get("HOSTNAME").ok().flatten().and_then(|name| NodeId::parse(name).ok());
    chosen.or_else(machine).unwrap_or_else(local_node)
}

fn local_node() -> NodeId {
    #[expect(clippy::expect_used, reason = "a constant, and a test takes this path")]
    NodeId::parse("local").expect("four letters or more, all plain")
}

fn store(layers: &mut Layers<'_>) -> StoreSettings {
    StoreSettings {
        url: layers.secret(&keys::DATABASE_URL).unwrap_or_default(),
        pool_size: layers.parsed(&keys::DATABASE_POOL_SIZE, 8),
        persistence_queue: layers.parsed(&keys::PERSISTENCE_QUEUE, 10_000),
        journal_path: layers
            .optional(&keys::JOURNAL_PATH, |text| Some(PathBuf::from(text)))
            .filter(|path| path.as_os_str() != "none"),
        journal_max_bytes: layers.parsed(&keys::JOURNAL_MAX_MB, 256) * 1_048_576,
        node_lease_ms: layers.parsed(&keys::NODE_LEASE_MS, 30_000),
        switch_poll_ms: layers.parsed(&keys::SWITCH_POLL_MS, 500),
    }
}

fn twilio(layers: &mut Layers<'_>) -> TwilioSettings {
    TwilioSettings {
        account_sid: layers.optional(&keys::TWILIO_ACCOUNT_SID, |text| Some(text.to_owned())),
        auth_token: layers.secret(&keys::TWILIO_AUTH_TOKEN),
        auth_token_secondary: layers.secret(&keys::TWILIO_AUTH_TOKEN_SECONDARY),
        api_url: layers.text(&keys::TWILIO_API_URL).trim_end_matches('/').to_owned(),
        validate_webhooks: layers.flag(&keys::ENABLE_WEBHOOK_VALIDATION),
    }
}

fn realtime(layers: &mut Layers<'_>) -> RealtimeSettings {
    RealtimeSettings {
        api_key: layers.secret(&keys::OPENAI_API_KEY),
        url: layers.secret(&keys::OPENAI_REALTIME_URL).unwrap_or_default(),
        model: layers.text(&keys::OPENAI_REALTIME_MODEL),
        dialect: layers.parsed(&keys::OPENAI_REALTIME_DIALECT, Dialect::Ga),
        voice: layers.text(&keys::OPENAI_VOICE),
    }
}

fn limits(layers: &mut Layers<'_>) -> LimitSettings {
    LimitSettings {
        channel_enabled: layers.flag(&keys::VOICE_CHANNEL_ENABLED),
        concurrent_calls_per_tenant: layers.parsed(&keys::VOICE_CONCURRENT_CALLS_PER_TENANT, 5),
        max_calls: layers.parsed(&keys::VOICE_MAX_CALLS, 1_000),
        max_call_duration_ms: layers.parsed(&keys::VOICE_MAX_CALL_DURATION_MS, 600_000),
        max_turns: layers.parsed(&keys::VOICE_MAX_TURNS, 20),
        calls_per_number_per_hour: layers.parsed(&keys::VOICE_CALLS_PER_NUMBER_PER_HOUR, 10),
        calls_per_tenant_per_hour: layers.parsed(&keys::VOICE_CALLS_PER_TENANT_PER_HOUR, 100),
        blocked_numbers: layers
            .optional(&keys::VOICE_BLOCKED_NUMBERS, |text| keys::blocked(text).ok())
            .unwrap_or_default(),
        signature_failures_per_source: layers.parsed(&keys::SIGNATURE_FAILURES_PER_SOURCE, 30),
        ops_failures_per_source: layers.parsed(&keys::OPS_FAILURES_PER_SOURCE, 30),
    }
}

fn fleet(layers: &mut Layers<'_>) -> FleetSettings {
    FleetSettings {
        redis_url: layers.secret(&keys::REDIS_URL),
        redis_prefix: layers.text(&keys::REDIS_PREFIX),
        lease_ms: layers.parsed(&keys::FLEET_LEASE_MS, 15_000),
        deadline_ms: layers.parsed(&keys::FLEET_DEADLINE_MS, 200),
        nodes: layers.parsed(&keys::FLEET_NODES, 1),
    }
}

fn timing(layers: &mut Layers<'_>) -> TimingSettings {
    let ttl_minutes: f64 = layers.parsed(&keys::SESSION_TTL_MINUTES, 30.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the key's range is 0.001 to 1440 minutes"
    )]
    let session_ttl_ms = (ttl_minutes * 60_000.0) as u64;
    TimingSettings {
        session_ttl_ms,
        session_sweep_ms: layers.parsed(&keys::SESSION_SWEEP_MS, 60_000),
        reservation_ttl_ms: layers.parsed(&keys::RESERVATION_TTL_MS, 30_000),
        stream_start_timeout_ms: layers.parsed(&keys::STREAM_START_TIMEOUT_MS, 5_000),
        stream_idle_timeout_ms: layers.parsed(&keys::STREAM_IDLE_TIMEOUT_MS, 10_000),
        stream_token_ttl_ms: layers.parsed(&keys::STREAM_TOKEN_TTL_MS, 120_000),
        watchdog_ms: layers.parsed(&keys::WATCHDOG_MS, 3_000),
        drain_deadline_ms: layers.parsed(&keys::DRAIN_DEADLINE_MS, 60_000),
    }
}

fn ops(layers: &mut Layers<'_>) -> OpsSettings {
    OpsSettings {
        token: layers.secret(&keys::OPS_TOKEN),
        read_token: layers.secret(&keys::OPS_READ_TOKEN),
    }
}

fn recorder(layers: &mut Layers<'_>) -> RecordingSettings {
    let given =
        layers.secret(&keys::RECORDER_KEY).and_then(|k| RecorderKey::parse(k.expose_secret()).ok());
    let file = layers.text(&keys::RECORDER_KEY_FILE);
    RecordingSettings {
        keep: match layers.text(&keys::RECORDER_KEEP).as_str() {
            "all" => Keep::All,
            "none" => Keep::None,
            _ => Keep::Failed,
        },
        dir: layers.text(&keys::RECORDER_DIR).into(),
        key: given.map_or_else(|| KeySource::File(file.into()), KeySource::Given),
        max_call_bytes: layers.parsed(&keys::RECORDER_MAX_CALL_KB, 4_096_u64) << 10,
        max_files: layers.parsed(&keys::RECORDER_MAX_FILES, 1_000),
        max_total_bytes: layers.parsed(&keys::RECORDER_MAX_TOTAL_MB, 512_u64) << 20,
        retention_days: layers.parsed(&keys::RECORDER_RETENTION_DAYS, 30),
    }
}

fn recordings(layers: &mut Layers<'_>) -> CallRecordingSettings {
    CallRecordingSettings {
        dir: layers.text(&keys::RECORDINGS_DIR).into(),
        max_bytes: layers.parsed(&keys::RECORDINGS_MAX_MB, 512_usize) << 20,
        attempts: layers.parsed(&keys::RECORDINGS_ATTEMPTS, 12),
        retry_ms: layers.parsed(&keys::RECORDINGS_RETRY_MS, 5_000),
    }
}

fn privacy(layers: &mut Layers<'_>) -> PrivacySettings {
    let key = |text: SecretString| PrivacyKey::parse(text.expose_secret()).ok();
    PrivacySettings {
        key: layers.secret(&keys::PRIVACY_KEY).and_then(key),
        previous_key: layers.secret(&keys::PRIVACY_KEY_PREVIOUS).and_then(key),
        key_file: layers.text(&keys::PRIVACY_KEY_FILE).into(),
        keep: Privacy {
            transcript_days: layers.parsed(&keys::TRANSCRIPT_DAYS, 90),
            number_days: layers.parsed(&keys::NUMBER_DAYS, 90),
        },
        sweep_ms: layers.parsed(&keys::RETENTION_SWEEP_MS, 3_600_000),
    }
}

fn log(layers: &mut Layers<'_>) -> LogSettings {
    let format =
        if layers.text(&keys::LOG_FORMAT) == "json" { LogFormat::Json } else { LogFormat::Text };
    LogSettings { format, filter: layers.text(&keys::RUST_LOG) }
}

fn telemetry(layers: &mut Layers<'_>) -> TelemetrySettings {
    TelemetrySettings {
        otlp_endpoint: layers
            .optional(&keys::OTEL_EXPORTER_OTLP_ENDPOINT, |text| Some(text.to_owned())),
        service_name: layers.text(&keys::OTEL_SERVICE_NAME),
    }
}

fn tenants(layers: &mut Layers<'_>) -> TenantSettings {
    TenantSettings {
        dir: layers.text(&keys::TENANTS_DIR).into(),
        personas_dir: layers.text(&keys::PERSONAS_DIR).into(),
        default: layers.optional(&keys::DEFAULT_TENANT, |text| {
            // A word is needed to undo what the file says: an empty variable is as good as none.
            TenantId::parse(text).ok().filter(|id| id.as_str() != "none")
        }),
        phrase_cache_dir: layers.text(&keys::PHRASE_CACHE_DIR).into(),
        warm_phrases: layers.flag(&keys::WARM_PHRASES),
        prices_file: layers.text(&keys::PRICES_FILE).into(),
    }
}
