//! Echo load: every frame that a caller sends carries its number and the moment
//! at which it was sent, the model sends it back, and what comes back tells how
//! long the relay between the two took, and what it lost.
//!
//! Thousands of these callers run on one thread: they share one clock that
//! turns every millisecond, sit directly on their sockets, and decode no audio.

mod caller;
mod ear;
mod meter;
mod order;
mod stamp;
mod stream;
mod wheel;

pub(super) use meter::{Interval, Meter};
pub use order::EchoCounts;
pub(super) use wheel::Wheel;

use std::rc::Rc;

/// What the echo callers of one load share.
#[derive(Clone)]
pub(super) struct EchoLoad {
    pub(super) meter: Rc<Meter>,
    pub(super) wheel: Rc<Wheel>,
}

impl EchoLoad {
    /// Starts the shared clock.
    pub(super) fn start() -> Self {
        Self { meter: Rc::new(Meter::start()), wheel: Wheel::start() }
    }
}
