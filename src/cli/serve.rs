//! `trunkline serve`: answers calls until it is told to stop.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{ConfigArgs, complain, load};
use crate::config::{Configuration, Environment, ReloadOutcome, watch};
use crate::log;
use crate::server::{self, Ending, Server};

/// Serves; answers the process's exit code: 0 after a clean end, 1 when it could
/// not start or a part of it could not be kept alive, 2 when it was forced.
pub async fn run(args: ConfigArgs) -> i32 {
    let environment = Environment::of_process();
    let configuration = match load(&args, &environment) {
        Ok(configuration) => configuration,
        Err(problems) => {
            complain(&format!("the configuration is not usable\n{problems}"));
            return 1;
        }
    };
    log::start(&configuration.settings.log);
    say_doubts(&configuration);
    let watching = watch(configuration.book.clone(), say_reload);
    if let Err(error) = &watching {
        tracing::warn!(%error, "changes of tenant files are not noticed; send SIGHUP after a restart");
    }
    outlive_full_disks();
    let server = match server::start(configuration, environment).await {
        Ok(server) => server,
        Err(error) => {
            complain(&error.to_string());
            return 1;
        }
    };
    say_where(&server);
    until_told(server).await
}

/// What a process is sent that writes beyond its limit: the same on Linux and macOS.
const SIGXFSZ: i32 = 25;

/// A file that may not grow is an error like a full disk, and no reason to die.
fn outlive_full_disks() {
    let noted = Arc::new(AtomicBool::new(false));
    if let Err(error) = signal_hook::flag::register(SIGXFSZ, noted) {
        tracing::warn!(%error, "a limit on the size of files may end this process");
    }
}

fn say_doubts(configuration: &Configuration) {
    for problem in configuration.warnings.iter() {
        tracing::warn!("{problem}");
    }
    if !configuration.settings.twilio.validate_webhooks {
        tracing::warn!(
            "webhook signatures are not checked (ENABLE_WEBHOOK_VALIDATION=false): anybody can start calls"
        );
    }
}

fn say_reload(outcome: ReloadOutcome) {
    match outcome.result {
        Ok(summary) => tracing::info!(
            tenants = summary.tenants,
            numbers = summary.numbers,
            "tenants were reread"
        ),
        Err(problems) => tracing::error!("the tenants stay as they were: {problems}"),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a token that was made up must be seen once, and never logged"
)]
fn say_where(server: &Server) {
    use secrecy::ExposeSecret as _;
    tracing::info!(address = %server.address, public_url = %server.public_url, "listening");
    if server.ops_token_is_new {
        eprintln!("OPS_TOKEN is not set; for this run it is {}", server.ops_token.expose_secret());
    }
}

async fn until_told(mut server: Server) -> i32 {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        complain("signals cannot be received");
        return 1;
    };
    let fatal = tokio::select! {
        () = received(&mut terminate) => None,
        () = received(&mut interrupt) => None,
        kind = server.fatal() => Some(kind),
    };
    if let Some(kind) = fatal {
        tracing::error!(kind, "a service cannot be kept alive: the process ends");
    }
    let ending = tokio::select! {
        ending = server.stop() => ending,
        () = received(&mut terminate) => return 2,
        () = received(&mut interrupt) => return 2,
    };
    i32::from(fatal.is_some() || ending != Ending::Clean)
}

async fn received(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
