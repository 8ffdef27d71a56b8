//! What is asked and answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_core::ids::{AccountSid, CallSid, NodeId, TenantId};
use trunkline_core::pii::PhoneNumber;

use crate::hashes::TokenHash;

/// The fleet cannot be asked now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fleet's memory is out of reach: {0}")]
pub struct Away(pub String);

/// One life of a node: its name, and what tells this life from the one before, so
/// that nobody answers for the dead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeKey(String);

impl NodeKey {
    /// A life of `node`; `life` is different each time, of letters and digits.
    #[must_use]
    pub fn new(node: &NodeId, life: &str) -> Self {
        Self(format!("{node}#{life}"))
    }

    pub(crate) fn from_wire(text: String) -> Self {
        Self(text)
    }

    /// As it stands in keys.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        self.0.split_once('#').map_or(self.0.as_str(), |(node, _)| node)
    }
}

/// The clocks of a fleet.
#[derive(Clone, Copy, Debug)]
pub struct FleetTimes {
    /// How long a slot is held for a node of which nothing is heard.
    pub lease: Duration,
    /// How long a stream's token is good.
    pub token_ttl: Duration,
}

impl FleetTimes {
    /// How often a node says that it lives: three times in a lease, and at least
    /// every second, so that the directory is never older.
    #[must_use]
    pub fn beat(&self) -> Duration {
        (self.lease / 3).clamp(Duration::from_millis(20), Duration::from_secs(1))
    }

    /// Silence of the whole fleet after which the counts are not trusted until
    /// every node has had time to say what it holds.
    #[must_use]
    pub fn gap(&self) -> Duration {
        (self.beat() * 3).max(self.lease * 2 / 3)
    }
}

/// What a window counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateKind {
    /// Calls of one number to one tenant.
    Caller,
    /// Calls to one tenant.
    Tenant,
    /// Bad signatures from one source address.
    Source,
}

/// At most so many within a window that slides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What is counted.
    pub kind: RateKind,
    /// Of whom: a hash where it is a person.
    pub key: String,
    /// How many; never 0, which is no limit and therefore no rate.
    pub limit: u32,
    /// How long each counts.
    pub window: Duration,
}

/// A call that wants in.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The call.
    pub call: CallSid,
    /// Whose it is.
    pub tenant: TenantId,
    /// The windows that it counts in.
    pub rates: Vec<Rate>,
    /// The slot that it wants; none where it goes to a human at once.
    pub slot: Option<SlotAsk>,
}

/// The slot that a call wants, and what the node must know at which its stream
/// lands.
#[derive(Clone, Debug)]
pub struct SlotAsk {
    /// The tenant's calls at once; 0 is no cap.
    pub cap: u32,
    /// The account that the webhook named.
    pub account: Option<AccountSid>,
    /// The caller.
    pub from: PhoneNumber,
    /// The number that was called.
    pub to: PhoneNumber,
    /// The token that was given out.
    pub token: TokenHash,
}

/// What comes of a call that wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has its slot.
    Granted {
        /// Higher than that of any permit before.
        fence: u64,
    },
    /// It was counted, and wanted no slot.
    Counted,
    /// Another node has taken a slot for this very call; the token is good too.
    Known,
    /// The tenant has as many calls as it may.
    Full,
    /// A window is full.
    Limited(RateKind),
}

/// How the fleet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Nodes that live; at least 1.
    pub nodes: u32,
    /// Whether the counts may still be too low, because nodes have not said yet
    /// what they hold.
    pub settling: bool,
}

/// A verdict and the weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// What comes of the call.
    pub verdict: Verdict,
    /// How the fleet is.
    pub weather: Weather,
}

/// A stream shows its token.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The call that it says it belongs to.
    pub call: CallSid,
    /// The account that it says it belongs to.
    pub account: AccountSid,
    /// The token.
    pub token: TokenHash,
    /// Whether the node that asks has given the token out and found it good.
    pub verified: bool,
}

/// What comes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The call may begin.
    Yes {
        /// The slot's new number.
        fence: u64,
        /// What the reserving node knew; none where that is lost.
        booking: Option<SharedBooking>,
    },
    /// No call was reserved under this SID.
    Unknown,
    /// The token is not one that was given out.
    WrongToken,
    /// The stream names another account than the webhook did.
    WrongAccount,
    /// A token of this call was good once and has been used.
    Used,
    /// The token has become too old.
    Expired,
    /// The slot had been given back, and no other is free.
    Full,
}

/// What a webhook knew of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedBooking {
    /// Whose call it is.
    pub tenant: TenantId,
    /// The account that the webhook named.
    pub account: Option<AccountSid>,
    /// The caller.
    pub from: PhoneNumber,
    /// The number that was called.
    pub to: PhoneNumber,
}

/// A slot that a node holds.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The call.
    pub call: CallSid,
    /// Whose it is.
    pub tenant: TenantId,
    /// The permit's number; 0 where it was taken without the fleet.
    pub fence: u64,
    /// How the call looks from outside, as JSON; none while it is only reserved.
    pub live: Option<String>,
}

/// The answer to a beat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulse {
    /// How the fleet is.
    pub weather: Weather,
    /// Calls that another node has by now.
    pub lost: Vec<CallSid>,
    /// Permits that have a number now.
    pub fences: Vec<(CallSid, u64)>,
}

/// A live call as its node described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveView {
    /// The node on which it lives.
    pub node: NodeKey,
    /// The description, as JSON.
    pub view: String,
}

/// What nodes tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// A stream of a call that was reserved here has begun elsewhere.
    Moved(CallSid),
    /// A call that was reserved here is over.
    Forgotten(CallSid),
    /// Something is wanted of a call that lives here.
    Asked {
        /// Tells the answer.
        id: String,
        /// Who wants to know.
        from: NodeKey,
        /// The call.
        call: CallSid,
        /// What is wanted, as JSON.
        order: String,
    },
    /// What came of an order.
    Answered {
        /// Of which.
        id: String,
        /// Whether the call was there.
        done: bool,
    },
}
