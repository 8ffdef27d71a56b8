//! Slots, tokens and live calls in memory. It decides as the scripts in `lua/` do,
//! and the same tests hold both to it.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use trunkline_core::ids::{CallSid, TenantId};

use crate::hashes::TokenHash;
use crate::types::{
    Admitted, Ask, Claimed, FleetTimes, Holding, LiveView, NodeKey, Pulse, SharedBooking, Shown,
    SlotAsk, Verdict, Weather,
};
use crate::windows::Windows;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reserved,
    /// Its slot was given back; its token is still good.
    Released,
    Claimed,
    /// Nothing may begin it any more.
    Closed,
}

#[derive(Debug)]
struct Card {
    state: State,
    node: NodeKey,
    cap: u32,
    fence: u64,
    booking: Option<SharedBooking>,
    tokens: HashSet<TokenHash>,
    made: Instant,
    /// When nobody needs to remember it any more.
    until: Instant,
}

#[derive(Debug)]
struct Member {
    until: Instant,
    live: HashMap<CallSid, String>,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Book {
    times: FleetTimes,
    cards: HashMap<CallSid, Card>,
    held: HashMap<TenantId, HashMap<CallSid, Instant>>,
    nodes: HashMap<NodeKey, Member>,
    fence: u64,
    tidied: Instant,
}

impl Book {
    pub(crate) fn new(times: FleetTimes) -> Self {
        Self {
            times,
            cards: HashMap::new(),
            held: HashMap::new(),
            nodes: HashMap::new(),
            fence: 0,
            tidied: Instant::now(),
        }
    }

    pub(crate) fn admit(
        &mut self,
        me: &NodeKey,
        ask: &Ask,
        windows: &mut Windows,
        now: Instant,
    ) -> Admitted {
        let verdict = self.judge(me, ask, windows, now);
        Admitted { verdict, weather: self.weather(now) }
    }

    fn judge(&mut self, me: &NodeKey, ask: &Ask, windows: &mut Windows, now: Instant) -> Verdict {
        if let (Some(slot), Some(card)) = (&ask.slot, self.card(&ask.call, now)) {
            let spent = matches!(card.state, State::Claimed | State::Closed);
            if spent || card.node != *me {
                if !spent {
                    card.tokens.insert(slot.token.clone());
                }
                return Verdict::Known;
            }
        }
        let member = ask.call.as_str();
        for rate in &ask.rates {
            if !windows.has_room(rate, rate.limit, member, now) {
                return Verdict::Limited(rate.kind);
            }
        }
        for rate in &ask.rates {
            windows.add(rate, member, now);
        }
        match &ask.slot {
            None => Verdict::Counted,
            Some(slot) => self.reserve(me, ask, slot, now),
        }
    }

    fn reserve(&mut self, me: &NodeKey, ask: &Ask, slot: &SlotAsk, now: Instant) -> Verdict {
        if !self.hold(&ask.tenant, &ask.call, slot.cap, now) {
            return Verdict::Full;
        }
        let fence = self.next_fence();
        let booking = SharedBooking {
            tenant: ask.tenant.clone(),
            account: slot.account.clone(),
            from: slot.from.clone(),
            to: slot.to.clone(),
        };
        let card = Card {
            state: State::Reserved,
            node: me.clone(),
            cap: slot.cap,
            fence,
            booking: Some(booking),
            tokens: HashSet::from([slot.token.clone()]),
            made: now,
            until: now + self.times.lease + self.times.token_ttl,
        };
        self.cards.insert(ask.call.clone(), card);
        self.tidy(now);
        Verdict::Granted { fence }
    }

    /// Answers also whose reservation it was, where that was another node.
    pub(crate) fn claim(
        &mut self,
        me: &NodeKey,
        shown: &Shown,
        now: Instant,
    ) -> (Claimed, Option<NodeKey>) {
        let (token_ttl, kept) =
            (self.times.token_ttl, now + self.times.token_ttl + self.times.lease);
        let Some(card) = self.card(&shown.call, now) else {
            return (Claimed::Unknown, None);
        };
        if let Some(refusal) = refusal(card, shown, token_ttl, now) {
            return (refusal, None);
        }
        let moved = (card.node != *me).then(|| card.node.clone());
        let (cap, booking) = (card.cap, card.booking.take());
        card.node = me.clone();
        card.until = kept;
        card.state = State::Claimed;
        let tenant = booking.as_ref().map(|booking| booking.tenant.clone());
        let tenant = tenant.or_else(|| self.tenant_of(&shown.call));
        let room = tenant.is_none_or(|tenant| self.hold(&tenant, &shown.call, cap, now));
        let fence = self.next_fence();
        if let Some(card) = self.cards.get_mut(&shown.call) {
            card.fence = fence;
            if !room {
                card.state = State::Closed;
            }
        }
        let claimed = if room { Claimed::Yes { fence, booking } } else { Claimed::Full };
        (claimed, moved)
    }

    pub(crate) fn release(
        &mut self,
        me: &NodeKey,
        call: &CallSid,
        tenant: &TenantId,
        fence: u64,
        now: Instant,
    ) {
        let kept = now + self.times.token_ttl;
        if let Some(card) = self.card(call, now) {
            if card.node != *me || (fence != 0 && card.fence != fence) {
                return;
            }
            match card.state {
                State::Claimed => {
                    card.state = State::Closed;
                    card.until = kept;
                }
                State::Reserved => card.state = State::Released,
                State::Released | State::Closed => {}
            }
        }
        self.let_go(tenant, call);
        if let Some(member) = self.nodes.get_mut(me) {
            member.live.remove(call);
        }
    }

    /// Answers the node that had reserved it.
    pub(crate) fn forget(&mut self, call: &CallSid, now: Instant) -> Option<NodeKey> {
        let kept = now + self.times.token_ttl;
        let card = self.card(call, now)?;
        if !matches!(card.state, State::Reserved | State::Released) {
            return None;
        }
        card.state = State::Closed;
        card.until = kept;
        let (node, booking) = (card.node.clone(), card.booking.take());
        if let Some(booking) = booking {
            self.let_go(&booking.tenant, call);
        }
        Some(node)
    }

    pub(crate) fn beat(&mut self, me: &NodeKey, holdings: &[Holding], now: Instant) -> Pulse {
        let until = now + self.times.lease;
        let described = |held: &Holding| Some((held.call.clone(), held.live.clone()?));
        let mut live: HashMap<CallSid, String> = holdings.iter().filter_map(described).collect();
        let (mut lost, mut fences) = (Vec::new(), Vec::new());
        for holding in holdings {
            if self.is_others(me, holding, now) {
                live.remove(&holding.call);
                lost.push(holding.call.clone());
                continue;
            }
            fences.extend(self.keep(me, holding, now));
            let slots = self.held.entry(holding.tenant.clone()).or_default();
            slots.insert(holding.call.clone(), until);
        }
        self.nodes.insert(me.clone(), Member { until, live });
        self.tidy(now);
        Pulse { weather: self.weather(now), lost, fences }
    }

    /// Whether another node has the call that this one believes it holds. A call
    /// that lives here is lost only while the other really has it.
    fn is_others(&mut self, me: &NodeKey, holding: &Holding, now: Instant) -> bool {
        let slot = self.held.get(&holding.tenant).and_then(|slots| slots.get(&holding.call));
        let lease_runs = slot.is_some_and(|until| *until > now);
        let Some(card) = self.card(&holding.call, now) else {
            return false;
        };
        let newer = card.node != *me && card.fence > holding.fence;
        newer && (holding.live.is_none() || (card.state == State::Claimed && lease_runs))
    }

    /// Remembers a slot that is held; answers its number where it is a new one.
    fn keep(&mut self, me: &NodeKey, holding: &Holding, now: Instant) -> Option<(CallSid, u64)> {
        let until = now + self.times.lease + self.times.token_ttl;
        if let Some(card) = self.card(&holding.call, now)
            && card.node == *me
        {
            card.until = until;
            let numbered = (holding.fence == 0).then_some((holding.call.clone(), card.fence));
            if numbered.is_some() && holding.live.is_some() {
                card.state = State::Claimed;
            }
            return numbered;
        }
        let fence = self.next_fence();
        let state = if holding.live.is_some() { State::Claimed } else { State::Reserved };
        let card = Card {
            state,
            node: me.clone(),
            cap: 0,
            fence,
            booking: None,
            tokens: HashSet::new(),
            made: now,
            until,
        };
        self.cards.insert(holding.call.clone(), card);
        Some((holding.call.clone(), fence))
    }

    pub(crate) fn live(&self, now: Instant) -> Vec<LiveView> {
        let alive = self.nodes.iter().filter(|(_, member)| member.until > now);
        alive
            .flat_map(|(node, member)| {
                let of_node = |view: &String| LiveView { node: node.clone(), view: view.clone() };
                member.live.values().map(of_node).collect::<Vec<_>>()
            })
            .collect()
    }

    pub(crate) fn owner(&mut self, call: &CallSid, now: Instant) -> Option<NodeKey> {
        let card = self.card(call, now).filter(|card| card.state == State::Claimed)?;
        let node = card.node.clone();
        self.nodes.get(&node).filter(|member| member.until > now).map(|_| node)
    }

    pub(crate) fn leave(&mut self, me: &NodeKey) {
        self.nodes.remove(me);
    }

    fn weather(&self, now: Instant) -> Weather {
        let nodes = self.nodes.values().filter(|member| member.until > now).count();
        Weather { nodes: u32::try_from(nodes).unwrap_or(u32::MAX).max(1), settling: false }
    }

    fn card(&mut self, call: &CallSid, now: Instant) -> Option<&mut Card> {
        self.cards.get_mut(call).filter(|card| card.until > now)
    }

    fn tenant_of(&self, call: &CallSid) -> Option<TenantId> {
        let holds = |(_, slots): &(&TenantId, &HashMap<CallSid, Instant>)| slots.contains_key(call);
        self.held.iter().find(holds).map(|(tenant, _)| tenant.clone())
    }

    /// Takes or keeps a slot; whether there was one.
    fn hold(&mut self, tenant: &TenantId, call: &CallSid, cap: u32, now: Instant) -> bool {
        let slots = self.held.entry(tenant.clone()).or_default();
        slots.retain(|_, until| *until > now);
        if cap > 0 && slots.len() >= cap as usize && !slots.contains_key(call) {
            return false;
        }
        slots.insert(call.clone(), now + self.times.lease);
        true
    }

    fn let_go(&mut self, tenant: &TenantId, call: &CallSid) {
        if let Some(slots) = self.held.get_mut(tenant) {
            slots.remove(call);
        }
    }

    fn next_fence(&mut self) -> u64 {
        self.fence += 1;
        self.fence
    }

    /// Forgets what has run out, now and then.
    fn tidy(&mut self, now: Instant) {
        if now.duration_since(self.tidied) < self.times.lease {
            return;
        }
        self.tidied = now;
        self.cards.retain(|_, card| card.until > now);
        self.nodes.retain(|_, member| member.until > now);
        for slots in self.held.values_mut() {
            slots.retain(|_, until| *until > now);
        }
        self.held.retain(|_, slots| !slots.is_empty());
    }
}

fn refusal(card: &Card, shown: &Shown, token_ttl: Duration, now: Instant) -> Option<Claimed> {
    if !shown.verified {
        if !card.tokens.contains(&shown.token) {
            return Some(Claimed::WrongToken);
        }
        let account = card.booking.as_ref().and_then(|booking| booking.account.as_ref());
        if account.is_some_and(|known| *known != shown.account) {
            return Some(Claimed::WrongAccount);
        }
    }
    if matches!(card.state, State::Claimed | State::Closed) {
        return Some(Claimed::Used);
    }
    let old = now.duration_since(card.made) > token_ttl;
    (!shown.verified && old).then_some(Claimed::Expired)
}
