//! The command line, as a person or a script uses it.

mod calls;
mod demo;
mod start;

use std::path::Path;
use std::process::{Output, Stdio};

use crate::support;

/// Runs `trunkline` to its end in the repository's root with nothing in its
/// environment but `env`.
pub async fn trunkline(arguments: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = support::trunkline();
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs(env.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // The simulated model may live on this thread: it is not to be held up.
    actix_rt::task::spawn_blocking(move || command.output().expect("it can be run")).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Its exit code, what it printed and what it complained of.
pub fn told(output: &Output) -> (Option<i32>, String, String) {
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}
