//! Chat completions, streamed: the dialect that nearly every language model
//! speaks. One request for each turn; the answer comes as server-sent events.
//!
//! * [`Request::write`] makes the body; [`request_target`] and [`headers`] say
//!   where it goes.
//! * [`Stream`] reads the answer from bytes as they come, cut anywhere.
//! * [`Refusal`](crate::wire::refusal::Refusal) reads an answer that is no stream.

mod chunk;
mod event;
mod lines;
mod request;
mod stream;

pub use event::{ChatEvent, FinishReason, StreamError, Usage};
pub use lines::{Lines, MAX_LINE_BYTES, TooLong};
pub use request::{Message, Request, ToolCall, ToolChoice, headers, request_target};
pub use stream::{MAX_ARGUMENT_BYTES, MAX_CALLS, Stream};
