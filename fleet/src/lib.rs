//! What the nodes of a fleet share: concurrency slots, rate windows, stream tokens
//! and the directory of live calls. One interface, [`Fleet`], and two ways to keep
//! it: [`MemoryFleet`] within one process, [`RedisFleet`] among many.
//!
//! Whoever asks must bear with no answer: [`Away`] is an ordinary result, and what
//! a node does then is its own business. Nothing here is on the path of a frame.

mod book;
mod hashes;
mod link;
mod memory;
mod person;
mod redis_fleet;
mod scripts;
#[cfg(feature = "testing")]
pub mod testing;
mod types;
mod windows;

use async_trait::async_trait;
use trunkline_core::ids::{CallSid, TenantId};

pub use hashes::{TokenHash, caller_key, source_key, tenant_key};
pub use memory::{Hub, MemoryFleet};
pub use person::{PersonKeys, keys_of_person};
pub use redis_fleet::{RedisFleet, RedisSettings};
pub use types::{
    Admitted, Ask, Away, Claimed, FleetTimes, Holding, LiveView, NodeKey, Note, Pulse, Rate,
    RateKind, SharedBooking, Shown, SlotAsk, Verdict, Weather,
};
pub use windows::Windows;

/// What one node asks of the fleet.
#[async_trait]
pub trait Fleet: Send + Sync + std::fmt::Debug {
    /// Which node this is.
    fn me(&self) -> &NodeKey;

    /// Counts a call in its windows and takes a slot for it, in one step. Asked
    /// again for the same call it counts and takes nothing more.
    ///
    /// # Errors
    /// [`Away`].
    async fn admit(&self, ask: &Ask) -> Result<Admitted, Away>;

    /// Uses a call's token, once in the whole fleet, and makes its slot this
    /// node's.
    ///
    /// # Errors
    /// [`Away`].
    async fn claim(&self, shown: &Shown) -> Result<Claimed, Away>;

    /// Gives a slot back, unless the call has moved since the permit of this
    /// `fence` was given out. Never waits.
    fn release(&self, call: &CallSid, tenant: &TenantId, fence: u64);

    /// No stream may begin this call any more, whichever node reserved it; whether
    /// one still might have.
    ///
    /// # Errors
    /// [`Away`].
    async fn forget(&self, call: &CallSid) -> Result<bool, Away>;

    /// Counts one more in a window; whether there was room. The same `member` is
    /// counted once.
    ///
    /// # Errors
    /// [`Away`].
    async fn count(&self, rate: &Rate, member: &str) -> Result<bool, Away>;

    /// The node lives and holds these slots; finds the way back to a fleet that
    /// was away.
    ///
    /// # Errors
    /// [`Away`].
    async fn beat(&self, holdings: &[Holding]) -> Result<Pulse, Away>;

    /// Every live call of every node, as the nodes last described it.
    ///
    /// # Errors
    /// [`Away`].
    async fn live(&self) -> Result<Vec<LiveView>, Away>;

    /// The node on which a call lives.
    ///
    /// # Errors
    /// [`Away`].
    async fn owner(&self, call: &CallSid) -> Result<Option<NodeKey>, Away>;

    /// Tells another node something; whether it listens.
    ///
    /// # Errors
    /// [`Away`].
    async fn send(&self, to: &NodeKey, note: &Note) -> Result<bool, Away>;

    /// The next thing that this node is told. Waits; one listener at a time.
    async fn note(&self) -> Note;

    /// An exchange took too long: the next beat begins anew. Never waits.
    fn disconnect(&self);

    /// The node ends in good order: it no longer counts.
    ///
    /// # Errors
    /// [`Away`].
    async fn leave(&self) -> Result<(), Away>;
}
