//! The limiter: who may have a slot, and which stream may claim it.
//!
//! The carrier's webhook reserves: it takes a permit and gets a token. The media
//! stream claims: it shows the token and takes the permit along. A reservation
//! without a stream gives its permit back after a while, and a token is good
//! once, for its own call and account, for as long as the settings say.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext as _, Context};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;
use trunkline_core::ids::{AccountSid, CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::tenant::Tenant;

use crate::message::Shell;
use crate::metrics;
use crate::tree::Probe;

/// Clocks and caps of the process.
#[derive(Clone, Copy, Debug)]
pub struct LimiterSettings {
    /// Calls at once in the process; 0 is no cap.
    pub max_calls: u32,
    /// How long a reservation holds its slot without a stream.
    pub reservation_ttl: Duration,
    /// How long a stream's token is good.
    pub token_ttl: Duration,
}

/// A concurrency slot. Gives itself back when it is dropped, whatever the reason.
pub struct Permit {
    shared: Arc<LimiterState>,
    tenant: TenantId,
    /// Lets the reservation see whether its call still lives.
    _held: Arc<()>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.release(&self.tenant);
    }
}

impl std::fmt::Debug for Permit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Permit({})", self.tenant)
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
    /// The process has as many calls as it may.
    Process,
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
}

/// Sees to it that a call whose token was good and that never began is not
/// forgotten: dropped without a word, it has the call closed.
pub struct Unbegun(Option<(OnUnserved, Booking, HungUp)>);

/// Set once the caller has hung up.
pub type HungUp = Arc<AtomicBool>;

impl Unbegun {
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
}

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

struct Reservation {
    booking: Booking,
    /// None once the slot was given back for want of a stream.
    permit: Option<Permit>,
    /// The call that holds the slot, as long as it lives.
    holder: Weak<()>,
    /// Makes a token of its own for each reservation of a call.
    nonce: [u8; 16],
    made_at: Instant,
    claimed: bool,
}

#[derive(Default)]
struct Inner {
    held: HashMap<TenantId, u32>,
    total: u32,
    reservations: HashMap<CallSid, Reservation>,
}

/// What the limiter knows. Outlives the actor.
pub struct LimiterState {
    settings: LimiterSettings,
    /// Tokens are derived from this, so that none needs to be kept.
    secret: [u8; 32],
    inner: Mutex<Inner>,
}

impl std::fmt::Debug for LimiterState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LimiterState").finish_non_exhaustive()
    }
}

impl LimiterState {
    /// A limiter that has given out nothing.
    #[must_use]
    pub fn new(settings: LimiterSettings) -> Arc<Self> {
        let mut secret = [0; 32];
        let (left, right) = secret.split_at_mut(16);
        left.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        right.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Arc::new(Self { settings, secret, inner: Mutex::default() })
    }

    /// Slots held, by tenant.
    #[must_use]
    pub fn held(&self) -> HashMap<TenantId, u32> {
        self.lock().held.clone()
    }

    /// Slots held in all.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.lock().total
    }

    /// Whose call was reserved under this SID.
    #[must_use]
    pub fn tenant_of(&self, call_sid: &CallSid) -> Option<TenantId> {
        self.lock().reservations.get(call_sid).map(|r| r.booking.tenant.id.clone())
    }

    /// Whether a call has a reservation that no stream has claimed.
    #[must_use]
    pub fn is_waiting(&self, call_sid: &CallSid) -> bool {
        self.lock().reservations.get(call_sid).is_some_and(|r| !r.claimed)
    }

    fn acquire(self: &Arc<Self>, tenant: &Tenant) -> Result<Permit, Full> {
        let mut inner = self.lock();
        if self.settings.max_calls > 0 && inner.total >= self.settings.max_calls {
            return Err(Full::Process);
        }
        let cap = tenant.limits.concurrent_calls;
        let held = inner.held.entry(tenant.id.clone()).or_default();
        if cap > 0 && *held >= cap {
            return Err(Full::Tenant);
        }
        *held += 1;
        metrics::slots_held(&tenant.id, *held);
        inner.total += 1;
        let (shared, tenant) = (Arc::clone(self), tenant.id.clone());
        Ok(Permit { shared, tenant, _held: Arc::default() })
    }

    fn release(&self, tenant: &TenantId) {
        let mut inner = self.lock();
        inner.total = inner.total.saturating_sub(1);
        let left = inner.held.get_mut(tenant).map(|held| {
            *held = held.saturating_sub(1);
            *held
        });
        metrics::slots_held(tenant, left.unwrap_or(0));
    }

    fn reserve(self: &Arc<Self>, booking: Booking) -> Result<String, Full> {
        if let Some(known) = self.lock().reservations.get(&booking.call_sid) {
            return Ok(self.token(known));
        }
        let permit = self.acquire(&booking.tenant)?;
        let call_sid = booking.call_sid.clone();
        let reservation = Reservation {
            booking,
            holder: Arc::downgrade(&permit._held),
            permit: Some(permit),
            nonce: *uuid::Uuid::new_v4().as_bytes(),
            made_at: Instant::now(),
            claimed: false,
        };
        let token = self.token(&reservation);
        self.lock().reservations.insert(call_sid, reservation);
        Ok(token)
    }

    fn claim(
        self: &Arc<Self>,
        call_sid: &CallSid,
        account_sid: &AccountSid,
        token: &str,
        unbegun: impl FnOnce(Booking) -> Unbegun,
    ) -> Result<Claim, ClaimRefusal> {
        let mut inner = self.lock();
        let found = inner.reservations.get_mut(call_sid).ok_or(ClaimRefusal::UnknownCall)?;
        let expected = self.token(found);
        if !bool::from(expected.as_bytes().ct_eq(token.as_bytes())) {
            return Err(ClaimRefusal::WrongToken);
        }
        if found.booking.account_sid.as_ref().is_some_and(|known| known != account_sid) {
            return Err(ClaimRefusal::WrongAccount);
        }
        if found.claimed {
            return Err(ClaimRefusal::Used);
        }
        if found.made_at.elapsed() > self.settings.token_ttl {
            return Err(ClaimRefusal::Expired);
        }
        found.claimed = true;
        let booking = found.booking.clone();
        let permit = found.permit.take();
        drop(inner);
        let unbegun = unbegun(booking.clone());
        let permit = match permit {
            Some(permit) => permit,
            None => self.acquire_late(&booking)?,
        };
        Ok(Claim { booking, permit, unbegun })
    }

    /// The slot had been given back: another is taken, if there is one.
    fn acquire_late(self: &Arc<Self>, booking: &Booking) -> Result<Permit, ClaimRefusal> {
        let permit = self.acquire(&booking.tenant).map_err(|_| ClaimRefusal::Full)?;
        if let Some(found) = self.lock().reservations.get_mut(&booking.call_sid) {
            found.holder = Arc::downgrade(&permit._held);
        }
        Ok(permit)
    }

    /// Gives back what nobody claimed in time; answers the calls whose token has
    /// run out unclaimed.
    fn sweep(&self) -> Vec<Booking> {
        let mut freed = Vec::new();
        let mut given_up = Vec::new();
        let mut inner = self.lock();
        for reservation in inner.reservations.values_mut() {
            if reservation.made_at.elapsed() > self.settings.reservation_ttl {
                freed.extend(reservation.permit.take());
            }
        }
        inner.reservations.retain(|_, reservation| {
            // While its call lives a redelivered webhook must not reserve again.
            let lives = reservation.claimed && reservation.holder.strong_count() > 0;
            let old = !lives && reservation.made_at.elapsed() > self.settings.token_ttl;
            if old && !reservation.claimed {
                given_up.push(reservation.booking.clone());
            }
            !old
        });
        // A permit locks again when it is dropped.
        drop(inner);
        drop(freed);
        given_up
    }

    fn forget(&self, call_sid: &CallSid) {
        let permit = {
            let mut inner = self.lock();
            let found = inner.reservations.get_mut(call_sid).filter(|r| !r.claimed);
            found.and_then(|reservation| {
                reservation.claimed = true;
                reservation.permit.take()
            })
        };
        drop(permit);
    }

    fn token(&self, reservation: &Reservation) -> String {
        let booking = &reservation.booking;
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update(reservation.nonce);
        hash.update(booking.call_sid.as_str());
        hash.update([0]);
        hash.update(booking.tenant.id.as_str());
        hash.update(self.secret);
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is done with calls that were admitted and never had their agent.
pub type OnUnserved = Arc<dyn Fn(&Booking, Unserved) + Send + Sync>;

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
                // A webhook that gave up no longer listens; its reservation lapses.
                drop(reply.send(self.state.reserve(*booking)));
            }
            LimiterMessage::Claim { call_sid, account_sid, token, hung_up, reply } => {
                let on_unserved = Arc::clone(&self.on_unserved);
                let unbegun = |booking| Unbegun(Some((on_unserved, booking, hung_up)));
                let claim = self.state.claim(&call_sid, &account_sid, &token, unbegun);
                drop(reply.send(claim));
            }
            LimiterMessage::Forget { call_sid } => self.state.forget(&call_sid),
        }
    }
}

crate::receives_letters!(Limiter);
