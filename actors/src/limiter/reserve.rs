//! A call rings: whether it gets in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use trunkline_core::admission::{TurnedAway, is_somebody};
use trunkline_fleet::{
    Admitted, Ask, Rate, RateKind, SlotAsk, TokenHash, Verdict, caller_key, tenant_key,
};

use super::claim::{Booking, Full, Permit};
use super::state::{LimiterState, Reservation};

const HOUR: Duration = Duration::from_secs(3_600);

/// Who waits for a reservation's token.
pub(super) type Reply = oneshot::Sender<Result<String, Full>>;

impl LimiterState {
    /// Reserves a call, now or once the fleet has answered. Asked again meanwhile
    /// it answers both alike.
    pub(super) fn reserve(self: &Arc<Self>, booking: Booking, reply: Reply) {
        let mut inner = self.lock();
        if let Some(known) = inner.reservations.get(&booking.call_sid) {
            let token = self.token(known.nonce, &known.booking);
            drop(inner);
            // A webhook that gave up no longer listens; its reservation lapses.
            drop(reply.send(Ok(token)));
            return;
        }
        let asked = inner.pending.get_mut(&booking.call_sid);
        if let Some(pending) = asked {
            pending.waiting.push(reply);
            return;
        }
        let pending = inner.pending.entry(booking.call_sid.clone()).or_default();
        pending.waiting.push(reply);
        drop(inner);
        let limiter = Arc::clone(self);
        drop(actix_rt::spawn(async move {
            let call = booking.call_sid.clone();
            let answer = limiter.decide(booking).await;
            let pending = limiter.lock().pending.remove(&call).unwrap_or_default();
            if pending.forgotten {
                limiter.forget(&call);
            }
            for reply in pending.waiting {
                drop(reply.send(answer.clone()));
            }
        }));
    }

    /// The call is over without a stream, wherever its stream might have landed.
    pub(super) fn forget(self: &Arc<Self>, call: &trunkline_core::ids::CallSid) {
        self.forget_here(call);
        let (limiter, call) = (Arc::clone(self), call.clone());
        drop(actix_rt::spawn(async move {
            let member = &limiter.fleet;
            if member.ask("forget", member.fleet.forget(&call)).await.is_none() {
                // Nothing is left to do: the token runs out.
                tracing::debug!(call.id = %call, "the fleet could not be told that a call is over");
            }
        }));
    }

    /// Counts a call that needs no slot.
    ///
    /// # Errors
    /// Why it is turned away.
    pub async fn count(&self, booking: &Booking) -> Result<(), TurnedAway> {
        let rates = rates(booking);
        if rates.is_empty() {
            return Ok(());
        }
        let call = booking.call_sid.clone();
        let ask = Ask { call, tenant: booking.tenant.id.clone(), rates, slot: None };
        match self.admit(&ask).await {
            Some(Admitted { verdict: Verdict::Limited(kind), .. }) => return Err(turned(kind)),
            Some(_) => {}
            None => self.has_room_here(&ask)?,
        }
        self.count_here(&ask);
        Ok(())
    }

    async fn admit(&self, ask: &Ask) -> Option<Admitted> {
        let admitted = self.fleet.ask("admit", self.fleet.fleet.admit(ask)).await?;
        self.fleet.heard(admitted.weather);
        Some(admitted)
    }

    async fn decide(self: &Arc<Self>, booking: Booking) -> Result<String, Full> {
        let permit = self.acquire(&booking)?;
        let nonce = *uuid::Uuid::new_v4().as_bytes();
        let token = self.token(nonce, &booking);
        let ask = ask(&booking, &token);
        match self.admit(&ask).await {
            Some(admitted) => match admitted.verdict {
                Verdict::Granted { fence } => permit.slot().number(fence),
                // The slot is at the node where the webhook was delivered first.
                Verdict::Known => return Ok(token),
                Verdict::Full => return Err(Full::Tenant),
                Verdict::Limited(kind) => return Err(Full::Hour(turned(kind))),
                Verdict::Counted => return Err(Full::Unknown),
            },
            None => {
                permit.slot().unnumbered();
                self.has_room_here(&ask).map_err(Full::Hour)?;
            }
        }
        // All of it while the fleet counts with us.
        if !self.is_within_share(&booking.tenant) {
            return Err(Full::Tenant);
        }
        self.count_here(&ask);
        self.enter(booking, permit, nonce)?;
        Ok(token)
    }

    fn enter(&self, booking: Booking, permit: Permit, nonce: [u8; 16]) -> Result<(), Full> {
        let call_sid = booking.call_sid.clone();
        let reservation = Reservation {
            booking,
            holder: permit.watch(),
            permit: Some(permit),
            nonce,
            made_at: Instant::now(),
            claimed: false,
        };
        let mut inner = self.lock();
        // The process may have been told to end while the fleet was asked.
        let refused = if inner.closed {
            Some(reservation)
        } else {
            inner.reservations.insert(call_sid, reservation);
            None
        };
        drop(inner);
        // A permit locks again when it is dropped.
        refused.map_or(Ok(()), |_| Err(Full::Closed))
    }

    /// Whether the call is within this node's share of its windows.
    fn has_room_here(&self, ask: &Ask) -> Result<(), TurnedAway> {
        let (mut inner, now) = (self.lock(), Instant::now());
        for rate in &ask.rates {
            let limit = self.fleet.limit_here(rate.limit);
            if !inner.windows.has_room(rate, limit, ask.call.as_str(), now) {
                return Err(turned(rate.kind));
            }
        }
        Ok(())
    }

    fn count_here(&self, ask: &Ask) {
        let (mut inner, now) = (self.lock(), Instant::now());
        for rate in &ask.rates {
            inner.windows.add(rate, ask.call.as_str(), now);
        }
    }
}

const fn turned(kind: RateKind) -> TurnedAway {
    match kind {
        RateKind::Caller | RateKind::Source => TurnedAway::CallerHour,
        RateKind::Tenant => TurnedAway::TenantHour,
    }
}

fn ask(booking: &Booking, token: &str) -> Ask {
    let slot = SlotAsk {
        cap: booking.tenant.limits.concurrent_calls,
        account: booking.account_sid.clone(),
        from: booking.from.clone(),
        to: booking.to.clone(),
        token: TokenHash::of(token),
    };
    Ask {
        call: booking.call_sid.clone(),
        tenant: booking.tenant.id.clone(),
        rates: rates(booking),
        slot: Some(slot),
    }
}

/// The windows that a call counts in.
fn rates(booking: &Booking) -> Vec<Rate> {
    let (tenant, limits) = (&booking.tenant.id, &booking.tenant.limits);
    let mut rates = Vec::new();
    if limits.calls_per_number_per_hour > 0 && is_somebody(&booking.from) {
        let (limit, key) = (limits.calls_per_number_per_hour, caller_key(tenant, &booking.from));
        rates.push(Rate { kind: RateKind::Caller, key, limit, window: HOUR });
    }
    if limits.calls_per_hour > 0 {
        let (limit, key) = (limits.calls_per_hour, tenant_key(tenant));
        rates.push(Rate { kind: RateKind::Tenant, key, limit, window: HOUR });
    }
    rates
}
