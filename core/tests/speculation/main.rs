//! Answers that are begun before they are wanted, in virtual time: the call, its
//! turn manager, the pipeline and the media path, with services that take as long as
//! real ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail loudly, say what it measured, and looks for one variant"
)]

#[path = "../support/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by the test binaries, each using its part")]
mod support;

mod figures;
#[expect(unreachable_pub, reason = "shared by the modules beside it")]
mod greeted;
mod nothing_leaks;
mod sweep;
mod use_of_it;
