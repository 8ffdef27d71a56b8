//! A running server: started from a configuration, drained and stopped in order.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::{ServerHandle, Service as _};
use actix_web::{App, HttpServer, web};
use chrono::Utc;
use futures_util::future::Either;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use trunkline_actors::limiter::LimiterSettings;
use trunkline_actors::metrics;
use trunkline_actors::node::{Node, NodeSettings};
use trunkline_actors::persistence::spent_today;
use trunkline_actors::phrases::PhraseCache;
use trunkline_actors::recorder::{Recorder, RecorderSettings};
use trunkline_connectors::{socket, websocket};
use trunkline_core::cost::PriceTable;
use trunkline_store::{Backend, Journal, Scope, Store, StoreError};

use crate::config::{Configuration, Environment, PublicUrl, Settings, StoreSettings};
use crate::http::state::AppState;
use crate::http::state::{AuditQuota, OpsTokens};
use crate::http::{routes, shield};
use crate::recordings;
use crate::telemetry::Telemetry;

mod early;
mod fleet;
mod lease;
mod models;
mod retention;
mod stop;
mod warm;

pub(crate) use models::{missing_key, recogniser_key, voice_key};

pub use stop::Ending;

/// How often recordings are looked for that have become too old.
const RECORDINGS_SWEEP: Duration = Duration::from_secs(600);
/// Records drained together from the journal before the first call.
const DRAIN: u32 = 500;

/// Longest a request's line and headers may take, from the connection's first
/// moment or the end of the request before on.
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next request.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port could not be had.
    #[error("cannot listen on {address}: {source}; choose another PORT or BIND")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The database could not be opened or migrated.
    #[error("{0}; check DATABASE_URL")]
    Store(StoreError),
    /// The fleet could not be joined.
    #[error("{0}; check REDIS_URL")]
    Fleet(#[from] trunkline_fleet::Away),
    /// The journal could not be opened or drained.
    #[error("{0}; check JOURNAL_PATH")]
    Journal(StoreError),
    /// The metrics recorder could not be installed.
    #[error("the metrics cannot be recorded: {0}")]
    Metrics(String),
    /// The exporter of traces could not be made.
    #[error("the traces cannot be exported: {0}; check the variables that begin with OTEL_")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The HTTP server could not be started.
    #[error("the HTTP server cannot be started: {0}")]
    Http(#[from] std::io::Error),
}

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The origin under which the carrier reaches it.
    pub public_url: PublicUrl,
    /// The token that may do everything.
    pub ops_token: SecretString,
    /// Whether that token was made up at start.
    pub ops_token_is_new: bool,
    /// The node.
    pub node: Arc<Node>,
    http: ServerHandle,
    telemetry: Telemetry,
    drain_deadline: Duration,
    fatal: mpsc::UnboundedReceiver<&'static str>,
}

/// Starts a server on this thread's actor system.
///
/// # Errors
/// When the port or the database cannot be had.
pub async fn start(
    configuration: Configuration,
    environment: Environment,
) -> Result<Server, StartError> {
    let Configuration { settings, book, prices, .. } = configuration;
    let listener = listen(&settings)?;
    let address = listener.local_addr()?;
    let public_url = settings.public_url(address.port());
    let metrics = install_metrics()?;
    let telemetry = Telemetry::start(&settings.telemetry, &settings.server.node_id)?;
    let stored = open_store(&settings).await?;
    let (on_fatal, fatal) = mpsc::unbounded_channel();
    let node = Node::start(
        node_settings(&settings, prices),
        stored,
        PhraseCache::open(Some(settings.tenants.phrase_cache_dir.clone())),
        Recorder::new(recorder_settings(&settings)),
        models::find(&settings, &environment),
        (fleet::join(&settings)?, fleet::find_tenant(&book)),
        // Nobody listens once the server is on its way out, which is as good.
        Arc::new(move |kind| on_fatal.send(kind.as_str()).unwrap_or_default()),
    );
    read_switches(&node).await?;
    node.fleet.first_beat().await;
    keep_recordings_in_bounds(&node);
    retention::keep_in_bounds(&node, &settings, &book);
    early::keep_settling(&node);
    recordings::keep_fetching(&node, &settings, &environment, &book);
    node.when_begun(recordings::on_begun(&node, &settings, &environment, &public_url));
    if settings.tenants.warm_phrases {
        warm::keep_warm(&node, &book);
    }
    lease::announce(&node, address, ms(settings.store.node_lease_ms));
    let (ops_token, ops_token_is_new) = ops_token(&settings);
    let state = web::Data::new(AppState {
        ops: ops_tokens(&settings, &ops_token, &public_url),
        environment,
        book,
        public_url: public_url.clone(),
        node: Arc::clone(&node),
        metrics,
        stranger_audit: AuditQuota::default(),
        started_at: Instant::now(),
        settings,
    });
    let http = serve(&state, listener)?;
    let drain_deadline = Duration::from_millis(state.settings.timing.drain_deadline_ms);
    Ok(Server {
        address,
        public_url,
        ops_token,
        ops_token_is_new,
        node,
        http,
        telemetry,
        drain_deadline,
        fatal,
    })
}

fn listen(settings: &Settings) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(settings.server.bind, settings.server.port);
    TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })
}

/// Opens the database and, beside a server, the journal. What an earlier life left
/// in it is in the database before its calls are closed: some may have ended.
async fn open_store(settings: &Settings) -> Result<(Store, Option<Journal>), StartError> {
    let settings = settings.clone();
    let opened = actix_web::rt::task::spawn_blocking(move || {
        let url = settings.store.url.expose_secret();
        let store = Store::open(url, settings.store.pool_size).map_err(StartError::Store)?;
        for migration in store.migrate().map_err(StartError::Store)? {
            tracing::info!(migration, "the database was migrated");
        }
        let journal = open_journal(&settings.store, &store).map_err(StartError::Journal)?;
        let id = &settings.server.node_id;
        let left_open = store.close_open_calls(id, Utc::now()).map_err(StartError::Store)?;
        if left_open > 0 {
            tracing::warn!(
                left_open,
                "calls that an earlier life of this node left open were closed as failed"
            );
        }
        Ok((store, journal))
    });
    match opened.await {
        Ok(opened) => opened,
        Err(error) => Err(StartError::Http(std::io::Error::other(error))),
    }
}

/// SQLite has no journal: the file would be on the same disk, and as far away.
fn open_journal(settings: &StoreSettings, store: &Store) -> Result<Option<Journal>, StoreError> {
    let Some(path) =
        settings.journal_path.as_ref().filter(|_| store.backend() == Backend::Postgres)
    else {
        return Ok(None);
    };
    let journal = Journal::open(path, settings.journal_max_bytes)?;
    let left = journal.size().records;
    while !journal.is_empty() {
        for (kind, reason) in journal.drain_into(store, DRAIN)?.refused {
            metrics::records_dropped("refused", 1);
            tracing::error!(kind, %reason, "the database refused a record of the journal");
        }
    }
    if left > 0 {
        tracing::warn!(left, "records that an earlier life left in the journal were drained");
    }
    Ok(Some(journal))
}

/// The switches, the block list and what was spent hold from the first call on.
async fn read_switches(node: &Node) -> Result<(), StartError> {
    let store = node.store.clone();
    let readings = (node.switches.begin(), node.blocked.begin());
    let read = actix_web::rt::task::spawn_blocking(move || {
        // A node answers calls of all tenants.
        let all = Scope::AllTenants;
        Ok((store.switches(all)?, store.blocked_numbers(all)?, spent_today(&store)?))
    });
    let read = read.await.map_err(|error| StartError::Http(std::io::Error::other(error)))?;
    let (switches, blocked, spent) = read.map_err(StartError::Store)?;
    node.spending.start(&spent, &node.settings.id);
    node.switches.replace(readings.0, &switches);
    node.blocked.replace(readings.1, &blocked);
    Ok(())
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn node_settings(settings: &Settings, prices: PriceTable) -> NodeSettings {
    NodeSettings {
        id: settings.server.node_id.clone(),
        limiter: LimiterSettings {
            max_calls: settings.limits.max_calls,
            reservation_ttl: ms(settings.timing.reservation_ttl_ms),
            token_ttl: ms(settings.timing.stream_token_ttl_ms),
            signature_failures: settings.limits.signature_failures_per_source,
        },
        queue_bound: settings.store.persistence_queue,
        switch_poll: ms(settings.store.switch_poll_ms),
        session_ttl: ms(settings.timing.session_ttl_ms),
        session_sweep: ms(settings.timing.session_sweep_ms),
        stream_start_timeout: ms(settings.timing.stream_start_timeout_ms),
        stream_idle_timeout: ms(settings.timing.stream_idle_timeout_ms),
        prices: Arc::new(prices),
    }
}

fn recorder_settings(settings: &Settings) -> RecorderSettings {
    let recorder = settings.recorder.clone();
    RecorderSettings {
        keep: recorder.keep,
        folder: recorder.dir,
        key: recorder.key,
        node: settings.server.node_id.clone(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        max_call_bytes: recorder.max_call_bytes,
        max_files: recorder.max_files,
        max_total_bytes: recorder.max_total_bytes,
        retention: Duration::from_secs(u64::from(recorder.retention_days) * 86_400),
    }
}

/// What an earlier life of this node left is completed, and what has become too
/// old goes, whether or not new recordings come.
fn keep_recordings_in_bounds(node: &Arc<Node>) {
    node.recorder.recover();
    let recorder = node.recorder.clone();
    drop(actix_rt::spawn(async move {
        loop {
            tokio::time::sleep(RECORDINGS_SWEEP).await;
            recorder.sweep();
        }
    }));
}

fn install_metrics() -> Result<PrometheusHandle, StartError> {
    let failed = |error: &dyn std::fmt::Display| StartError::Metrics(error.to_string());
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &metrics::LATENCY_BUCKETS_SECONDS)
        .map_err(|error| failed(&error))?;
    let handle = builder.install_recorder().map_err(|error| failed(&error))?;
    metrics::describe();
    let upkeep = handle.clone();
    drop(actix_rt::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            upkeep.run_upkeep();
        }
    }));
    Ok(handle)
}

fn ops_token(settings: &Settings) -> (SecretString, bool) {
    match &settings.ops.token {
        Some(token) => (token.clone(), false),
        None => (uuid::Uuid::new_v4().simple().to_string().into(), true),
    }
}

fn ops_tokens(settings: &Settings, admin: &SecretString, origin: &PublicUrl) -> OpsTokens {
    let (wrong, trusted) =
        (settings.limits.ops_failures_per_source, settings.server.trust_forwarded_headers);
    OpsTokens::new(admin, settings.ops.read_token.as_ref())
        .throttled(wrong, trusted)
        .at_origin(origin)
}

fn serve(state: &web::Data<AppState>, listener: TcpListener) -> Result<ServerHandle, StartError> {
    let shared = state.clone();
    let mut server = HttpServer::new(move || {
        // Each worker builds its client now: loading TLS roots takes milliseconds
        // that no call should wait for.
        websocket::warm_up();
        App::new()
            .app_data(shared.clone())
            .wrap_fn(|request, service| {
                if shield::has_chunks(&request) {
                    let refused = request.into_response(shield::length_required());
                    Either::Left(std::future::ready(Ok(refused)))
                } else {
                    Either::Right(service.call(request))
                }
            })
            .wrap(shield::headers())
            .configure(routes::configure)
    })
    .client_request_timeout(HEAD_PATIENCE)
    .keep_alive(KEEP_ALIVE)
    .disable_signals()
    .shutdown_timeout(stop::CONNECTIONS_PATIENCE_S)
    .on_connect(|connection, _| {
        if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() {
            socket::tune(stream);
        }
    });
    if state.settings.server.workers > 0 {
        server = server.workers(state.settings.server.workers);
    }
    let running = server.listen(listener)?.run();
    let handle = running.handle();
    drop(actix_rt::spawn(running));
    Ok(handle)
}
