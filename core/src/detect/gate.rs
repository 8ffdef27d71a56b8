//! Is a frame louder than the line? The first question, asked of every frame.
//!
//! The line's noise is followed by minimum statistics (after R. Martin, "Noise
//! power spectral density estimation based on optimal smoothing and minimum
//! statistics", 2001, without its spectrum): speech has a gap within any second
//! or two, so the quietest frame of the last 1.6 s is noise.

use super::settings::EarsSettings;

/// Frames in one part of the window: 200 ms.
const PART_FRAMES: u32 = 10;

/// Parts of the window: together 1.6 s.
const PARTS: usize = 8;

/// The quietest of 80 frames of steady noise is so far below their mean.
const BIAS_DB: f32 = 1.5;

/// How fast the noise is believed to grow, in dB for each frame: 12 dB a second,
/// so that one long vowel moves it little.
const RISE_DB: f32 = 0.24;

/// The same in the first second of a call, when nothing is known: 30 dB a second.
const FIRST_RISE_DB: f32 = 0.6;
const FIRST_FRAMES: u32 = 50;

/// What a line is taken for before it was heard.
const USUAL_DBFS: f32 = -60.0;

/// The noise is never taken for less: −70 is a line on which μ-law rounds to
/// silence. Nor for more, or nobody could be heard.
const RANGE_DBFS: (f32, f32) = (-70.0, -25.0);

/// What the gate says of one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Whether it is loud enough to be a voice.
    pub open: bool,
    /// How far it is above the line's noise, in dB.
    pub above_floor_db: f32,
}

/// See the module's text.
#[derive(Clone, Debug)]
pub struct EnergyGate {
    open_db: f32,
    close_db: f32,
    quietest_dbfs: f32,
    floor_dbfs: f32,
    /// The quietest frame of each part of the window.
    quietest: [f32; PARTS],
    part: usize,
    frames_in_part: u32,
    frames: u32,
    open: bool,
}

impl EnergyGate {
    /// A closed gate; `floor_dbfs` is what is known of the line's noise.
    #[must_use]
    pub fn new(settings: &EarsSettings, floor_dbfs: Option<f32>) -> Self {
        let known = floor_dbfs.filter(|db| db.is_finite());
        Self {
            open_db: settings.open_db,
            close_db: settings.close_db,
            quietest_dbfs: settings.quietest_dbfs,
            floor_dbfs: known.unwrap_or(USUAL_DBFS).clamp(RANGE_DBFS.0, RANGE_DBFS.1),
            quietest: [f32::INFINITY; PARTS],
            part: 0,
            frames_in_part: 0,
            frames: if known.is_some() { FIRST_FRAMES } else { 0 },
            open: false,
        }
    }

    /// Takes in the level of one frame of 20 ms, in dB below full scale.
    pub fn frame(&mut self, level_dbfs: f32) -> Gate {
        let above_floor_db = level_dbfs - self.floor_dbfs;
        let needed = if self.open { self.close_db } else { self.open_db };
        self.open = above_floor_db >= needed && level_dbfs >= self.quietest_dbfs;
        self.follow(level_dbfs);
        Gate { open: self.open, above_floor_db }
    }

    /// The line's noise, in dB below full scale.
    #[must_use]
    pub fn floor_dbfs(&self) -> f32 {
        self.floor_dbfs
    }

    /// The level that opens the gate, in dB below full scale.
    #[must_use]
    pub fn threshold_dbfs(&self) -> f32 {
        (self.floor_dbfs + self.open_db).max(self.quietest_dbfs)
    }

    /// Whether the line was heard long enough to know its noise.
    #[must_use]
    pub fn has_learned(&self) -> bool {
        self.frames >= FIRST_FRAMES
    }

    fn follow(&mut self, level_dbfs: f32) {
        let rise = if self.has_learned() { RISE_DB } else { FIRST_RISE_DB };
        self.frames = self.frames.saturating_add(1);
        if self.frames_in_part == PART_FRAMES {
            self.frames_in_part = 0;
            self.part = (self.part + 1) % PARTS;
            self.note(f32::INFINITY, |_, new| new);
        }
        self.frames_in_part += 1;
        self.note(level_dbfs, f32::min);
        let quietest = self.quietest.iter().copied().fold(f32::INFINITY, f32::min);
        let target = (quietest + BIAS_DB).clamp(RANGE_DBFS.0, RANGE_DBFS.1);
        self.floor_dbfs = target.min(self.floor_dbfs + rise);
    }

    fn note(&mut self, level_dbfs: f32, how: impl Fn(f32, f32) -> f32) {
        if let Some(part) = self.quietest.get_mut(self.part) {
            *part = how(*part, level_dbfs);
        }
    }
}
