//! The agent's voice as it comes back: a small loudspeaker's band and distortion,
//! and a room of some reflections, late and quieter.

use std::collections::VecDeque;

use super::chance::Chance;
use super::line::{Band, PER_MS, factor, rms};
use super::scene::Echo;

/// How many reflections there are.
const REFLECTIONS: usize = 4;

/// See the module's text. Takes what is played, sample by sample, and gives what
/// comes back at that moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    band: Band,
    /// How late each path is, in samples, and its gain.
    paths: Vec<(usize, f32)>,
    past: VecDeque<f32>,
}

impl Room {
    /// A room with this echo, as loud as that for this voice.
    pub(super) fn new(agent: &[f32], echo: Echo, chance: &mut Chance) -> Self {
        let band = Band::new(chance.between(900.0, 1_500.0), 0.5);
        let delay = echo.delay_ms as usize * PER_MS + chance.whole(0, 20 * PER_MS);
        let mut paths = vec![(delay, 1.0)];
        for _ in 0..REFLECTIONS {
            let late = chance.whole(5 * PER_MS, 60 * PER_MS);
            paths.push((delay + late, factor(-8.0 - late as f32 / 40.0)));
        }
        let longest = paths.iter().map(|(late, _)| *late).max().unwrap_or(0);
        let mut room = Self { band, paths, past: VecDeque::from(vec![0.0; longest + 1]) };
        // The gain that is stated is that of the whole path.
        let path = rms(&room.clone().echo_of(agent)) / rms(agent).max(1e-9);
        let gain = factor(echo.gain_db) / path.max(1e-9);
        room.paths.iter_mut().for_each(|(_, of_path)| *of_path *= gain);
        room
    }

    /// What comes back when this sample is played, between -1 and 1.
    pub fn next(&mut self, played: f32) -> f32 {
        self.past.pop_back();
        self.past.push_front((self.band.next(played) * 3.0).tanh() / 3.0);
        let path = |(late, gain): &(usize, f32)| self.past.get(*late).map_or(0.0, |s| s * gain);
        self.paths.iter().map(path).sum()
    }

    /// What comes back of all this, and of half a second of silence after it.
    pub(super) fn echo_of(&mut self, agent: &[f32]) -> Vec<f32> {
        let silence = std::iter::repeat_n(&0.0, 500 * PER_MS);
        agent.iter().chain(silence).map(|sample| self.next(*sample)).collect()
    }
}
