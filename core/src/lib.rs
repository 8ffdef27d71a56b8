//! The pure part of Trunkline: what a call decides, how its audio moves, and
//! what goes on the wire.
//!
//! Nothing here does I/O, reads a clock, draws randomness or holds a lock.
//! Time comes in as [`time::Micros`], chance comes in as a seed, and what is to
//! happen comes out as data. That is what lets a recorded call run again to the
//! byte, and a whole call be tested in virtual time.

pub mod admission;
pub mod audio;
pub mod block_list;
pub mod call;
pub mod cost;
pub mod detect;
pub mod flight;
pub mod ids;
pub mod media;
pub mod persona;
pub mod pii;
pub mod pipeline;
pub mod suspicion;
pub mod tenant;
pub mod time;
pub mod tools;
pub mod turn;
pub mod wire;
