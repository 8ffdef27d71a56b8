//! The server: what faces the outside.

pub mod cli;
pub mod config;
pub mod http;
pub mod log;
pub(crate) mod recordings;
pub mod server;
pub mod telemetry;
