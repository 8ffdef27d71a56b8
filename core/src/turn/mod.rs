//! Who holds the floor: the machines that say what the caller has heard, when
//! the caller interrupts, when the caller's turn is over or the line is silent,
//! and which response the model may give. Each is pure and small;
//! [`crate::call::Call`] is the only one that acts on them.

pub mod backchannel;
pub mod barge_in;
pub mod endpoint;
pub mod likely;
pub mod playback;
pub mod reading;
pub mod sequencer;
pub mod silence;
pub mod waterfall;
