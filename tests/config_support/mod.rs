//! A small good configuration in memory, for tests to spoil.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several tests, which may fail loudly"
)]

pub(crate) mod folder;

use std::sync::Arc;

use trunkline::config::{self, Configuration, Environment, MemoryFiles, Problems};

pub(crate) const PERSONA: &str =
    "+++\ngreeting = \"Hello, {{ company }}.\"\n+++\nYou are {{ persona }}.\n";
pub(crate) const TENANT: &str = "company = \"Acme\"\nnumbers = [\"+15550100001\"]\npersona = \"p\"\nhuman_number = \"+15550100099\"\n";

/// One tenant `a` with one persona `p`, and no settings file.
pub(crate) fn files() -> MemoryFiles {
    MemoryFiles::default()
        .with("config/personas/p.md", PERSONA)
        .with("config/tenants/a.toml", TENANT)
}

/// The same, with a settings file.
pub(crate) fn with_settings(text: &str) -> MemoryFiles {
    files().with("config/trunkline.toml", text)
}

pub(crate) fn load(files: MemoryFiles, env: &[(&str, &str)]) -> Result<Configuration, Problems> {
    config::load(None, &Environment::from_pairs(env.iter().copied()), Arc::new(files))
}

pub(crate) fn good(files: MemoryFiles, env: &[(&str, &str)]) -> Configuration {
    load(files, env).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The problems of a bad configuration.
pub(crate) fn bad(files: MemoryFiles, env: &[(&str, &str)]) -> Problems {
    load(files, env).map(|_| ()).expect_err("it should not load")
}

/// Asserts that one problem has this place and key, and these words in what is
/// wrong and in the fix.
#[track_caller]
pub(crate) fn assert_problem(
    problems: &Problems,
    source: &str,
    key: &str,
    message: &str,
    fix: &str,
) {
    let found = problems.iter().any(|p| {
        p.source.to_string() == source
            && p.key == key
            && p.message.contains(message)
            && p.fix.contains(fix)
    });
    assert!(found, "no problem {source} / {key} / {message} / {fix} among:\n{problems}");
}
