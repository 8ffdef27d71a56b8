//! The simulated providers' server.

use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

use super::ears::Ears;
use super::gate::Provider;
use super::journal::Journal;
use super::knobs::Knobs;
use super::log::{ChatRecord, HearingRecord, SpokenRecord};
use super::options::{ProvidersError, ProvidersOptions};
use super::record::SessionRecord;
use super::script::Script;
use super::state::State;
use super::{chat, control, echo, handshake, listen, voice};

/// Recordings that are learnt where no folder is named, if it is there.
const DEFAULT_EARS: &str = "config/audio";

/// A server that runs until [`RunningProviders::stop`], or to the process's end.
pub struct RunningProviders {
    addr: SocketAddr,
    handle: Handle,
    state: web::Data<State>,
}

/// What stops the server.
enum Handle {
    Full(ServerHandle),
    Echo(echo::Accepting),
}

/// Starts the server. It accepts connections once this returns. Must be called
/// within an actix system, whose life the server shares.
///
/// # Errors
/// When the script or the recordings cannot be read, or the port is taken.
pub async fn serve(options: ProvidersOptions) -> Result<RunningProviders, ProvidersError> {
    let script = match &options.script {
        Some(path) => Script::read(path)?,
        None => Script::receptionist()?,
    };
    let listener = TcpListener::bind((options.bind, options.port))
        .map_err(|e| ProvidersError::Bind(SocketAddr::new(options.bind, options.port), e))?;
    let addr = listener.local_addr().map_err(ProvidersError::Server)?;
    let journal = Journal::open(options.journal.as_deref(), options.numbers_from)
        .map_err(ProvidersError::Journal)?;
    let state = State::new(options.knobs.clone(), script, ears(&options)?, journal);
    let state = web::Data::new(state);
    let handle = if options.knobs.is_plain_echo() && options.workers <= 1 {
        Handle::Echo(echo::accept(listener, state.clone()).map_err(ProvidersError::Server)?)
    } else {
        Handle::Full(start(&options, listener, &state)?)
    };
    Ok(RunningProviders { addr, handle, state })
}

fn start(
    options: &ProvidersOptions,
    listener: TcpListener,
    state: &web::Data<State>,
) -> Result<ServerHandle, ProvidersError> {
    let shared = state.clone();
    let server = HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes))
        .workers(options.workers.max(1))
        .disable_signals()
        .on_connect(|connection, _| without_delay(connection))
        .listen(listener)
        .map_err(ProvidersError::Server)?
        .run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the simulated providers' server failed");
        }
    });
    Ok(handle)
}

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/realtime", web::get().to(handshake::realtime))
        .route("/openai/v1/realtime", web::get().to(handshake::realtime))
        .route("/v1/listen", web::get().to(listen::live))
        .route("/v1/chat/completions", web::post().to(chat::completions))
        .route("/cognitiveservices/v1", web::post().to(voice::azure))
        .route("/v1/text-to-speech/{voice}/stream", web::post().to(voice::elevenlabs))
        .route("/control", web::get().to(control::show))
        .route("/control", web::post().to(control::change))
        .route("/control/sessions", web::get().to(control::sessions))
        .route("/control/knobs/{provider}", web::post().to(control::change_one))
        .route("/control/hearings", web::get().to(control::hearings))
        .route("/control/chats", web::get().to(control::chats))
        .route("/control/spoken", web::get().to(control::spoken))
        .route("/control/reset", web::post().to(control::reset))
        .route("/health", web::get().to(control::health));
}

/// Small messages leave at once: waiting to fill a packet would show in every
/// latency that is measured here.
fn without_delay(connection: &dyn std::any::Any) {
    if let Some(stream) = connection.downcast_ref::<actix_rt::net::TcpStream>()
        && let Err(error) = stream.set_nodelay(true)
    {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
}

fn ears(options: &ProvidersOptions) -> Result<Ears, ProvidersError> {
    let ears = Ears::default();
    let default = std::path::Path::new(DEFAULT_EARS);
    let folder = options.ears.as_deref().or_else(|| default.is_dir().then_some(default));
    if let Some(folder) = folder {
        let utterances = ears.learn_folder(folder)?;
        tracing::info!(utterances, folder = %folder.display(), "recordings learnt");
    }
    if options.by_sound && !ears.listen_to_the_sound() {
        return Err(ProvidersError::NoOffline);
    }
    Ok(ears)
}

impl RunningProviders {
    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The realtime model's URL, without a query: `ws://…/v1/realtime`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/v1/realtime", self.addr)
    }

    /// The recogniser's URL, to which clients add the path: `ws://HOST:PORT`.
    #[must_use]
    pub fn socket_base(&self) -> String {
        format!("ws://{}", self.addr)
    }

    /// The URL of chat completions and of both voices: `http://HOST:PORT`.
    #[must_use]
    pub fn http_base(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Gives a provider knobs of its own for the requests that follow, or takes
    /// them away: then the common ones hold.
    pub fn set_knobs_of(&self, provider: Provider, knobs: Option<Knobs>) {
        self.state.set_knobs_of(provider, knobs);
    }

    /// What each connection of the recogniser did so far, in order.
    #[must_use]
    pub fn hearings(&self) -> Vec<HearingRecord> {
        self.state.hearings.read()
    }

    /// What each chat completion did so far, in order.
    #[must_use]
    pub fn chats(&self) -> Vec<ChatRecord> {
        self.state.chats.read()
    }

    /// What the voices spoke so far, in order: entry `n - 1` is the text behind
    /// watermark `n`.
    #[must_use]
    pub fn spoken(&self) -> Vec<SpokenRecord> {
        self.state.spoken.read()
    }

    /// The knobs in force.
    #[must_use]
    pub fn knobs(&self) -> Knobs {
        self.state.knobs()
    }

    /// Sets the knobs for the sessions that follow.
    pub fn set_knobs(&self, knobs: Knobs) {
        self.state.set_knobs(knobs);
    }

    /// The ears, to teach them more.
    #[must_use]
    pub fn ears(&self) -> &Ears {
        &self.state.ears
    }

    /// What each session did so far, in order of connection.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionRecord> {
        self.state.sessions()
    }

    /// Connections that were refused since the start or the last reset.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.state.refused()
    }

    /// Forgets the sessions, and the knobs are as at the start.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Stops listening and cuts every session.
    pub async fn stop(self) {
        match self.handle {
            Handle::Full(handle) => handle.stop(false).await,
            Handle::Echo(accepting) => accepting.stop(),
        }
    }
}
