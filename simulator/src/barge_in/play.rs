//! Plays a scene to the ears, as a call would.

use trunkline_core::audio::{FRAME_BYTES, FRAME_MS};
use trunkline_core::detect::{Ears, EarsSettings, EarsSnapshot, Sound};
use trunkline_core::time::Micros;

use super::chance::Chance;
use super::scene::Scene;

/// Agent audio goes out in pieces of 120 ms, a second ahead of the caller's ear.
const PIECE_BYTES: usize = 960;
const PIECE_MS: u64 = 120;
const LEAD_MS: u64 = 1_000;

/// When the stream begins: a call has been up for a while, and no time is zero.
const START: Micros = Micros::from_millis(10_000);

/// What the ears made of a scene.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// When speech was first told as sustained, in milliseconds of the caller's
    /// audio: the end of the frame that decided it.
    pub sustained_ms: Option<u32>,
    /// The same, told as strong.
    pub strong_ms: Option<u32>,
    /// All that was told.
    pub sounds: Vec<Sound>,
}

/// Plays a scene to new ears. The agent is taken for audible as long as its audio
/// plays, and 200 ms more.
#[must_use]
pub fn play(scene: &Scene, settings: &EarsSettings) -> Outcome {
    let mut ears = Ears::new(*settings, EarsSnapshot::default());
    let mut chance = Chance::new(scene.caller.len() as u64 ^ u64::from(scene.jitter_ms));
    let mut outcome = Outcome::default();
    let mut pieces = scene.agent.chunks(PIECE_BYTES).zip(0_u64..).peekable();
    let agent_until_ms = scene.agent.len() as u64 / 8 + 200;
    let mut last = START;
    for (frame, n) in scene.caller.chunks(FRAME_BYTES).zip(0_u64..) {
        let began_ms = n * FRAME_MS;
        while let Some((piece, k)) = pieces.next_if(|(_, k)| k * PIECE_MS < began_ms + LEAD_MS) {
            ears.agent_audio(piece, START + Micros::from_millis(k * PIECE_MS));
        }
        let ended_ms = began_ms + FRAME_MS;
        let late = chance.whole(0, scene.jitter_ms as usize * 1_000 + 1) as u64;
        last = last.max(START + Micros::from_millis(ended_ms) + Micros(late));
        let sound = ears.caller_frame(frame, last, began_ms < agent_until_ms);
        outcome.note(sound, u32::try_from(ended_ms).unwrap_or(u32::MAX));
    }
    outcome
}

impl Outcome {
    fn note(&mut self, sound: Option<Sound>, ended_ms: u32) {
        if let Some(Sound::Sustained { strong, .. }) = sound {
            self.sustained_ms = self.sustained_ms.or(Some(ended_ms));
            self.strong_ms = self.strong_ms.or(strong.then_some(ended_ms));
        }
        self.sounds.extend(sound);
    }
}
