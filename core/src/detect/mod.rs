//! The ears of a call: does what the line brings sound like a caller who speaks?
//!
//! Pure and deterministic: frames in, with their times; [`Sound`]s out. No clock,
//! and nothing is allocated after construction. What a sound means for the floor
//! is not decided here: "mm-hm" is speech, and is told as speech.
//!
//! A frame passes four questions, the cheap ones first, and most frames end at
//! the first:
//!
//! 1. `gate`: is it louder than the line's own noise, which is followed?
//! 2. `echo`: is it what we played, coming back? The envelope of what we play is
//!    kept with the time at which it plays.
//! 3. `pitch`: does it have the period of a voice? A cough, a click, a slammed
//!    door and wind have none.
//! 4. `voice`: does the small neural network of the `earshot` crate take it for a
//!    voice? Asked only while the agent may be audible, because only then can a
//!    wrong answer stop anybody.
//!
//! `run` puts the answers together over time. The levels are those of μ-law as
//! [`crate::audio::level`] has them: dB below full scale, over 20 ms.

mod ears;
mod echo;
mod envelope;
mod framer;
mod gate;
mod pitch;
mod power;
mod run;
mod settings;
mod sound;
mod tone;
mod voice;

pub use ears::Ears;
pub use echo::EchoPath;
pub use gate::{EnergyGate, Gate};
pub use settings::EarsSettings;
pub use sound::{EarsSnapshot, RunSnapshot, Sound};
pub use voice::{Earshot, VoiceActivity};
