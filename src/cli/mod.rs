//! The commands of `trunkline`, one file each.

pub mod bench;
pub mod check;
pub mod check_report;
pub mod costs;
pub mod demo;
mod demo_lines;
mod demo_view;
pub mod erase;
pub mod export;
pub mod migrate;
mod person;
pub mod replay;
mod replay_view;
pub mod serve;

use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::Arc;

use trunkline_simulator::{carrier, providers};

use crate::config::{self, Configuration, Disk, Environment, Problems};

/// The call engine for voice agents.
#[derive(Debug, clap::Parser)]
#[command(name = "trunkline", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Answer calls.
    Serve(ConfigArgs),
    /// Start with a simulated model, place one simulated call and show it.
    Demo(demo::DemoArgs),
    /// Check the configuration and say what a call to each number would do.
    Check(check::CheckArgs),
    /// Print what calls cost, by tenant and day.
    Costs(costs::CostsArgs),
    /// Bring the database up to date.
    Migrate(ConfigArgs),
    /// Remove everything about a phone number, wherever it is kept.
    Erase(erase::EraseArgs),
    /// Print everything that is held about a phone number.
    Export(export::ExportArgs),
    /// Run a flight recording again: what happened, what was decided, and why.
    Replay(replay::ReplayArgs),
    /// Measure how good the engine is, over real sockets.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Simulated peers, for tests and for load.
    #[command(subcommand)]
    Simulate(Simulate),
}

/// Simulated peers.
#[derive(Debug, clap::Subcommand)]
pub enum Simulate {
    /// Callers, by way of a carrier: signed webhooks and media streams.
    Calls(Box<carrier::SimulateCallsOptions>),
    /// A realtime speech model, and the services of a speech pipeline.
    Providers(Box<providers::ProvidersOptions>),
}

/// Where the settings are.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConfigArgs {
    /// The settings file; else TRUNKLINE_CONFIG, else config/trunkline.toml.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Does what the command line says; answers the process's exit code.
#[must_use]
pub fn run(cli: Cli) -> i32 {
    match cli.command {
        Command::Check(args) => check::run(args),
        Command::Costs(args) => costs::run(&args),
        Command::Erase(args) => actix_rt::System::new().block_on(erase::run(args)),
        Command::Export(args) => actix_rt::System::new().block_on(export::run(args)),
        Command::Migrate(args) => migrate::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Serve(args) => {
            // Dropped, it would wait for each thread that is inside the database,
            // and a database may hang for ever.
            ManuallyDrop::new(actix_rt::System::new()).block_on(serve::run(args))
        }
        Command::Bench(bench) => actix_rt::System::new().block_on(bench::run(bench)),
        Command::Demo(args) => actix_rt::System::new().block_on(demo::run(args)),
        Command::Simulate(Simulate::Calls(options)) => {
            actix_rt::System::new().block_on(carrier::run(*options))
        }
        Command::Simulate(Simulate::Providers(options)) => {
            actix_rt::System::new().block_on(simulate_providers(*options))
        }
    }
}

async fn simulate_providers(options: providers::ProvidersOptions) -> i32 {
    match providers::run(options).await {
        Ok(()) => 0,
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

fn load(args: &ConfigArgs, environment: &Environment) -> Result<Configuration, Problems> {
    config::load(args.config.as_deref(), environment, Arc::new(Disk))
}

/// Says on standard error why the command ends.
#[expect(clippy::print_stderr, reason = "this is how a command says why it ends")]
pub(crate) fn complain(message: &str) {
    eprintln!("trunkline: {message}");
}
