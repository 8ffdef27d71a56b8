//! The `trunkline` program.

use clap::Parser as _;
use trunkline::cli::{self, Cli};

fn main() {
    std::process::exit(cli::run(Cli::parse()));
}
