//! What the limiter knows: slots, reservations, tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::tenant::Tenant;
use trunkline_fleet::{Holding, Windows};

use crate::fleet::Membership;
use crate::metrics;

use super::claim::{Booking, Full, Permit, Slot, Unserved};
use super::sources::Sources;

/// Clocks and caps of the process.
#[derive(Clone, Copy, Debug)]
pub struct LimiterSettings {
    /// Calls at once in the process; 0 is no cap.
    pub max_calls: u32,
    /// How long a reservation holds its slot without a stream.
    pub reservation_ttl: Duration,
    /// How long a stream's token is good.
    pub token_ttl: Duration,
    /// Bad signatures of one source within a minute; 0 is no limit.
    pub signature_failures: u32,
}

/// Finds a tenant by its name, as the files say now.
pub type FindTenant = Box<dyn Fn(&TenantId) -> Option<Arc<Tenant>> + Send + Sync>;

pub(super) struct Reservation {
    pub(super) booking: Booking,
    /// None once the slot was given back for want of a stream.
    pub(super) permit: Option<Permit>,
    /// The call that holds the slot, as long as it lives.
    pub(super) holder: Weak<Slot>,
    /// Makes a token of its own for each reservation of a call.
    pub(super) nonce: [u8; 16],
    pub(super) made_at: Instant,
    pub(super) claimed: bool,
}

/// A reservation that the fleet is being asked about.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) waiting: Vec<oneshot::Sender<Result<String, Full>>>,
    /// Whether the call was over before the answer came.
    pub(super) forgotten: bool,
}

#[derive(Default)]
pub(super) struct Inner {
    held: HashMap<TenantId, u32>,
    slots: HashMap<usize, Arc<Slot>>,
    pub(super) reservations: HashMap<CallSid, Reservation>,
    pub(super) pending: HashMap<CallSid, Pending>,
    /// Calls of the last hour, for when the fleet cannot be asked.
    pub(super) windows: Windows,
    pub(super) sources: Sources,
    /// Whether no slot is given out any more.
    pub(super) closed: bool,
}

/// What the limiter knows. Outlives the actor.
pub struct LimiterState {
    pub(super) settings: LimiterSettings,
    pub(super) fleet: Arc<Membership>,
    pub(super) find_tenant: FindTenant,
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
    pub fn new(
        settings: LimiterSettings,
        fleet: Arc<Membership>,
        find_tenant: FindTenant,
    ) -> Arc<Self> {
        let mut secret = [0; 32];
        let (left, right) = secret.split_at_mut(16);
        left.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        right.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Arc::new(Self { settings, fleet, find_tenant, secret, inner: Mutex::default() })
    }

    /// Slots held in all.
    #[must_use]
    pub fn total(&self) -> u32 {
        u32::try_from(self.lock().slots.len()).unwrap_or(u32::MAX)
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

    /// Takes a slot of this node, whatever the fleet says of it.
    pub(super) fn acquire(self: &Arc<Self>, booking: &Booking) -> Result<Permit, Full> {
        if self.lock().closed {
            return Err(Full::Closed);
        }
        self.acquire_promised(booking)
    }

    /// The same for a call that was promised one before the process was to end.
    pub(super) fn acquire_promised(self: &Arc<Self>, booking: &Booking) -> Result<Permit, Full> {
        let (tenant, cap) = (&booking.tenant.id, booking.tenant.limits.concurrent_calls);
        let mut inner = self.lock();
        let max_calls = self.settings.max_calls as usize;
        if max_calls > 0 && inner.slots.len() >= max_calls {
            return Err(Full::Process);
        }
        let held = inner.held.entry(tenant.clone()).or_default();
        if cap > 0 && *held >= cap {
            return Err(Full::Tenant);
        }
        *held += 1;
        metrics::slots_held(tenant, *held);
        let permit = Permit::new(Arc::clone(self), tenant.clone(), booking.call_sid.clone());
        let slot = Arc::clone(permit.slot());
        inner.slots.insert(Arc::as_ptr(&slot).addr(), slot);
        Ok(permit)
    }

    /// Whether a tenant's slots, the one just taken included, are within this
    /// node's share.
    pub(super) fn is_within_share(&self, tenant: &Tenant) -> bool {
        let cap = self.fleet.limit_here(tenant.limits.concurrent_calls);
        cap == 0 || self.lock().held.get(&tenant.id).is_none_or(|held| *held <= cap)
    }

    pub(super) fn release(&self, slot: &Arc<Slot>) {
        let mut inner = self.lock();
        inner.slots.remove(&Arc::as_ptr(slot).addr());
        let left = inner.held.get_mut(&slot.tenant).map(|held| {
            *held = held.saturating_sub(1);
            *held
        });
        drop(inner);
        metrics::slots_held(&slot.tenant, left.unwrap_or(0));
        if let Some(fence) = slot.fence() {
            self.fleet.fleet.release(&slot.call, &slot.tenant, fence);
        }
    }

    /// What the fleet is told that this node holds.
    pub(crate) fn holdings(&self) -> Vec<Holding> {
        let inner = self.lock();
        let told = |slot: &Arc<Slot>| {
            let (call, tenant) = (slot.call.clone(), slot.tenant.clone());
            Some(Holding { call, tenant, fence: slot.fence()?, live: None })
        };
        inner.slots.values().filter_map(told).collect()
    }

    /// The fleet gave a slot its number.
    pub(crate) fn number(&self, call: &CallSid, fence: u64) {
        for slot in self.lock().slots.values().filter(|slot| slot.call == *call) {
            slot.number(fence);
        }
    }

    /// Another node has a call that was reserved here.
    pub(crate) fn moved(&self, call: &CallSid) {
        let mut inner = self.lock();
        for slot in inner.slots.values().filter(|slot| slot.call == *call) {
            slot.disown();
        }
        let waits = inner.reservations.get(call).is_some_and(|found| !found.claimed);
        let moved = waits.then(|| inner.reservations.remove(call));
        // A permit locks again when it is dropped.
        drop(inner);
        drop(moved);
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

    /// A call is over without a stream, as far as this node is concerned.
    pub(crate) fn forget_here(&self, call_sid: &CallSid) {
        let permit = {
            let mut inner = self.lock();
            if let Some(pending) = inner.pending.get_mut(call_sid) {
                pending.forgotten = true;
            }
            let found = inner.reservations.get_mut(call_sid).filter(|r| !r.claimed);
            found.and_then(|reservation| {
                reservation.claimed = true;
                reservation.permit.take()
            })
        };
        drop(permit);
    }

    pub(super) fn token(&self, nonce: [u8; 16], booking: &Booking) -> String {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update(nonce);
        hash.update(booking.call_sid.as_str());
        hash.update([0]);
        hash.update(booking.tenant.id.as_str());
        hash.update(self.secret);
        URL_SAFE_NO_PAD.encode(hash.finalize())
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
