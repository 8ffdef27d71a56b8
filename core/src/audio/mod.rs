//! How audio changes form. The telephone speaks G.711 μ-law at 8 kHz; a speech
//! model may speak that too, or 16-bit linear at 24 kHz.
//!
//! Everything here is a plain function or a small state machine over slices.
//! What is called once per 20 ms frame keeps its buffers and appends to the
//! caller's, so that a call in steady state allocates nothing.

pub mod chunk;
pub mod g711;
pub mod level;
pub mod resample;
pub mod transcode;
pub mod wav;

/// Samples per second on the telephone's side.
pub const TELEPHONE_RATE_HZ: u32 = 8_000;

/// Samples per second of linear audio on the model's side.
pub const MODEL_RATE_HZ: u32 = 24_000;

/// Bytes of μ-law in one 20 ms frame, which is also its number of samples.
pub const FRAME_BYTES: usize = 160;

/// Length of one frame, in milliseconds.
pub const FRAME_MS: u64 = 20;

/// Bytes of μ-law in one millisecond.
pub const MULAW_BYTES_PER_MS: usize = 8;
