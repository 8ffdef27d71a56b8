//! The request's body, without its alarm, and without frames beyond measure.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use futures_util::{Stream, StreamExt as _};

use super::heads::Heads;

/// A body that wakes nobody when more of it comes.
///
/// The actor is polled as the response's body, by the very task that reads the
/// request's body: that task polls the response each time after it has read, so
/// the news reaches the actor in the same poll. The alarm would only make the
/// whole task run a second time, for every frame of the caller's.
///
/// This holds for HTTP/1 alone, which is what WebSockets come over.
pub(super) struct Quiet {
    body: Payload,
    heads: Heads,
}

impl Quiet {
    pub(super) fn new(body: Payload) -> Self {
        Self { body, heads: Heads::default() }
    }
}

impl Stream for Quiet {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let polled = this.body.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
        polled.map_ok(|bytes| this.heads.pass(bytes))
    }
}
