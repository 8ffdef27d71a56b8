//! The actor tree: one supervised actor per call with its children, and the
//! services of the node that all calls share.
//!
//! An actor here is a shell. It owns a socket, a timer or a detector; it turns
//! what happens there into an event for the call, and does what the call tells
//! it. What a call *decides* is in `trunkline_core::call`.

pub mod barge_in;
pub mod blocked;
pub mod call;
pub mod clock;
pub mod dispositions;
pub mod fault;
pub mod fleet;
pub mod latest;
pub mod limiter;
pub mod media_link;
pub mod message;
pub mod metrics;
mod model_events;
mod model_pulse;
mod model_socket;
pub mod node;
pub mod persistence;
pub mod phrases;
pub mod pipeline;
pub mod realtime_session;
pub mod recorder;
pub mod registry;
pub mod service;
pub mod side_effects;
pub mod spending;
pub mod supervise;
pub mod switches;
pub mod task;
pub mod tool_runner;
pub mod trace;
pub mod tree;
pub mod turn_manager;
pub mod twilio_stream;
mod unserved;
