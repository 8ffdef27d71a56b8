//! What the limiter knows: slots, reservations, tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use trunkline_core::ids::{AccountSid, CallSid, TenantId};
use trunkline_core::tenant::Tenant;

use crate::metrics;

use super::claim::{Booking, Claim, ClaimRefusal, Full, Permit, Unbegun, Unserved};

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
    /// Whether no slot is given out any more.
    closed: bool,
}

/// What the limiter knows. Outlives the actor.
pub struct LimiterState {
    pub(super) settings: LimiterSettings,
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
        if inner.closed {
            return Err(Full::Closed);
        }
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
        Ok(Permit::new(shared, tenant))
    }

    pub(super) fn release(&self, tenant: &TenantId) {
        let mut inner = self.lock();
        inner.total = inner.total.saturating_sub(1);
        let left = inner.held.get_mut(tenant).map(|held| {
            *held = held.saturating_sub(1);
            *held
        });
        metrics::slots_held(tenant, left.unwrap_or(0));
    }

    pub(super) fn reserve(self: &Arc<Self>, booking: Booking) -> Result<String, Full> {
        if let Some(known) = self.lock().reservations.get(&booking.call_sid) {
            return Ok(self.token(known));
        }
        let permit = self.acquire(&booking.tenant)?;
        let call_sid = booking.call_sid.clone();
        let reservation = Reservation {
            booking,
            holder: permit.watch(),
            permit: Some(permit),
            nonce: *uuid::Uuid::new_v4().as_bytes(),
            made_at: Instant::now(),
            claimed: false,
        };
        let token = self.token(&reservation);
        self.lock().reservations.insert(call_sid, reservation);
        Ok(token)
    }

    pub(super) fn claim(
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
            found.holder = permit.watch();
        }
        Ok(permit)
    }

    /// Gives back what nobody claimed in time; answers the calls whose token has
    /// run out unclaimed.
    pub(super) fn sweep(&self) -> Vec<Booking> {
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

    /// Gives out no slot from now on. Who was promised one may still claim it.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// Gives up every call that was promised an agent and whose stream has not
    /// come; answers the calls, and what each is to be closed as.
    pub(crate) fn give_up(&self) -> Vec<(Booking, Unserved)> {
        let mut permits = Vec::new();
        let mut given_up = Vec::new();
        let mut inner = self.lock();
        for reservation in inner.reservations.values_mut().filter(|r| !r.claimed) {
            reservation.claimed = true;
            // Without a slot it had been given up before, for want of a stream.
            let why =
                if reservation.permit.is_some() { Unserved::Draining } else { Unserved::NoStream };
            permits.extend(reservation.permit.take());
            given_up.push((reservation.booking.clone(), why));
        }
        // A permit locks again when it is dropped.
        drop(inner);
        drop(permits);
        given_up
    }

    pub(super) fn forget(&self, call_sid: &CallSid) {
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
