//! The realtime protocol of the speech model, as a state machine without I/O:
//! texts and times in, texts and a deadline out. `socket` is the shell around it.

mod audio;
mod client;
mod config;
mod context;
mod conversation;
mod dialect;
mod echo;
mod ending;
mod error;
mod fields;
mod input;
mod merge;
mod plan;
mod queue;
mod response;
mod session;
pub(crate) mod socket;
mod steps;
mod usage;
mod vad;

pub(crate) use audio::Voice;
pub(crate) use dialect::Dialect;
pub(crate) use queue::Queue;
pub(crate) use session::{Output, Seat, Session};
pub(crate) use vad::{Detector, Edge, VadSettings};
