//! A pipeline as a call sees it, with services played by hand in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail loudly"
)]

mod answers;
mod failover;
mod stages;
#[expect(unreachable_pub, reason = "shared by the modules beside it")]
mod world;
