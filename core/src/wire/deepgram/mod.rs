//! Deepgram's live recognition, version 1: the caller's audio goes out as
//! binary frames, words come back as JSON texts. Every compatible server speaks
//! it too, so the URL is the setting that chooses one.
//!
//! * [`Listen`] says what is asked for, in the URL; [`headers`] carry the key.
//! * [`parse`] reads what comes.
//! * [`Control`] is what is sent beside audio.
//! * [`Closing::read`] says what a close frame means.
//!
//! Times count from the start of the connection, not of the call. An empty
//! binary frame ends the stream, so no empty piece of audio may ever be sent.

mod closing;
mod event;
mod listen;
mod parse;

pub use closing::Closing;
pub use event::{Results, ServerEvent, ServiceError, Word};
pub use listen::{Control, Listen, headers};
pub use parse::{MAX_MESSAGE_BYTES, ParseError, parse};

/// Audio that must come within the first ten seconds, or [`Control::KeepAlive`]
/// after it: a connection that gets neither is closed with `NET-0001`.
/// Milliseconds between two keep-alives that leave room for a slow line.
pub const KEEP_ALIVE_MS: u64 = 4_000;
