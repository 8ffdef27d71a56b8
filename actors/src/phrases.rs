//! The phrase cache: renderings that are kept so that a set sentence starts with
//! no round trip. Keyed by voice and text, in memory, and in a folder where there
//! is one, one headerless μ-law file a phrase. A file's name holds the sum of what
//! is in it, so that one that was damaged is a miss and not a noise.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use trunkline_core::media::Phrase;

/// Longest rendering that is kept: a minute of μ-law.
const MAX_BYTES: usize = 60 * 8_000;

/// Most audio that is kept of all phrases together, in bytes of μ-law: half an hour
/// and more. The oldest goes first, from the folder when it is read again.
const MAX_BYTES_IN_ALL: u64 = 16 * 1_024 * 1_024;

/// Ending of a phrase's file.
const ENDING: &str = "ulaw";

/// What is known, bounded.
#[derive(Debug, Default)]
struct Known {
    phrases: HashMap<String, Phrase>,
    /// Keys, the oldest first.
    order: VecDeque<String>,
    bytes: u64,
}

impl Known {
    fn keep(&mut self, key: String, phrase: Phrase) {
        self.bytes += phrase.bytes();
        match self.phrases.insert(key.clone(), phrase) {
            Some(before) => self.bytes -= before.bytes(),
            None => self.order.push_back(key),
        }
        while self.bytes > MAX_BYTES_IN_ALL
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.phrases.remove(&oldest).map_or(0, |phrase| phrase.bytes());
        }
    }
}

/// See the module's text. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct PhraseCache {
    known: Arc<Mutex<Known>>,
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
        self.lock().phrases.get(&key(voice, text)).cloned()
    }

    /// Asks to listen to `text` in `voice` and keep it. One call does that at a
    /// time: a rendering of many calls at once would be the same many times over.
    /// None while another does, and when there is nothing left to learn.
    #[must_use]
    pub fn listen(&self, voice: &str, text: &str) -> Option<Listening> {
        let key = key(voice, text);
        if self.lock().phrases.contains_key(&key) {
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
        self.keep(voice, text, audio)
    }

    /// Keeps a rendering, given as μ-law. Answers the write, as [`Self::learn`].
    pub fn keep(&self, voice: &str, text: &str, audio: Vec<u8>) -> Option<PendingWrite> {
        if audio.is_empty() || audio.len() > MAX_BYTES {
            return None;
        }
        let name = key(voice, text);
        self.lock().keep(name.clone(), Phrase::from_mulaw(&audio));
        let folder = self.folder.as_deref()?;
        let path = folder.join(format!("{name}-{}", sum(&audio))).with_extension(ENDING);
        Some(PendingWrite { path, audio })
    }

    /// Takes what the folder holds, the newest last, and takes out what is damaged
    /// or more than is kept.
    fn load(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == ENDING) {
                let changed = path.metadata().and_then(|about| about.modified()).ok();
                files.push((changed, path));
            }
        }
        files.sort();
        for (_, path) in &files {
            match read_phrase(path) {
                Some((name, audio)) => self.lock().keep(name, Phrase::from_mulaw(&audio)),
                None => remove(path),
            }
        }
        let known = self.lock();
        let forgotten = files.iter().filter(|(_, path)| {
            name_of(path).is_some_and(|(name, _)| !known.phrases.contains_key(name))
        });
        forgotten.for_each(|(_, path)| remove(path));
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
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

/// The key and the sum that a phrase's file is named by.
fn name_of(path: &Path) -> Option<(&str, &str)> {
    path.file_stem()?.to_str()?.split_once('-')
}

/// What is in a phrase's file; none when it is not what was put there.
fn read_phrase(path: &Path) -> Option<(String, Vec<u8>)> {
    let (name, written) = name_of(path)?;
    let audio = std::fs::read(path).ok()?;
    let good = !audio.is_empty() && audio.len() <= MAX_BYTES && sum(&audio) == written;
    good.then(|| (name.to_owned(), audio))
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(%error, "a phrase's file stays");
    }
}

fn key(voice: &str, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(voice.as_bytes());
    hash.update([0]);
    hash.update(text.as_bytes());
    hex(&hash.finalize(), 16)
}

fn sum(audio: &[u8]) -> String {
    hex(&Sha256::digest(audio), 8)
}

fn hex(bytes: &[u8], most: usize) -> String {
    bytes.iter().take(most).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
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
    fn a_damaged_file_is_a_miss_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PhraseCache::open(Some(folder.path().to_owned()));
        for text in ["Hello.", "Goodbye.", "One moment."] {
            cache.keep("alloy", text, text.repeat(100).into_bytes()).unwrap().write().unwrap();
        }
        let mut files: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        std::fs::write(&files[0], b"cut").unwrap();
        std::fs::write(folder.path().join("stranger.ulaw"), b"noise").unwrap();
        let again = PhraseCache::open(Some(folder.path().to_owned()));
        let known = ["Hello.", "Goodbye.", "One moment."].map(|t| again.get("alloy", t).is_some());
        assert_eq!(known.iter().filter(|k| **k).count(), 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_oldest_goes_when_there_is_too_much() {
        let cache = PhraseCache::open(None);
        let most = usize::try_from(MAX_BYTES_IN_ALL).unwrap() / MAX_BYTES;
        for number in 0..=most {
            cache.keep("alloy", &number.to_string(), vec![1; MAX_BYTES]);
        }
        assert_eq!(cache.get("alloy", "0"), None);
        assert!(
            cache.get("alloy", "1").is_some() && cache.get("alloy", &most.to_string()).is_some()
        );
        cache.keep("alloy", "1", vec![2; 8]);
        assert_eq!(
            cache.get("alloy", "1").unwrap().bytes(),
            8,
            "a newer rendering takes its place"
        );
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
