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
mod call_faults;
mod caller_leaves;
mod child_faults;
mod drain;
mod model_dies;
mod model_mute;
mod model_oddities;
mod model_refused;
mod node_lost;
mod service_faults;
mod slow_database;
mod bad_streams;
mod signatures;
mod tokens;
mod commands;
mod dialects;
mod goodbye;
mod human;
mod interruption;
mod metric_names;
mod pcm;
mod personas;
mod tree;
mod turns;
mod twiml;
mod traces;
mod aliases;
mod caps;
mod idle_sessions;
mod no_human;
mod nothing_personal;
mod operators;
mod readiness;
mod statuses;
mod switches;
mod webhooks;
mod what_follows;
