//! A stream shows its token: whether its call begins here.

use std::sync::Arc;
use std::time::Instant;

use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;
use trunkline_core::ids::{AccountSid, CallSid};
use trunkline_fleet::{Claimed, SharedBooking, Shown, TokenHash};

use super::claim::{Booking, Claim, ClaimRefusal, Permit, Unbegun};
use super::state::{LimiterState, Reservation};

/// What a stream shows.
pub(super) struct Card {
    pub(super) call_sid: CallSid,
    pub(super) account_sid: AccountSid,
    pub(super) token: String,
}

impl Card {
    fn shown(&self, verified: bool) -> Shown {
        Shown {
            call: self.call_sid.clone(),
            account: self.account_sid.clone(),
            token: TokenHash::of(&self.token),
            verified,
        }
    }
}

/// Who waits for a claim.
pub(super) type Reply = oneshot::Sender<Result<Claim, ClaimRefusal>>;

impl LimiterState {
    /// Uses a token: here at once, and in the fleet before the call may begin.
    pub(super) fn claim(
        self: &Arc<Self>,
        card: Card,
        unbegun: impl FnOnce(Booking) -> Unbegun + 'static,
        reply: Reply,
    ) {
        let here = self.claim_here(&card);
        let limiter = Arc::clone(self);
        match here {
            Ok((booking, permit)) => {
                let unbegun = unbegun(booking.clone());
                drop(actix_rt::spawn(async move {
                    let claim = limiter.confirm(&card, booking, permit, unbegun).await;
                    drop(reply.send(claim));
                }));
            }
            // Perhaps the webhook was delivered to another node, or there as well.
            Err(refusal @ (ClaimRefusal::UnknownCall | ClaimRefusal::WrongToken)) => {
                drop(actix_rt::spawn(async move {
                    drop(reply.send(limiter.claim_elsewhere(&card, refusal, unbegun).await));
                }));
            }
            Err(
                refusal @ (ClaimRefusal::Used
                | ClaimRefusal::Expired
                | ClaimRefusal::WrongAccount
                | ClaimRefusal::Full
                | ClaimRefusal::Unavailable),
            ) => drop(reply.send(Err(refusal))),
        }
    }

    fn claim_here(&self, card: &Card) -> Result<(Booking, Option<Permit>), ClaimRefusal> {
        let mut inner = self.lock();
        let found = inner.reservations.get_mut(&card.call_sid).ok_or(ClaimRefusal::UnknownCall)?;
        let expected = self.token(found.nonce, &found.booking);
        if !bool::from(expected.as_bytes().ct_eq(card.token.as_bytes())) {
            return Err(ClaimRefusal::WrongToken);
        }
        if found.booking.account_sid.as_ref().is_some_and(|known| *known != card.account_sid) {
            return Err(ClaimRefusal::WrongAccount);
        }
        if found.claimed {
            return Err(ClaimRefusal::Used);
        }
        if found.made_at.elapsed() > self.settings.token_ttl {
            return Err(ClaimRefusal::Expired);
        }
        found.claimed = true;
        Ok((found.booking.clone(), found.permit.take()))
    }

    /// The token is good here: is it the first use in the fleet?
    async fn confirm(
        self: &Arc<Self>,
        card: &Card,
        booking: Booking,
        permit: Option<Permit>,
        unbegun: Unbegun,
    ) -> Result<Claim, ClaimRefusal> {
        let member = &self.fleet;
        let claimed = member.ask("claim", member.fleet.claim(&card.shown(true))).await;
        let had_slot = permit.is_some();
        let fence = match claimed {
            Some(Claimed::Yes { fence, .. }) => Some(fence),
            Some(Claimed::Used) => {
                // Its call is another node's, or is over: its books are not ours.
                unbegun.begun();
                if let Some(permit) = &permit {
                    permit.slot().disown();
                }
                return Err(ClaimRefusal::Used);
            }
            Some(Claimed::Full) => return Err(ClaimRefusal::Full),
            // The fleet has forgotten what it was told, or cannot be asked.
            Some(
                Claimed::Unknown | Claimed::WrongToken | Claimed::WrongAccount | Claimed::Expired,
            )
            | None => None,
        };
        let permit = match permit {
            Some(permit) => permit,
            None => self.acquire_late(&booking, fence)?,
        };
        match fence {
            Some(fence) => permit.slot().number(fence),
            None if had_slot || self.is_within_share(&booking.tenant) => {
                permit.slot().unnumbered();
            }
            None => return Err(ClaimRefusal::Full),
        }
        member.hurry();
        Ok(Claim { booking, permit, unbegun, elsewhere: false })
    }

    /// The slot had been given back: another is taken, if there is one.
    fn acquire_late(
        self: &Arc<Self>,
        booking: &Booking,
        fence: Option<u64>,
    ) -> Result<Permit, ClaimRefusal> {
        let Ok(permit) = self.acquire(booking) else {
            self.give_back(booking, fence);
            return Err(ClaimRefusal::Full);
        };
        if let Some(found) = self.lock().reservations.get_mut(&booking.call_sid) {
            found.holder = permit.watch();
        }
        Ok(permit)
    }

    /// A slot that the fleet gave, and that is not used after all.
    fn give_back(&self, booking: &Booking, fence: Option<u64>) {
        if let Some(fence) = fence {
            self.fleet.fleet.release(&booking.call_sid, &booking.tenant.id, fence);
        }
    }

    /// The token is not one that this node gave out: is it another's?
    async fn claim_elsewhere(
        self: &Arc<Self>,
        card: &Card,
        refusal: ClaimRefusal,
        unbegun: impl FnOnce(Booking) -> Unbegun,
    ) -> Result<Claim, ClaimRefusal> {
        let member = &self.fleet;
        let claimed = member.ask("claim", member.fleet.claim(&card.shown(false))).await;
        let (fence, shared) = match claimed {
            Some(Claimed::Yes { fence, booking: Some(shared) }) => (fence, shared),
            Some(Claimed::Yes { booking: None, .. } | Claimed::Unknown) | None => {
                return Err(refusal);
            }
            Some(Claimed::WrongToken) => return Err(ClaimRefusal::WrongToken),
            Some(Claimed::WrongAccount) => return Err(ClaimRefusal::WrongAccount),
            Some(Claimed::Used) => return Err(ClaimRefusal::Used),
            Some(Claimed::Expired) => return Err(ClaimRefusal::Expired),
            Some(Claimed::Full) => return Err(ClaimRefusal::Full),
        };
        let booking = self.adopt(card, shared, fence)?;
        let unbegun = unbegun(booking.clone());
        let Ok(permit) = self.acquire_promised(&booking) else {
            self.give_back(&booking, Some(fence));
            return Err(ClaimRefusal::Full);
        };
        permit.slot().number(fence);
        self.remember(&booking, &permit);
        member.hurry();
        Ok(Claim { booking, permit, unbegun, elsewhere: true })
    }

    fn adopt(
        &self,
        card: &Card,
        shared: SharedBooking,
        fence: u64,
    ) -> Result<Booking, ClaimRefusal> {
        let Some(tenant) = (self.find_tenant)(&shared.tenant) else {
            self.fleet.fleet.release(&card.call_sid, &shared.tenant, fence);
            return Err(ClaimRefusal::UnknownCall);
        };
        let SharedBooking { account, from, to, .. } = shared;
        Ok(Booking { call_sid: card.call_sid.clone(), account_sid: account, tenant, from, to })
    }

    /// A call that was reserved elsewhere is this node's from now on, also for a
    /// webhook or a token that comes again.
    fn remember(&self, booking: &Booking, permit: &Permit) {
        let reservation = Reservation {
            booking: booking.clone(),
            permit: None,
            holder: permit.watch(),
            nonce: *uuid::Uuid::new_v4().as_bytes(),
            made_at: Instant::now(),
            claimed: true,
        };
        self.lock().reservations.insert(booking.call_sid.clone(), reservation);
    }
}
