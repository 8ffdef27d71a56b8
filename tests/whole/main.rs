//! Whole-system tests: a server process of its own for each, a simulated carrier
//! and a simulated model over real sockets, and a real database: SQLite, or with
//! `TEST_DATABASE=postgres` a private Postgres cluster.
#![allow(
    unreachable_pub,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod support;

mod conversation;
mod greeting;
