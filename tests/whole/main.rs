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

mod aliases;
mod bad_streams;
mod bench;
mod blocked_numbers;
mod booking_metrics;
mod bookings;
mod call_faults;
mod caller_leaves;
mod canary;
mod caps;
mod child_faults;
mod clock_jumps;
mod commands;
mod conversation;
mod conversations;
mod costs;
mod costs_killed;
mod database_away;
mod dialects;
mod disk_full;
mod drain;
mod drain_crowd;
mod erase;
mod finals;
mod first_audio;
mod fleet;
mod fleet_killed;
mod fleet_outage;
mod flood;
mod goodbye;
mod greeting;
mod half_open;
mod human;
mod idle_sessions;
mod interruption;
mod killed;
mod late_callbacks;
mod limits;
mod machines;
mod metric_names;
mod model_dies;
mod model_mute;
mod model_oddities;
mod model_refused;
mod no_human;
mod node_lost;
mod nothing_personal;
mod operators;
mod outage;
mod pcm;
mod personas;
mod pipeline;
mod pipeline_latency;
mod pipeline_speculation;
mod quiet_callers;
mod readiness;
mod recordings;
mod reordered;
mod replay;
mod retention;
mod rolling_restart;
mod service_faults;
mod signatures;
mod slow_database;
mod soak;
mod soak_hour;
mod speech_services;
mod statuses;
mod steered;
mod storm;
mod switches;
mod threats;
mod tokens;
mod traces;
mod tree;
mod true_speech;
mod turns;
mod twiml;
mod warm;
mod webhooks;
mod what_follows;
