//! How well do the ears of a call (`trunkline_core::detect`) tell an interruption
//! from everything else? A labelled set of scenes, and its scorer.
//!
//! The sounds are recordings in `tests/sounds` (made there by `make.py`); the
//! scenes are mixed from them here, by seed: a caller's sound at some level and
//! moment over an agent who speaks, with line noise, an echo of the agent, and
//! frames that come with jitter. Coughs, key clicks, hums and tones are made
//! here. The same seed makes the same bytes.
//!
//! [`score`] does all of it; [`Scene`]s can also be played over real sockets.

mod called;
mod chance;
mod line;
mod noises;
mod play;
mod report;
mod room;
mod scene;
mod set;
mod sounds;

pub use called::{CallReport, Called, Interruptions, Others, Stop};
pub use play::{Outcome, play};
pub use report::{Latency, NegativeScore, PositiveScore, Report};
pub use room::Room;
pub use scene::{Echo, Label, Scene};
pub use set::scenes;
pub use sounds::{Part, Sound, SoundError, Sounds};

use std::path::Path;

use trunkline_core::detect::EarsSettings;

/// Where the sounds are, seen from the top of the repository.
pub const SOUNDS: &str = "tests/sounds";

/// Mixes the set of one part from the sounds in a folder, plays every scene to
/// ears with these settings, and adds up.
///
/// # Errors
/// When the sounds cannot be read.
pub fn score(
    folder: &Path,
    part: Part,
    seed: u64,
    settings: &EarsSettings,
) -> Result<Report, SoundError> {
    let sounds = Sounds::read(folder)?;
    let scenes = scenes(&sounds, part, seed);
    let outcomes: Vec<Outcome> = scenes.iter().map(|scene| play(scene, settings)).collect();
    Ok(Report::new(part, seed, &scenes, &outcomes))
}
