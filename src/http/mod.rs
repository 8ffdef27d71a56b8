//! What faces the outside over HTTP: the carrier's webhooks and media stream,
//! health and metrics, operations, and the API. Handlers are thin: they check
//! who asks, turn the request into plain data, ask `trunkline_core` or the node
//! what is to be done, and render the answer.

mod api;
mod appointments;
mod auth;
mod blocked_numbers;
mod body;
mod bookings;
mod costs;
#[cfg(feature = "fault-injection")]
mod faults;
mod guesses;
mod health;
mod holds;
mod ops;
mod quota;
mod recordings;
mod refusals;
pub mod routes;
pub mod shield;
mod source;
pub mod state;
mod twilio;

pub(crate) use twilio::recording_callback;
