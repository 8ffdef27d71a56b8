//! How actors are spoken to: the only module that puts anything into a mailbox.
//!
//! actix's own `do_send` ignores a mailbox's capacity and cannot be counted.
//! Here every message passes a [`Link`], which counts what waits; what could grow
//! without bound (audio) never becomes a message at all.

use std::sync::Arc;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, AsyncContext, Handler};

use crate::fault::Fault;
use crate::tree::Probe;

/// What lies in a mailbox.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub enum Letter<M> {
    /// A message.
    Message(M),
    /// An injected fault; none ever in a build without fault injection.
    Fault(Fault),
}

/// An actor of this tree: one type of message, one probe.
pub trait Shell: Actor + Sized {
    /// What it is told.
    type Message: Send + 'static;

    /// Its numbers.
    fn probe(&self) -> &Arc<Probe>;

    /// Takes in a message.
    fn receive(&mut self, message: Self::Message, context: &mut Self::Context);
}

/// The way to an actor's mailbox.
pub struct Link<A: Shell> {
    address: Addr<A>,
    probe: Arc<Probe>,
}

impl<A: Shell> std::fmt::Debug for Link<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Link").field(&self.probe.id()).finish()
    }
}

impl<A: Shell> Clone for Link<A> {
    fn clone(&self) -> Self {
        Self { address: self.address.clone(), probe: Arc::clone(&self.probe) }
    }
}

impl<A> Link<A>
where
    A: Shell + Handler<Letter<<A as Shell>::Message>>,
    A::Context: AsyncContext<A> + ToEnvelope<A, Letter<A::Message>>,
{
    /// The way to the actor behind `address`.
    #[must_use]
    pub fn new(address: Addr<A>, probe: Arc<Probe>) -> Self {
        Self { address, probe }
    }

    /// Puts a message into the mailbox. A message to an actor that is gone is
    /// lost; whoever must know watches the actor's exit.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    pub fn tell(&self, message: A::Message) {
        self.probe.sent();
        self.address.do_send(Letter::Message(message));
    }

    /// Puts a fault into the mailbox.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    #[cfg(feature = "fault-injection")]
    pub fn inject(&self, fault: Fault) {
        self.probe.sent();
        self.address.do_send(Letter::Fault(fault));
    }

    /// Whether the actor lives.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.address.connected()
    }

    /// The actor's numbers.
    #[must_use]
    pub fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }
}

/// Makes a [`Shell`] receive what its [`Link`]s are given.
#[macro_export]
macro_rules! receives_letters {
    ($actor:ty) => {
        impl actix::Handler<$crate::message::Letter<<$actor as $crate::message::Shell>::Message>>
            for $actor
        {
            type Result = ();

            fn handle(
                &mut self,
                letter: $crate::message::Letter<<$actor as $crate::message::Shell>::Message>,
                context: &mut Self::Context,
            ) {
                let probe = std::sync::Arc::clone($crate::message::Shell::probe(self));
                probe.received();
                match letter {
                    $crate::message::Letter::Message(message) => {
                        probe.handle(|| $crate::message::Shell::receive(self, message, context))
                    }
                    $crate::message::Letter::Fault(fault) => {
                        $crate::fault::commit(fault, self, &probe, context);
                    }
                }
            }
        }
    };
}
