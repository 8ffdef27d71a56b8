//! What the downlink and the call tell each other.

use serde::{Deserialize, Serialize};

use crate::ids::ItemId;
use crate::time::Micros;

/// What the downlink tells the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// A piece of an item was handed to the carrier. What was cleared before it was
    /// heard may be sent again.
    Sent {
        /// The item.
        item: ItemId,
        /// Where in the item the piece begins, in bytes of μ-law.
        from: u64,
        /// Its length, in bytes of μ-law.
        bytes: u64,
        /// When, as if they had gone in one piece.
        at: Micros,
    },
    /// All of an item was handed to the carrier.
    Delivered {
        /// The item.
        item: ItemId,
    },
    /// The carrier played an item up to here.
    Played {
        /// The item.
        item: ItemId,
        /// Bytes of μ-law since the item's start.
        bytes: u64,
    },
}

/// An item of which the caller has not heard all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unheard {
    /// The item.
    pub item: ItemId,
    /// Where in it to go on, in bytes of μ-law: at most what was heard of it.
    pub from: u64,
}

/// What became of audio that the model gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It will be sent, at once or when the lead allows.
    Queued,
    /// It belongs to a response that may not be heard any more.
    Unwanted,
    /// More waits already than any call has time for.
    Dropped,
}
