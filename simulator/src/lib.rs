//! A simulated carrier and simulated providers that speak the real wire protocols.

pub mod barge_in;
pub mod carrier;
pub mod providers;
pub mod speech;
mod thin;
