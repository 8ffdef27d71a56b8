//! The carrier's webhooks and its media stream.

pub(super) mod amd;
pub(super) mod connect_action;
pub(super) mod dial_action;
pub(super) mod fallback;
pub(super) mod menu;
pub(super) mod recording;
mod records;
mod signed;
pub(super) mod status;
pub(super) mod stream;
mod twiml;
pub(super) mod voice;

pub(crate) use twiml::recording_callback;
