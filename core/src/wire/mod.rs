//! The wire dialects: what peers send and what they are sent, as typed data.
//! Every parser here reads bytes from outside, so every one of them returns an
//! error for what it cannot read and never panics.

pub mod realtime;
mod scan;
pub mod twilio;
