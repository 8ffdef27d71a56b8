//! The phrase cache: renderings that are kept so that a set sentence starts with
//! no round trip. Keyed by voice and text, in memory, and in a folder where there
//! is one, one headerless μ-law file a phrase.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use trunkline_core::media::Phrase;

/// Longest rendering that is kept: a minute of μ-law.
const MAX_BYTES: usize = 60 * 8_000;

/// Ending of a phrase's file.
const ENDING: &str = "ulaw";

/// See the module's text. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PhraseCache {
    known: Arc<Mutex<HashMap<String, Phrase>>>,
    /// What some call is listening to right now.
    being_learned: Arc<Mutex<HashSet<String>>>,
    folder: Option<Arc<Path>>,
}

impl PhraseCache {
    /// A cache that starts with what `folder` holds. A folder that cannot be made
    /// or read costs the cache its memory over restarts, and is reported.
    #[must_use]
    pub fn open(folder: Option<PathBuf>) -> Self {
        let folder = folder.map(Arc::from);
        let cache = Self { folder, ..Self::default() };
        if let Some(folder) = cache.folder.as_deref()
            && let Err(error) = cache.load(folder)
        {
            tracing::warn!(folder = %folder.display(), %error, "the phrase cache has no folder");
        }
        cache
    }

    /// The rendering of `text` in `voice`.
    #[must_use]
    pub fn get(&self, voice: &str, text: &str) -> Option<Phrase> {
        self.lock().get(&key(voice, text)).cloned()
    }

    /// Asks to listen to `text` in `voice` and keep it. One call does that at a
    /// time: a rendering of many calls at once would be the same many times over.
    /// None while another does, and when there is nothing left to learn.
    #[must_use]
    pub fn listen(&self, voice: &str, text: &str) -> Option<Listening> {
        let key = key(voice, text);
        if self.lock().contains_key(&key) {
            return None;
        }
        let all = Arc::clone(&self.being_learned);
        let is_first = locked(&all).insert(key.clone());
        is_first.then_some(Listening { key, all })
    }

    /// Keeps a rendering, given as base64 μ-law payloads. Answers the write that
    /// makes it outlive the process: file work, for a thread that may block.
    pub fn learn(&self, voice: &str, text: &str, payloads: &[String]) -> Option<PendingWrite> {
        let mut audio = Vec::new();
        for payload in payloads {
            audio.extend(STANDARD.decode(payload).ok()?);
        }
        if audio.is_empty() || audio.len() > MAX_BYTES {
            return None;
        }
        let name = key(voice, text);
        self.lock().insert(name.clone(), Phrase::from_mulaw(&audio));
        let folder = self.folder.as_deref()?;
        Some(PendingWrite { path: folder.join(name).with_extension(ENDING), audio })
    }

    fn load(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let is_phrase = path.extension().is_some_and(|e| e == ENDING);
            let name = path.file_stem().and_then(|s| s.to_str()).map(str::to_owned);
            if let (true, Some(name)) = (is_phrase, name) {
                let audio = std::fs::read(&path)?;
                if !audio.is_empty() && audio.len() <= MAX_BYTES {
                    self.lock().insert(name, Phrase::from_mulaw(&audio));
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Phrase>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to listen to a phrase; given back when it is dropped.
#[derive(Debug)]
pub struct Listening {
    key: String,
    all: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        locked(&self.all).remove(&self.key);
    }
}

fn locked(all: &Mutex<HashSet<String>>) -> std::sync::MutexGuard<'_, HashSet<String>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A phrase on its way to its file.
#[derive(Debug)]
pub struct PendingWrite {
    path: PathBuf,
    audio: Vec<u8>,
}

impl PendingWrite {
    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> std::io::Result<()> {
        // Two calls may learn the same phrase at once: each writes a file of its own.
        let part = self.path.with_extension(format!("{}.part", uuid::Uuid::new_v4().simple()));
        std::fs::write(&part, &self.audio)?;
        std::fs::rename(&part, &self.path)
    }
}

fn key(voice: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(voice.as_bytes());
    hash.update([0]);
    hash.update(text.as_bytes());
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_learned_phrase_is_there_after_a_restart_and_only_in_its_voice() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PhraseCache::open(Some(folder.path().to_owned()));
        let write = cache.learn("alloy", "Hello.", &[STANDARD.encode([1_u8; 1_000])]).unwrap();
        write.write().unwrap();
        let again = PhraseCache::open(Some(folder.path().to_owned()));
        assert_eq!(again.get("alloy", "Hello.").unwrap().bytes(), 1_000);
        assert_eq!(again.get("ash", "Hello."), None);
    }

    #[test]
    fn one_call_at_a_time_listens_to_a_phrase() {
        let cache = PhraseCache::open(None);
        let first = cache.listen("alloy", "Hello.").unwrap();
        assert!(cache.listen("alloy", "Hello.").is_none());
        assert!(cache.listen("ash", "Hello.").is_some());
        drop(first);
        assert!(cache.listen("alloy", "Hello.").is_some());
        cache.learn("alloy", "Hello.", &[STANDARD.encode([1_u8; 8])]);
        assert!(cache.listen("alloy", "Hello.").is_none(), "it is known");
    }

    #[test]
    fn what_is_no_audio_is_not_learned() {
        let cache = PhraseCache::open(None);
        assert!(cache.learn("alloy", "Hello.", &["?".to_owned()]).is_none());
        assert_eq!(cache.get("alloy", "Hello."), None);
    }
}
