//! What holds of a fleet in memory and of one in a real Redis: one body for both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    unreachable_pub,
    reason = "a test may fail loudly"
)]

mod outages;
mod slots;
mod support;
mod tokens;
mod windows;
