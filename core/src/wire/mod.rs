//! The wire dialects: what peers send and what they are sent, as typed data.
//! Every parser here reads bytes from outside, so every one of them returns an
//! error for what it cannot read and never panics.

pub mod azure_speech;
pub mod chat;
pub mod deepgram;
pub mod elevenlabs;
mod loose;
pub mod realtime;
pub mod recogniser;
pub mod refusal;
mod scan;
pub mod transcription;
pub mod twilio;
pub mod url;
mod xml;
