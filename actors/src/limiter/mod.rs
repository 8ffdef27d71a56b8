//! The limiter: who may have a slot, and which stream may claim it.
//!
//! The carrier's webhook reserves: it takes a permit and gets a token. The media
//! stream claims: it shows the token and takes the permit along. A reservation
//! without a stream gives its permit back after a while, and a token is good
//! once, for its own call and account, for as long as the settings say.
//!
//! Every slot is taken twice: here, and in the fleet, where those of all nodes are
//! counted. While the fleet cannot be asked a node keeps to its share.

mod begin;
mod claim;
mod reserve;
mod sources;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext as _, Context};
use tokio::sync::oneshot;
use trunkline_core::ids::{AccountSid, CallSid};

use crate::message::Shell;
use crate::tree::Probe;

pub use claim::{
    Booking, Claim, ClaimRefusal, Full, HungUp, OnUnserved, Permit, Unbegun, Unserved,
};
pub use sources::BadSignature;
pub use state::{FindTenant, LimiterSettings, LimiterState};

use begin::Card;

/// What the limiter is told.
pub enum LimiterMessage {
    /// Take a slot for a call. Asked again for the same call it answers the same
    /// token and takes no second slot.
    Reserve {
        /// The call.
        booking: Box<Booking>,
        /// The token for the stream.
        reply: oneshot::Sender<Result<String, Full>>,
    },
    /// A stream shows its token.
    Claim {
        /// The call that the stream says it belongs to.
        call_sid: CallSid,
        /// The account that the stream says it belongs to.
        account_sid: AccountSid,
        /// The token.
        token: String,
        /// Whether the caller hangs up before the call has begun.
        hung_up: HungUp,
        /// Whether it may begin.
        reply: oneshot::Sender<Result<Claim, ClaimRefusal>>,
    },
    /// The call is over without a stream: give its slot back.
    Forget {
        /// The call.
        call_sid: CallSid,
    },
}

/// See the module's text.
pub struct Limiter {
    probe: Arc<Probe>,
    state: Arc<LimiterState>,
    on_unserved: OnUnserved,
}

impl Limiter {
    /// An actor over what the limiter knows.
    #[must_use]
    pub fn new(probe: Arc<Probe>, state: Arc<LimiterState>, on_unserved: OnUnserved) -> Self {
        Self { probe, state, on_unserved }
    }
}

impl Actor for Limiter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let ttl = self.state.settings.reservation_ttl;
        let every = (ttl / 20).clamp(Duration::from_millis(20), Duration::from_secs(1));
        context.run_interval(every, |limiter, _| {
            for booking in limiter.state.sweep() {
                (limiter.on_unserved)(&booking, Unserved::NoStream);
            }
        });
    }
}

impl Shell for Limiter {
    type Message = LimiterMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: LimiterMessage, _context: &mut Self::Context) {
        match message {
            LimiterMessage::Reserve { booking, reply } => {
                self.state.reserve(*booking, reply);
            }
            LimiterMessage::Claim { call_sid, account_sid, token, hung_up, reply } => {
                let on_unserved = Arc::clone(&self.on_unserved);
                let unbegun = |booking| Unbegun::new(on_unserved, booking, hung_up);
                self.state.claim(Card { call_sid, account_sid, token }, unbegun, reply);
            }
            LimiterMessage::Forget { call_sid } => self.state.forget(&call_sid),
        }
    }
}

crate::receives_letters!(Limiter);
