//! The recordings in `tests/sounds`, as `manifest.json` lists them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trunkline_core::audio::g711;

use super::line::{PER_MS, factor, rms};

/// Which half of the set: settings are chosen on one and judged on the other,
/// which has other voices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// To choose settings on.
    Tune,
    /// To judge them on.
    Test,
    /// In both.
    Both,
}

/// Why the sounds cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest is not what it should be.
    #[error("{path} is not a list of sounds: {source}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

#[derive(Debug, Deserialize)]
struct Manifest {
    level_dbfs: f32,
    sounds: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
    file: String,
    label: String,
    part: Part,
    onset_ms: u32,
    #[serde(default)]
    text: String,
}

/// One recording: linear samples at 8 kHz, between −1 and 1.
#[derive(Clone, Debug)]
pub struct Sound {
    /// Its file.
    pub file: String,
    /// `interruption`, `backchannel`, `cough`, `noise` or `agent`.
    pub kind: String,
    /// When it can first be heard, in milliseconds.
    pub onset_ms: u32,
    /// What is said, where somebody says something.
    pub text: String,
    /// The samples.
    pub samples: Vec<f32>,
    part: Part,
}

impl Sound {
    /// One that was not recorded.
    pub(super) fn made(file: String, kind: String, samples: Vec<f32>) -> Self {
        Self { file, kind, onset_ms: 0, text: String::new(), samples, part: Part::Both }
    }
}

/// All recordings.
#[derive(Clone, Debug)]
pub struct Sounds {
    /// How loud each is, over its loud parts, in dB below full scale.
    pub level_dbfs: f32,
    sounds: Vec<Sound>,
}

impl Sounds {
    /// Reads a folder with a `manifest.json`.
    ///
    /// # Errors
    /// When a file is missing or the manifest is not one.
    pub fn read(folder: &Path) -> Result<Self, SoundError> {
        let path = folder.join("manifest.json");
        let text = read(&path)?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|source| SoundError::Manifest { path, source })?;
        let sounds = manifest.sounds.into_iter().map(|entry| {
            let bytes = read(&folder.join(&entry.file))?;
            let linear = |code: &u8| f32::from(g711::decode_sample(*code)) / 32_768.0;
            let samples: Vec<f32> = bytes.iter().map(linear).collect();
            let text = words(&entry.label, entry.text);
            let onset_ms = entry.onset_ms.max(active_from_ms(&samples, manifest.level_dbfs));
            Ok(Sound {
                file: entry.file,
                kind: entry.label,
                onset_ms,
                text,
                samples,
                part: entry.part,
            })
        });
        Ok(Self { level_dbfs: manifest.level_dbfs, sounds: sounds.collect::<Result<_, _>>()? })
    }

    /// Those of one kind and part.
    #[must_use]
    pub fn of(&self, kind: &str, part: Part) -> Vec<&Sound> {
        let fits =
            |sound: &&Sound| sound.kind == kind && (sound.part == part || sound.part == Part::Both);
        self.sounds.iter().filter(fits).collect()
    }
}

/// What a recogniser would write: some sounds are given in phonemes, which are a
/// hum, or no word at all.
fn words(label: &str, text: String) -> String {
    match text.strip_prefix("[[") {
        Some(_) if label == "backchannel" => "Mm-hm.".to_owned(),
        Some(_) => String::new(),
        None => text,
    }
}

/// When a sound of this active level begins, in milliseconds: with the first 20 ms,
/// in steps of 5, that count as active in ITU-T P.56, which is up to 15.9 dB below
/// that level. What is softer, such as the first breath of a "th", is below a
/// line's noise.
fn active_from_ms(samples: &[f32], level_dbfs: f32) -> u32 {
    const MARGIN_DB: f32 = 15.9;
    let least = factor(level_dbfs - MARGIN_DB);
    let windows = (0_u32..).map(|step| step * 5);
    windows
        .map_while(|ms| Some((ms, samples.get(ms as usize * PER_MS..)?.get(..20 * PER_MS)?)))
        .find(|(_, window)| rms(window) >= least)
        .map_or(0, |(ms, _)| ms)
}

fn read(path: &Path) -> Result<Vec<u8>, SoundError> {
    std::fs::read(path).map_err(|source| SoundError::File { path: path.to_owned(), source })
}
