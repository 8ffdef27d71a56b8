//! Twilio's dialects: signed webhooks, TwiML, and Media Streams.
//!
//! What Twilio sends is read liberally: fields and events it may add are
//! ignored. What it is sent is exact, because Twilio is not liberal in turn.
//!
//! - [`stream`]: Media Streams, our end.
//! - [`carrier`]: Media Streams, the carrier's end, for the simulated carrier.
//! - [`signature`]: `X-Twilio-Signature`, of webhooks and of the stream's handshake.
//! - [`form`]: a webhook's body as ordered pairs, which is what is signed.
//! - [`webhook`]: what a webhook says, as typed data; [`status`] is the part that
//!   arrives in any order. [`recording`] is what it says of recordings, and how they
//!   are asked for.
//! - [`twiml`]: the documents that webhooks are answered with, made of [`verbs`].

pub mod carrier;
pub mod form;
mod json;
pub mod recording;
pub mod signature;
pub mod status;
pub mod stream;
pub mod twiml;
pub mod verbs;
pub mod webhook;

pub use form::{Form, FormError};
pub use signature::SignatureError;
pub use status::CarrierStatus;
pub use stream::{
    MAX_MESSAGE_BYTES, Media, MediaFormat, StreamError, StreamMessage, StreamStart, Track, parse,
    write_clear, write_mark, write_media,
};
pub use twiml::Twiml;
pub use verbs::{ConnectStream, Dial, Gather, GatherInput, Record, RejectReason, TwimlError};
pub use webhook::{
    AmdWebhook, ConnectActionWebhook, DialActionWebhook, Direction, StatusWebhook, StreamEvent,
    StreamStatusWebhook, VoiceWebhook, WebhookError,
};
