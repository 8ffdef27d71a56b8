//! The call core in virtual time, one file per behaviour.
#![allow(
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

mod answered;
mod barge_in;
mod barge_in_hold;
mod barge_in_modes;
mod barge_in_stages;
mod broken_off;
mod children;
mod conversation;
mod costs;
mod dead_air;
mod digits;
mod dtmf;
mod goodbye;
mod greeting;
mod handover;
mod handshake;
mod hangup;
mod latency;
mod limits;
mod model_loss;
mod races;
mod random;
mod recorder;
mod recorder_damage;
mod recycling;
#[expect(unreachable_pub, reason = "shared by the modules beside it")]
mod scenes;
mod sentences;
mod silence;
mod suspicion;
mod sweep;
mod tools;
mod turns;
mod watchdog;
