//! What the simulated model understands: recordings it was taught, known again
//! by their loudness contours.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock};

use serde::Deserialize;

use crate::speech::fingerprint::{Fingerprint, SAME};
use crate::speech::level::{AudioFormat, levels};
use crate::speech::offline::Offline;
use crate::speech::spelling::WordBook;

/// Sound from which the beginning of an utterance can be told, in frames.
const LEAST_FRAMES: usize = 30;

/// Why recordings could not be learnt.
#[derive(Debug, thiserror::Error)]
pub enum EarsError {
    /// The folder or a file in it cannot be read.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// A recording is no WAV that can be read.
    #[error("{0}: {1}")]
    Wav(PathBuf, #[source] hound::Error),
    /// A recording is not mono, or not of 16 bits.
    #[error("{0}: expected a mono recording of 16-bit samples")]
    Shape(PathBuf),
    /// A sidecar is not of the form `{"utterances":[{"start_ms","end_ms","text"}]}`.
    #[error("{0}: {1}")]
    Sidecar(PathBuf, #[source] serde_json::Error),
}

/// Utterances that are known, and their texts. Shared by all sessions.
#[derive(Debug, Default)]
pub struct Ears {
    known: RwLock<Vec<(Fingerprint, String)>>,
    told: RwLock<HashMap<String, Vec<Said>>>,
    book: RwLock<WordBook>,
    offline: OnceLock<Offline>,
}

/// What is said in a session, and when: milliseconds of its audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// From here.
    pub from_ms: u64,
    /// To here.
    pub to_ms: u64,
    /// The words.
    pub text: String,
}

#[derive(Deserialize)]
struct Sidecar {
    utterances: Vec<Utterance>,
}

#[derive(Deserialize)]
struct Utterance {
    start_ms: usize,
    end_ms: usize,
    text: String,
}

impl Ears {
    /// Learns an utterance from 8 kHz μ-law audio. Silence cannot be learnt.
    pub fn learn(&self, text: &str, mulaw: &[u8]) {
        self.learn_levels(text, &levels(AudioFormat::Mulaw, mulaw));
    }

    /// Learns every WAV of a folder and of the folders in it that has a sidecar
    /// of the same name ending in `.json`. Returns the number of utterances.
    ///
    /// # Errors
    /// When the folder, a recording or a sidecar cannot be read.
    pub fn learn_folder(&self, folder: &Path) -> Result<usize, EarsError> {
        let unreadable = |e| EarsError::Unreadable(folder.to_owned(), e);
        let book = WordBook::of_folder(folder).map_err(unreadable)?;
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            paths.push(entry.map_err(unreadable)?.path());
        }
        paths.sort();
        let mut learnt = 0;
        for path in paths {
            if path.is_dir() {
                learnt += self.learn_folder(&path)?;
            } else if path.extension().is_some_and(|e| e == "wav") {
                learnt += self.learn_recording(&path)?;
            }
        }
        Ok(learnt)
    }

    fn learn_recording(&self, wav: &Path) -> Result<usize, EarsError> {
        let sidecar = wav.with_extension("json");
        if !sidecar.exists() {
            return Ok(0);
        }
        let text = std::fs::read_to_string(&sidecar)
            .map_err(|e| EarsError::Unreadable(sidecar.clone(), e))?;
        let sidecar: Sidecar =
            serde_json::from_str(&text).map_err(|e| EarsError::Sidecar(sidecar, e))?;
        let levels = wav_levels(wav)?;
        for utterance in &sidecar.utterances {
            let end = (utterance.end_ms / 20 + 1).min(levels.len());
            let heard = levels.get(utterance.start_ms / 20..end).unwrap_or_default();
            self.learn_levels(&utterance.text, heard);
        }
        Ok(sidecar.utterances.len())
    }

    fn learn_levels(&self, text: &str, levels: &[f32]) {
        let Some(print) = Fingerprint::new(levels) else {
            return;
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.push((print, text.to_owned()));
    }

    /// In sessions whose instructions hold `marker`, this is what is said and nothing
    /// else: a recogniser that makes no mistakes.
    pub fn tell(&self, marker: &str, said: Vec<Said>) {
        let mut told = self.told.write().unwrap_or_else(PoisonError::into_inner);
        told.insert(marker.to_owned(), said);
    }

    /// What was said between two moments of a session, where that was told.
    pub(crate) fn told(&self, instructions: &str, from_ms: u64, to_ms: u64) -> Option<String> {
        let told = self.told.read().unwrap_or_else(PoisonError::into_inner);
        let (_, said) = told.iter().find(|(marker, _)| instructions.contains(marker.as_str()))?;
        let heard = said.iter().filter(|said| said.from_ms < to_ms && from_ms < said.to_ms);
        Some(heard.map(|said| said.text.as_str()).collect::<Vec<_>>().join(" "))
    }

    /// The word that a mark spells, of the folder that was learnt last.
    pub(crate) fn spelt(&self, number: u16) -> Option<String> {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        book.word(number).map(str::to_owned)
    }

    /// Recognises by the sound alone from now on, as one of the texts that were learnt
    /// last. Answers whether there is a recogniser for it.
    pub(crate) fn listen_to_the_sound(&self) -> bool {
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner);
        Offline::find(book.texts()).is_some_and(|offline| self.offline.set(offline).is_ok())
    }

    /// Whether [`Self::by_sound`] recognises.
    pub(crate) fn listens_to_the_sound(&self) -> bool {
        self.offline.get().is_some()
    }

    /// What is said, by the sound alone. It takes a second or so.
    pub(crate) fn by_sound(&self, mulaw: &[u8]) -> Option<String> {
        let words = self.offline.get()?.recognise(mulaw);
        if let Err(error) = &words {
            tracing::error!(%error, "the offline recogniser cannot be used");
        }
        Some(words.unwrap_or_default())
    }

    /// The text of the known utterance that is most like this one, given as
    /// 20 ms levels; `None` where none is like it.
    #[must_use]
    pub fn recognise(&self, levels: &[f32]) -> Option<String> {
        let print = Fingerprint::new(levels)?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (likeness, text) = known
            .iter()
            .map(|(other, text)| (print.likeness(other), text))
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        (likeness >= SAME).then(|| text.clone())
    }

    /// The words with which a known utterance begins that begins like this one;
    /// as many as are said by then. `None` where none does, or too little was
    /// heard to tell.
    #[must_use]
    pub fn recognise_start(&self, levels: &[f32]) -> Option<String> {
        let print = Fingerprint::new(levels).filter(|print| print.frames() >= LEAST_FRAMES)?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (likeness, whole, text) = known
            .iter()
            .map(|(whole, text)| (print.likeness_to_start(whole), whole, text))
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        if likeness < SAME {
            return None;
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let said = words.len() * print.frames().min(whole.frames()) / whole.frames().max(1);
        Some(words.get(..said)?.join(" "))
    }
}

fn wav_levels(path: &Path) -> Result<Vec<f32>, EarsError> {
    let wrong = |e| EarsError::Wav(path.to_owned(), e);
    let mut reader = hound::WavReader::open(path).map_err(wrong)?;
    let spec = reader.spec();
    let good = spec.channels == 1
        && spec.bits_per_sample == 16
        && spec.sample_format == hound::SampleFormat::Int
        && spec.sample_rate >= 8_000;
    if !good {
        return Err(EarsError::Shape(path.to_owned()));
    }
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().map_err(wrong)?;
    let frame = usize::try_from(spec.sample_rate / 50).unwrap_or(160);
    Ok(samples.chunks(frame).map(root_mean_square).collect())
}

fn root_mean_square(samples: &[i16]) -> f32 {
    let squares: f32 = samples.iter().map(|s| f32::from(*s) * f32::from(*s)).sum();
    #[expect(clippy::cast_precision_loss, reason = "a frame has a few hundred samples")]
    let count = samples.len().max(1) as f32;
    (squares / count).sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;
    use trunkline_core::audio::g711;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/audio")
    }

    /// A shipped utterance as a telephone would send it, `gain` times as loud,
    /// with noise, `shift` samples late.
    fn heard(name: &str, gain: f32, shift: usize) -> Vec<f32> {
        let path = shipped().join("utterances").join(name);
        let samples: Vec<i16> =
            hound::WavReader::open(path).unwrap().samples().collect::<Result<_, _>>().unwrap();
        let mut noise = 1u32;
        let mut hiss = move || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(i8::try_from(noise >> 25).unwrap_or(0)) - 64.0
        };
        let mut audio = vec![0.0; 2_400 + shift];
        audio.extend(samples.iter().map(|s| f32::from(*s) * gain));
        audio.extend([0.0; 4_000]);
        #[expect(clippy::cast_possible_truncation, reason = "a test's audio is quiet enough")]
        let mulaw: Vec<u8> =
            audio.iter().map(|s| g711::encode_sample((s + hiss()) as i16)).collect();
        levels(AudioFormat::Mulaw, &mulaw)
    }

    #[test]
    fn every_shipped_utterance_is_known_again_in_noise_at_another_level() {
        let ears = Ears::default();
        let learnt = ears.learn_folder(&shipped()).unwrap();
        assert!(learnt >= 9, "{learnt}");
        for (name, start) in [
            ("hours.wav", "Hello, what are your opening hours"),
            ("services.wav", "Tell me about"),
            ("goodbye.wav", "Sorry, that is all"),
            ("booking.wav", "Hi, I would like"),
            ("human.wav", "Could I please"),
            ("yes.wav", "Yes"),
        ] {
            for (gain, shift) in [(1.0, 0), (0.4, 70), (1.3, 133)] {
                let text = ears.recognise(&heard(name, gain, shift));
                assert!(
                    text.as_deref().is_some_and(|t| t.starts_with(start)),
                    "{name} {gain} {text:?}"
                );
            }
        }
    }

    #[test]
    fn what_was_told_is_heard_when_it_is_said() {
        let ears = Ears::default();
        let said = Said { from_ms: 500, to_ms: 900, text: "Wait.".to_owned() };
        ears.tell("room 7.", vec![said]);
        let heard = |from, to| ears.told("You are in room 7.", from, to);
        assert_eq!(heard(600, 1_400).as_deref(), Some("Wait."));
        assert_eq!(heard(0, 500).as_deref(), Some(""));
        assert_eq!(ears.told("You are in room 77.", 600, 700), None);
    }

    #[test]
    fn a_stranger_is_not_recognised() {
        let ears = Ears::default();
        let hours = heard("hours.wav", 1.0, 0);
        assert_eq!(ears.recognise(&hours), None);
        ears.learn_levels("booking", &heard("booking.wav", 1.0, 0));
        ears.learn_levels("human", &heard("human.wav", 1.0, 0));
        assert_eq!(ears.recognise(&hours), None);
        assert_eq!(ears.recognise(&[]), None);
    }
}
