//! The recordings in `tests/sounds`, as `manifest.json` lists them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trunkline_core::audio::g711;

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
    /// The samples.
    pub samples: Vec<f32>,
    part: Part,
}

impl Sound {
    /// One that was not recorded.
    pub(super) fn made(file: String, kind: String, samples: Vec<f32>) -> Self {
        Self { file, kind, onset_ms: 0, samples, part: Part::Both }
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
            Ok(Sound {
                file: entry.file,
                kind: entry.label,
                onset_ms: entry.onset_ms,
                samples: bytes.iter().map(linear).collect(),
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

fn read(path: &Path) -> Result<Vec<u8>, SoundError> {
    std::fs::read(path).map_err(|source| SoundError::File { path: path.to_owned(), source })
}
