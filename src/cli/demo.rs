//! `trunkline demo`: the whole thing on one machine with no credentials. The
//! server on SQLite, the simulated model and services, and one simulated call that streams a
//! recording of speech; its conversation is shown as it happens, read through
//! the same API that anybody would use.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;
use trunkline_core::ids::TenantId;
use trunkline_simulator::carrier::{CallPlan, CallReport, Library, Script, StatusPlan, place_call};
use trunkline_simulator::providers::{ProvidersOptions, RunningProviders, serve};

use super::demo_view::{Api, View};
use super::{ConfigArgs, complain, load};
use crate::config::{Configuration, Environment};
use crate::server::{self, Server};

/// The recording that is streamed when no other is named.
const RECORDING: &str = "config/audio/caller.wav";
/// The simulated model's recordings.
const EARS: &str = "config/audio";
/// Where the simulated services are when a tenant is named, whose file may name them.
const SERVICES_PORT: u16 = 8090;
/// What is set where nobody else has said what it is. The last is for tenants whose
/// files say that their services are on this machine.
const DEFAULTS: [(&str, &str); 8] = [
    ("DATABASE_URL", "sqlite://.data/demo/trunkline.sqlite"),
    ("PHRASE_CACHE_DIR", ".data/demo/phrases"),
    ("RECORDER_KEEP", "all"),
    ("RECORDER_DIR", ".data/demo/recordings"),
    ("RECORDER_KEY_FILE", ".data/demo/recorder.key"),
    ("TWILIO_AUTH_TOKEN", "demo-auth-token"),
    ("RUST_LOG", "warn"),
    ("DIAL_PRIVATE_NETWORKS", "127.0.0.1"),
];
/// Longest a demo call lasts.
const LONGEST: Duration = Duration::from_secs(120);

/// What the demo is told.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DemoArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Speech to stream: a WAV file, 8 kHz best, mono.
    #[arg(long, value_name = "FILE", default_value = RECORDING)]
    wav: PathBuf,
    /// Which tenant is called; else the one that answers numbers nobody owns.
    #[arg(long, value_name = "NAME", value_parser = TenantId::parse)]
    tenant: Option<TenantId>,
    /// Port of the simulated model and services; else 8090 where a tenant is named,
    /// and any free one where none is.
    #[arg(long, value_name = "PORT")]
    services_port: Option<u16>,
    /// End after the call, with its result as exit code.
    #[arg(long)]
    once: bool,
}

/// Runs the demo; answers the process's exit code: 0 when the call went well.
pub async fn run(args: DemoArgs) -> i32 {
    match demo(args).await {
        Ok(well) => i32::from(!well),
        Err(error) => {
            complain(&error);
            1
        }
    }
}

async fn demo(args: DemoArgs) -> Result<bool, String> {
    let script = read_script(&args.wav)?;
    let named = args.tenant.as_ref().map_or(0, |_| SERVICES_PORT);
    let providers = start_services(args.services_port.unwrap_or(named)).await?;
    let environment = demo_environment(&providers);
    let configuration =
        load(&args.config, &environment).map_err(|problems| problems.to_string())?;
    crate::log::start(&configuration.settings.log);
    let auth_token = environment.secret("TWILIO_AUTH_TOKEN");
    let recorder = configuration.settings.recorder.clone();
    let number = demo_number(&configuration, args.tenant.as_ref())?;
    let server = server::start(configuration, environment).await.map_err(|e| e.to_string())?;
    let base = format!("http://127.0.0.1:{}", server.address.port());
    let view = View::new(&base, &number);
    view.opening();

    let mut plan = CallPlan::new(&base);
    plan.public_url = Some(server.public_url.as_str().to_owned());
    plan.to = number;
    plan.auth_token = auth_token.map(|token| token.expose_secret().to_owned());
    plan.script = script;
    plan.max_duration = LONGEST;
    plan.status = Some(StatusPlan::default());
    let well = show_call(&plan, &server, &base, &view).await;
    view.where_to_look(server.ops_token.expose_secret(), plan.auth_token.as_deref(), &recorder);
    if !args.once {
        view.stays_up();
        wait_for_interrupt().await;
    }
    server.stop().await;
    providers.stop().await;
    Ok(well)
}

fn read_script(wav: &Path) -> Result<Script, String> {
    let mut library = Library::new(Path::new(""), Path::new("config/audio/utterances"));
    library.file(wav).map(Script::playing).map_err(|error| error.to_string())
}

async fn start_services(port: u16) -> Result<RunningProviders, String> {
    let ears = Some(PathBuf::from(EARS)).filter(|folder| folder.is_dir());
    let options = ProvidersOptions { ears, port, ..ProvidersOptions::default() };
    serve(options).await.map_err(|error| error.to_string())
}

/// The process's environment, with what makes the demo safe and whole: the
/// simulated model, keys that are none for it and for the simulated services, one to
/// sign webhooks with, and a database and a phrase cache of its own unless others
/// are named.
fn demo_environment(providers: &RunningProviders) -> Environment {
    let mut environment = Environment::of_process();
    environment.set("OPENAI_REALTIME_URL", providers.url());
    for key in ["OPENAI_API_KEY", "SIMULATED_API_KEY"] {
        environment.set(key, "simulated");
    }
    environment.set("OPENAI_REALTIME_DIALECT", "ga");
    environment.set("PUBLIC_URL", "");
    let unset = |environment: &Environment, name: &str| {
        environment.get(name).ok().flatten().is_none_or(str::is_empty)
    };
    for (name, value) in DEFAULTS {
        if unset(&environment, name) {
            environment.set(name, value);
        }
    }
    if unset(&environment, "PORT") && TcpListener::bind(("0.0.0.0", 8080)).is_err() {
        environment.set("PORT", "0");
    }
    environment
}

/// The number that is called.
fn demo_number(configuration: &Configuration, named: Option<&TenantId>) -> Result<String, String> {
    let tenants = configuration.book.current();
    let number = match named {
        Some(name) => {
            let tenant = tenants.iter().find(|tenant| tenant.id == *name);
            let tenant = tenant.ok_or_else(|| format!("there is no tenant {name}"))?;
            tenant.numbers.first().cloned()
        }
        None => {
            let default =
                tenants.default_tenant().and_then(|tenant| tenant.numbers.first().cloned());
            default.or_else(|| tenants.numbers().next().map(|(number, _)| number.clone()))
        }
    };
    let number = number.ok_or("no tenant has a number to call")?;
    Ok(number.expose().to_owned())
}

/// Places the call and shows it until it is over and stored.
async fn show_call(plan: &CallPlan, server: &Server, base: &str, view: &View) -> bool {
    let (events, mut heard) = mpsc::unbounded_channel();
    let api = Api::new(base, server.ops_token.expose_secret());
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let call = place_call(plan, Some(events));
    tokio::pin!(call);
    let report: CallReport = loop {
        tokio::select! {
            report = &mut call => break report,
            Some(event) = heard.recv() => view.phone(&event),
            _ = looks.tick() => {
                view.stored(&api).await;
                view.show();
            }
        }
    };
    while let Ok(event) = heard.try_recv() {
        view.phone(&event);
    }
    // The carrier's side is over first; the record follows within moments.
    for _ in 0..30 {
        view.stored(&api).await;
        if view.is_over() {
            break;
        }
        looks.tick().await;
    }
    view.result(&report)
}

async fn wait_for_interrupt() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
