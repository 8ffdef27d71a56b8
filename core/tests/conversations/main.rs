//! Scripted conversations: every file in `tests/conversations` is a call that is
//! played in virtual time. What a file may say is in the README beside them.
//! `CONVERSATION=name` plays one alone.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail loudly, and looks for the one variant it is about"
)]

#[path = "../support/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by the test binaries, each using its part")]
mod support;

mod action;
mod condition;
mod count;
mod given;
mod parse;
mod parse_tests;
mod play;
mod reply;
mod script;
mod token;

use std::fs;
use std::path::{Path, PathBuf};

use play::play;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conversations");

#[allow(clippy::disallowed_methods, reason = "a test may ask which of its calls to run")]
fn chosen() -> Option<String> {
    std::env::var("CONVERSATION").ok()
}

#[allow(clippy::disallowed_methods, reason = "a test reads its own files")]
fn scripts() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(FOLDER).expect("the folder of the conversations");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "conv"));
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

#[test]
fn every_conversation_goes_as_it_is_written() {
    let chosen = chosen();
    let mut failures = Vec::new();
    let mut played = 0;
    for (path, text) in scripts() {
        if chosen.as_ref().is_some_and(|chosen| *chosen != name(&path)) {
            continue;
        }
        played += 1;
        let shown = format!("tests/conversations/{}.conv", name(&path));
        match parse::script(&text) {
            Err(error) => failures.push(format!("{shown}:{error}")),
            Ok(script) => failures.extend(play(&script).err().map(|e| format!("{shown}:{e}"))),
        }
    }
    let least = if chosen.is_some() { 1 } else { 30 };
    assert!(played >= least, "only {played} conversations were found in {FOLDER}");
    assert!(
        failures.is_empty(),
        "{} of {played} fail\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}
