//! `trunkline migrate`: brings the database up to date and says what was done.

use secrecy::ExposeSecret as _;
use trunkline_store::{Store, StoreError};

use super::{ConfigArgs, complain, load};
use crate::config::Environment;

/// Migrates; answers the process's exit code.
#[must_use]
pub fn run(args: &ConfigArgs) -> i32 {
    let settings = match load(args, &Environment::of_process()) {
        Ok(configuration) => configuration.settings,
        Err(problems) => {
            complain(&problems.to_string());
            return 1;
        }
    };
    match migrate(settings.store.url.expose_secret()) {
        Ok(done) => {
            tell(&done);
            0
        }
        Err(error) => {
            complain(&error.to_string());
            1
        }
    }
}

fn migrate(url: &str) -> Result<Vec<String>, StoreError> {
    Store::open(url, 1)?.migrate()
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn tell(done: &[String]) {
    if done.is_empty() {
        println!("the database is up to date");
    }
    for migration in done {
        println!("applied {migration}");
    }
}
