//! What passes between the webhook, which reserves, and the stream, which claims.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use trunkline_core::admission::TurnedAway;
use trunkline_core::ids::{AccountSid, CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;

use super::state::LimiterState;

/// The fleet has not heard of a permit.
const UNHEARD: u64 = u64::MAX;
/// The fleet may have heard of it, or soon will.
const UNNUMBERED: u64 = 0;

/// A slot, as it is known to those who list slots.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) call: CallSid,
    pub(super) tenant: TenantId,
    /// The fleet's number for it, or one of the two above.
    fence: AtomicU64,
}

impl Slot {
    /// The fleet gave it this number.
    pub(super) fn number(&self, fence: u64) {
        self.fence.store(fence, Ordering::Relaxed);
    }

    /// It is held without the fleet's leave.
    pub(super) fn unnumbered(&self) {
        // One that has its number keeps it; until now nobody else could give it one.
        if self.fence().is_none() {
            self.number(UNNUMBERED);
        }
    }

    /// It is no business of the fleet's any more: another node has the call.
    pub(super) fn disown(&self) {
        self.number(UNHEARD);
    }

    /// What the fleet is told of it; nothing where it is none of its business.
    pub(super) fn fence(&self) -> Option<u64> {
        Some(self.fence.load(Ordering::Relaxed)).filter(|fence| *fence != UNHEARD)
    }
}

/// A concurrency slot. Gives itself back when it is dropped, whatever the reason.
pub struct Permit {
    shared: Arc<LimiterState>,
    /// Lets the reservation see whether its call still lives.
    slot: Arc<Slot>,
}

impl Permit {
    pub(super) fn new(shared: Arc<LimiterState>, tenant: TenantId, call: CallSid) -> Self {
        let slot = Slot { call, tenant, fence: AtomicU64::new(UNHEARD) };
        Self { shared, slot: Arc::new(slot) }
    }

    pub(super) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// Lives as long as the permit.
    pub(super) fn watch(&self) -> Weak<Slot> {
        Arc::downgrade(&self.slot)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.release(&self.slot);
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Permit({})", self.slot.tenant)
    }
}

/// What the webhook knows of a call that is to be reserved.
#[derive(Clone, Debug)]
pub struct Booking {
    /// The call.
    pub call_sid: CallSid,
    /// The account that the webhook named.
    pub account_sid: Option<AccountSid>,
    /// Whose call it is, and by which rules.
    pub tenant: Arc<Tenant>,
    /// The caller.
    pub from: PhoneNumber,
    /// The number that was called.
    pub to: PhoneNumber,
}

/// Why no slot could be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The tenant has as many calls as it may.
    Tenant,
    /// A window of calls is full.
    Hour(TurnedAway),
    /// The process has as many calls as it may.
    Process,
    /// The process is about to end.
    Closed,
    /// The limiter did not answer, so nobody knows.
    Unknown,
}

/// Why a stream was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimRefusal {
    /// No call was reserved under this SID.
    UnknownCall,
    /// The token is not the one that was given out, or none was shown.
    WrongToken,
    /// The token was good once and has been used.
    Used,
    /// The token has become too old.
    Expired,
    /// The stream names another account than the webhook did.
    WrongAccount,
    /// The slot had been given back, and no other is free.
    Full,
    /// The limiter did not answer.
    Unavailable,
}

impl ClaimRefusal {
    /// The word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownCall => "unknown_call",
            Self::WrongToken => "wrong_token",
            Self::Used => "token_used",
            Self::Expired => "token_expired",
            Self::WrongAccount => "wrong_account",
            Self::Full => "no_slot",
            Self::Unavailable => "limiter_unavailable",
        }
    }
}

/// A claimed reservation: the call may begin.
#[derive(Debug)]
pub struct Claim {
    /// What the webhook knew.
    pub booking: Booking,
    /// The slot, now the call's.
    pub permit: Permit,
    /// To be told once the call has begun.
    pub unbegun: Unbegun,
    /// Whether the webhook came to another node, whose record of it may come late.
    pub elsewhere: bool,
}

/// Sees to it that a call whose token was good and that never began is not
/// forgotten: dropped without a word, it has the call closed.
pub struct Unbegun(Option<(OnUnserved, Booking, HungUp)>);

/// Set once the caller has hung up.
pub type HungUp = Arc<AtomicBool>;

impl Unbegun {
    pub(super) fn new(on_unserved: OnUnserved, booking: Booking, hung_up: HungUp) -> Self {
        Self(Some((on_unserved, booking, hung_up)))
    }

    /// The call has begun: it closes its own books from now on.
    pub fn begun(mut self) {
        self.0 = None;
    }
}

impl Drop for Unbegun {
    fn drop(&mut self) {
        if let Some((on_unserved, booking, hung_up)) = self.0.take() {
            let hung_up = hung_up.load(Ordering::Relaxed);
            on_unserved(&booking, if hung_up { Unserved::HungUp } else { Unserved::NotBegun });
        }
    }
}

impl std::fmt::Debug for Unbegun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unbegun({})", self.0.is_some())
    }
}

/// Why a call that was admitted never had its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// Its stream never came.
    NoStream,
    /// Its stream came, and the call could not begin.
    NotBegun,
    /// Its stream came, and the caller hung up before the call had begun.
    HungUp,
    /// The process ends before its stream came.
    Draining,
}

/// What is done with calls that were admitted and never had their agent.
pub type OnUnserved = Arc<dyn Fn(&Booking, Unserved) + Send + Sync>;
