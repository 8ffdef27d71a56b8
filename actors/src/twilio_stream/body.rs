//! The response's body: what the actor writes, asked for once a wake-up.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

/// Whether the stream carries a call: the actor's end of what its body knows.
#[derive(Debug)]
pub(super) struct Carrying(Rc<Cell<bool>>);

/// The body's end of it.
#[derive(Debug)]
pub(super) struct Carried(Rc<Cell<bool>>);

impl Carrying {
    /// Both ends.
    pub(super) fn pair() -> (Self, Carried) {
        let flag = Rc::default();
        (Self(Rc::clone(&flag)), Carried(flag))
    }

    /// It does, until what is returned is dropped.
    pub(super) fn begin(&self) -> While {
        self.0.set(true);
        While(Rc::clone(&self.0))
    }
}

impl Carried {
    /// The body as it is asked for while the stream lasts.
    pub(super) fn of(self, body: BoxBody) -> Frugal {
        Frugal { body, carrying: self.0, gave: false }
    }
}

/// See [`Carrying::begin`].
#[derive(Debug)]
pub(super) struct While(Rc<Cell<bool>>);

impl Drop for While {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// A body is asked for more until it has none, and to find that out the whole
/// actor would be polled a second time for every frame. But each time it is
/// polled it gives all that it has, so that while it carries a call there is
/// nothing more to be had at once. At its end it is asked as ever.
pub(super) struct Frugal {
    body: BoxBody,
    carrying: Rc<Cell<bool>>,
    gave: bool,
}

impl MessageBody for Frugal {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if std::mem::take(&mut self.gave) && self.carrying.get() {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_next(context);
        self.gave = polled.is_ready();
        polled
    }
}
