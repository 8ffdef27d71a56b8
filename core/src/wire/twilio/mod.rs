//! Twilio's dialects: signed webhooks, TwiML, and Media Streams.
//!
//! What Twilio sends is read liberally: fields and events it may add are
//! ignored. What it is sent is exact, because Twilio is not liberal in turn.
//!
//! - [`stream`]: Media Streams, our end.
//! - [`carrier`]: Media Streams, the carrier's end, for the simulated carrier.
//! - [`signature`]: `X-Twilio-Signature`, of webhooks and of the stream's handshake.
//! - [`form`]: a webhook's body as ordered pairs, which is what is signed.
//! - [`webhook`]: what a webhook says, as typed data.
//! - [`twiml`]: the documents that webhooks are answered with.

pub mod carrier;
pub mod form;
mod json;
pub mod signature;
pub mod stream;
pub mod twiml;
pub mod webhook;
mod xml;

pub use form::{Form, FormError};
pub use signature::SignatureError;
pub use stream::{
    MAX_MESSAGE_BYTES, Media, MediaFormat, StreamError, StreamMessage, StreamStart, Track, parse,
    write_clear, write_mark, write_media,
};
pub use twiml::{
    ConnectStream, Dial, Gather, GatherInput, Record, RejectReason, Twiml, TwimlError,
};
pub use webhook::{
    CarrierStatus, ConnectActionWebhook, DialActionWebhook, Direction, StatusWebhook, StreamEvent,
    StreamStatusWebhook, VoiceWebhook, WebhookError,
};
