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
mod service;
mod token;

use std::fs;
use std::path::{Path, PathBuf};

use trunkline_core::tenant::Mode;

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

/// Those that are not played in both modes. Each says in its first lines why.
const WITH_A_SPEECH_MODEL: [&str; 7] = [
    "fallback-model-slow",
    "fallback-model",
    "model-60-minutes",
    "model-expires-sooner",
    "model-mute-later",
    "model-stalls",
    "pipeline-takes-over",
];
const IN_A_PIPELINE: [&str; 15] = [
    "an-hour-of-pipeline",
    "chat-dies-after-words",
    "chat-mute",
    "chat-refused",
    "chat-stalls",
    "chats-all-away",
    "orders-to-the-agent",
    "recogniser-lost-in-answer",
    "recogniser-lost-mid-word",
    "recognisers-all-away",
    "unsafe-answer",
    "voice-dies-mid-sentence",
    "voice-mute-in-farewell",
    "voice-refused",
    "voices-all-away",
];

const MODES: [(Mode, &str); 2] =
    [(Mode::Realtime, "with a speech model"), (Mode::Pipeline, "in a pipeline")];

#[test]
fn every_conversation_goes_as_it_is_written_in_both_modes() {
    let chosen = chosen();
    let mut failures = Vec::new();
    let mut played = 0;
    for (path, text) in scripts() {
        if chosen.as_ref().is_some_and(|chosen| *chosen != name(&path)) {
            continue;
        }
        let shown = format!("tests/conversations/{}.conv", name(&path));
        let script = match parse::script(&text) {
            Ok(script) => script,
            Err(error) => {
                failures.push(format!("{shown}:{error}"));
                continue;
            }
        };
        for (mode, how) in MODES {
            if script.only.as_ref().is_some_and(|(only, _)| *only != mode) {
                continue;
            }
            played += 1;
            failures.extend(play(&script, mode).err().map(|e| format!("{how}: {shown}:{e}")));
        }
    }
    let least = if chosen.is_some() { 1 } else { 150 };
    assert!(played >= least, "only {played} conversations were found in {FOLDER}");
    assert!(
        failures.is_empty(),
        "{} of {played} fail\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

#[test]
fn few_conversations_are_of_one_mode_alone_and_each_says_why() {
    let mut found = (Vec::new(), Vec::new());
    for (path, text) in scripts() {
        match parse::script(&text).unwrap().only {
            Some((Mode::Realtime, _)) => found.0.push(name(&path)),
            Some((Mode::Pipeline, _)) => found.1.push(name(&path)),
            Some((Mode::Bridge, _)) | None => {}
        }
    }
    assert_eq!(found.0, WITH_A_SPEECH_MODEL);
    assert_eq!(found.1, IN_A_PIPELINE);
}
