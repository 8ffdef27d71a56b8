//! The command line of `trunkline simulate providers`.

use std::io::Error as IoError;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::ears::EarsError;
use super::knobs::Knobs;
use super::script::ScriptError;
use super::server::serve;

/// How to run the simulated providers.
#[derive(Clone, Debug, Args)]
pub struct ProvidersOptions {
    /// Port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 8090)]
    pub port: u16,
    /// Address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub bind: IpAddr,
    /// Threads that serve sessions.
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// Dialogue script (TOML) instead of the built-in receptionist.
    #[arg(long)]
    pub script: Option<PathBuf>,
    /// Folder of recordings with sidecars that the model understands; otherwise
    /// config/audio, if it is there.
    #[arg(long)]
    pub ears: Option<PathBuf>,
    /// File to which each chat completion and each piece of speech is appended, as a
    /// line of JSON, before anything of it is sent; their numbers go on behind those
    /// that are in it.
    #[arg(long)]
    pub journal: Option<PathBuf>,
    /// Recognise callers by the sound of their words alone, with PocketSphinx, as one
    /// of the sentences in the folder of recordings.
    #[arg(long)]
    pub by_sound: bool,
    /// Number before the first that records and watermarks get.
    #[arg(long, default_value_t = 0)]
    pub numbers_from: u64,
    /// How the sessions behave.
    #[command(flatten)]
    pub knobs: Knobs,
}

impl Default for ProvidersOptions {
    /// Any free port of the loopback address, and the built-in script.
    fn default() -> Self {
        Self {
            port: 0,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            workers: 1,
            script: None,
            ears: None,
            journal: None,
            by_sound: false,
            numbers_from: 0,
            knobs: Knobs::default(),
        }
    }
}

/// Why the simulated providers did not start.
#[derive(Debug, thiserror::Error)]
pub enum ProvidersError {
    /// The dialogue script cannot be used.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The recordings cannot be used.
    #[error("recordings: {0}")]
    Ears(#[from] EarsError),
    /// There is no PocketSphinx, or nothing to recognise.
    #[error("PocketSphinx or its English model is not installed")]
    NoOffline,
    /// The journal cannot be read or written.
    #[error("journal: {0}")]
    Journal(#[source] IoError),
    /// The address is taken or not ours.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, #[source] IoError),
    /// The server itself failed.
    #[error("server: {0}")]
    Server(#[source] IoError),
}

/// Runs the providers until the process is interrupted. Prints where they are.
///
/// # Errors
/// As [`serve`].
pub async fn run(options: ProvidersOptions) -> Result<(), ProvidersError> {
    let running = serve(options).await?;
    announce(&running.url(), running.addr());
    actix_rt::signal::ctrl_c().await.map_err(ProvidersError::Server)?;
    running.stop().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this is the command's own output")]
fn announce(url: &str, addr: SocketAddr) {
    println!("realtime model  {url}");
    println!("recogniser      ws://{addr}/v1/listen");
    println!("chat            http://{addr}/v1/chat/completions");
    println!(
        "voices          http://{addr}/cognitiveservices/v1  http://{addr}/v1/text-to-speech/…"
    );
    println!("control         http://{addr}/control  (sessions: /control/sessions)");
}
