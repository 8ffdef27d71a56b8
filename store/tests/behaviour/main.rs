//! The store's behaviour, one file each, against both databases. One program, so
//! that one private Postgres cluster serves all of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

#[macro_use]
mod support;

mod append_only;
mod batches;
mod blocked_numbers;
mod bookings;
mod concurrent_writers;
mod connection_errors;
mod costs;
mod early;
mod handoffs;
mod handshakes;
mod journal;
mod lost_nodes;
mod migrations;
mod no_secrets;
mod paging_and_counts;
mod privacy;
mod recordings;
mod replay;
mod same_schema;
mod side_effects;
mod status_order;
mod switches;
mod tenant_scope;
mod two_tenants;
mod what_was_heard;
