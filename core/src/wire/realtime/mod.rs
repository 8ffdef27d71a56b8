//! The OpenAI Realtime protocol: one JSON text message per event, written and
//! read here as typed data. Two dialects exist. *GA* is the current one;
//! *beta* is the retired shape that compatible servers still speak.
//!
//! * [`ClientEvent::write`] and [`write_append`] make what is sent.
//! * [`parse`] reads what comes back and takes the names of both dialects, so
//!   that only the sender has to know which one is spoken.
//! * [`request_target`] and [`headers`] open the WebSocket.
//!
//! To add a dialect: a variant of [`Dialect`], its session in `session.rs`, its
//! content types in `client.rs`, and its event names in `parse.rs`.

mod append;
mod client;
mod error;
mod event;
mod handshake;
mod parse;
mod raw;
mod response;
mod session;
mod spoken;
mod usage;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use append::{NotBase64, write_append};
pub use client::{ClientEvent, Item};
pub use error::{ApiError, ErrorClass, WireError};
pub use event::{AudioDelta, ServerEvent};
pub use handshake::{headers, request_target};
pub use parse::{MAX_MESSAGE_BYTES, parse};
pub use response::{ItemKind, ResponseStatus};
pub use session::{AudioFormat, SessionConfig, ToolSpec, TurnDetection};
pub use spoken::Spoken;
pub use usage::{TranscriptionUsage, Usage};

pub use crate::wire::url::UrlError;

/// Which of the two protocol shapes a session speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// The current protocol: nested session, `response.output_audio.*`.
    #[default]
    Ga,
    /// The retired one: flat session, `response.audio.*`, a beta header.
    Beta,
}

/// A text that names no dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no realtime dialect; use \"ga\" or \"beta\"")]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;
    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        match text {
            "ga" => Ok(Self::Ga),
            "beta" => Ok(Self::Beta),
            _ => Err(UnknownDialect(text.to_owned())),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ga => "ga",
            Self::Beta => "beta",
        })
    }
}
