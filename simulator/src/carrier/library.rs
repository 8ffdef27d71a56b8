//! The recordings that callers play, read once and shared by all calls.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use trunkline_core::audio::wav::{self, WavError};

use super::script::Clip;

/// Where audio is looked for, and what has been read so far.
#[derive(Debug)]
pub struct Library {
    folder: PathBuf,
    utterances: PathBuf,
    read: BTreeMap<PathBuf, Arc<[u8]>>,
}

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no recording that a telephone can play.
    #[error("cannot play {}: {source}", path.display())]
    Wav {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: WavError,
    },
    /// No recorded utterance has this text.
    #[error("no recording in {} says {text:?}; there are: {}", folder.display(), known.join(" | "))]
    Unspoken {
        /// The text.
        text: String,
        /// Where recordings are looked for.
        folder: PathBuf,
        /// The texts of the recordings that are there.
        known: Vec<String>,
    },
}

/// What lies beside a recording: who says what when.
#[derive(Deserialize)]
struct Sidecar {
    utterances: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    text: String,
}

impl Library {
    /// A library whose relative file names start at `folder` and whose recorded
    /// utterances, each a `.wav` with a `.json` beside it, are in `utterances`.
    #[must_use]
    pub fn new(folder: &Path, utterances: &Path) -> Self {
        Self { folder: folder.to_owned(), utterances: utterances.to_owned(), read: BTreeMap::new() }
    }

    /// The audio of a WAV file.
    ///
    /// # Errors
    /// When the file cannot be read or is no mono WAV that can be played.
    pub fn file(&mut self, name: &Path) -> Result<Clip, LibraryError> {
        let path = self.folder.join(name);
        let named = |audio| Clip { name: name.display().to_string(), audio };
        if let Some(audio) = self.read.get(&path) {
            return Ok(named(Arc::clone(audio)));
        }
        let bytes = std::fs::read(&path)
            .map_err(|source| LibraryError::Read { path: path.clone(), source })?;
        let audio: Arc<[u8]> = wav::parse(&bytes)
            .map_err(|source| LibraryError::Wav { path: path.clone(), source })?
            .into();
        self.read.insert(path, Arc::clone(&audio));
        Ok(named(audio))
    }

    /// The recorded utterance that says `text`; case, spacing and punctuation
    /// do not matter.
    ///
    /// # Errors
    /// When no recording says this, or the one that does cannot be played.
    pub fn utterance(&mut self, text: &str) -> Result<Clip, LibraryError> {
        let wanted = words(text);
        let mut known = Vec::new();
        for (said, recording) in self.recordings()? {
            if words(&said) == wanted {
                // An absolute or working-directory path stays itself when joined.
                let recording = std::path::absolute(&recording)
                    .map_err(|source| LibraryError::Read { path: recording, source })?;
                let clip = self.file(&recording)?;
                return Ok(Clip { name: said, ..clip });
            }
            known.push(said);
        }
        Err(LibraryError::Unspoken {
            text: text.to_owned(),
            folder: self.utterances.clone(),
            known,
        })
    }

    /// Texts and files of the recordings that hold one utterance each. A sidecar
    /// that cannot be read describes none.
    fn recordings(&self) -> Result<Vec<(String, PathBuf)>, LibraryError> {
        let failed = |source| LibraryError::Read { path: self.utterances.clone(), source };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.utterances).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let Ok(bytes) = std::fs::read(&path) else {
                continue;
            };
            let Ok(sidecar) = serde_json::from_slice::<Sidecar>(&bytes) else {
                continue;
            };
            if let [said] = sidecar.utterances.as_slice() {
                found.push((said.text.clone(), path.with_extension("wav")));
            }
        }
        found.sort();
        Ok(found)
    }
}

fn words(text: &str) -> Vec<String> {
    let kept = |c: char| c.is_alphanumeric() || c == '\'';
    text.split(|c| !kept(c)).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}
