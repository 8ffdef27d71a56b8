//! Speech of which every frame says which word it belongs to, so that whoever gets a
//! part of it knows to the frame which words that is. The sound stays the recording's,
//! but for the marks of [`super::watermark`]: here the response's number is the word's,
//! and the frame's number holds the word's length and the place in it.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use serde::Deserialize;
use trunkline_core::audio::FRAME_BYTES;

use super::watermark::{Scanner, Stamp, stamp};

/// Most frames of one word: five seconds.
const MOST_FRAMES: usize = 255;

/// The words that can be spelt, by their numbers.
#[derive(Debug, Default)]
pub struct WordBook {
    words: Vec<String>,
    /// Each text, and the number of its first word.
    texts: Vec<(String, usize)>,
}

#[derive(Deserialize)]
struct Sidecar {
    utterances: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    text: String,
}

impl WordBook {
    /// The words of a folder's recordings of one utterance each, as their sidecars say
    /// them: the same folder gives the same numbers.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn of_folder(folder: &Path) -> io::Result<Self> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
        paths.sort();
        let mut book = Self::default();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "json")) {
            let sidecar: Option<Sidecar> = serde_json::from_slice(&std::fs::read(path)?).ok();
            if let Some([said]) = sidecar.as_ref().map(|sidecar| sidecar.utterances.as_slice()) {
                book.texts.push((said.text.clone(), book.words.len()));
                book.words.extend(said.text.split_whitespace().map(str::to_owned));
            }
        }
        Ok(book)
    }

    /// The word of that number.
    #[must_use]
    pub fn word(&self, number: u16) -> Option<&str> {
        self.words.get(usize::from(number)).map(String::as_str)
    }

    /// The texts of all recordings.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|(text, _)| text.as_str())
    }

    /// Marks the frames of a recording of `text`, 8 kHz μ-law, the words evenly spread.
    /// Answers whether it could: the text must be known, and have a frame for each word.
    pub fn spell(&self, text: &str, mulaw: &mut [u8]) -> bool {
        let Some((_, first)) = self.texts.iter().find(|(known, _)| known == text) else {
            return false;
        };
        let words = text.split_whitespace().count();
        let frames = mulaw.chunks_exact(FRAME_BYTES).len();
        for word in 0..words {
            let (from, to) = (frames * word / words, frames * (word + 1) / words);
            let length = to - from;
            let (Ok(number), true) =
                (u16::try_from(first + word), (1..=MOST_FRAMES).contains(&length))
            else {
                return false;
            };
            let of_word = mulaw.chunks_exact_mut(FRAME_BYTES).skip(from).take(length);
            for (place, frame) in of_word.enumerate() {
                let place = u16::try_from((length << 8) | place).unwrap_or_default();
                stamp(frame, number, place);
            }
        }
        words > 0
    }
}

/// A word as far as it was heard. Bytes of the audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    number: u16,
    length: u16,
    /// Place of its last frame.
    last: u16,
    frames: u16,
    to: u64,
}

impl Part {
    /// Whether so much of it was heard that somebody else can have heard less only.
    const fn is_known(&self) -> bool {
        self.frames * 2 > self.length
    }

    const fn is_over(&self) -> bool {
        self.last + 1 >= self.length
    }
}

/// Hears spelt words in audio, however it is cut.
#[derive(Debug, Default)]
pub struct Speller {
    scanner: Scanner,
    stamps: VecDeque<Stamp>,
    parts: VecDeque<Part>,
}

impl Speller {
    /// More audio.
    pub fn push(&mut self, mulaw: &[u8]) {
        self.scanner.scan(mulaw, &mut self.stamps);
        while let Some(stamp) = self.stamps.pop_front() {
            self.hear(&stamp);
        }
    }

    fn hear(&mut self, stamp: &Stamp) {
        let (length, place) = (stamp.frame >> 8, stamp.frame & 0xff);
        let to = stamp.offset + FRAME_BYTES as u64;
        match self.parts.back_mut() {
            Some(part) if part.number == stamp.response && part.last < place => {
                part.frames += 1;
                part.last = place;
                part.to = to;
            }
            Some(_) | None => {
                let number = stamp.response;
                self.parts.push_back(Part { number, length, last: place, frames: 1, to });
            }
        }
    }

    /// The words that were heard and not taken, by their numbers.
    pub fn waiting(&self) -> impl Iterator<Item = u16> + '_ {
        self.parts.iter().filter(|part| part.is_known()).map(|part| part.number)
    }

    /// Takes the words that are over, if they are this many at least, and says where
    /// the last of them ends, in bytes.
    pub fn take_over(&mut self, least: usize) -> Option<(Vec<u16>, u64)> {
        let over = self.parts.iter().take_while(|part| part.is_over()).count();
        let to = self.parts.get(over.checked_sub(1)?)?.to;
        (over >= least.max(1)).then(|| (self.take(over), to))
    }

    /// Takes all words.
    pub fn take_all(&mut self) -> Vec<u16> {
        self.take(self.parts.len())
    }

    fn take(&mut self, count: usize) -> Vec<u16> {
        self.parts.drain(..count).filter(Part::is_known).map(|part| part.number).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;

    const TEXT: &str = "Hello, what are your opening hours on Saturday?";

    fn book() -> WordBook {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/audio/utterances");
        WordBook::of_folder(&folder).unwrap()
    }

    fn spelt(book: &WordBook) -> Vec<u8> {
        let mut audio = vec![0xff; 80 * FRAME_BYTES];
        assert!(book.spell(TEXT, &mut audio));
        audio
    }

    fn words(book: &WordBook, numbers: impl IntoIterator<Item = u16>) -> String {
        let words: Vec<&str> = numbers.into_iter().map(|n| book.word(n).unwrap()).collect();
        words.join(" ")
    }

    #[test]
    fn what_was_spelt_is_heard_wherever_the_audio_is_cut() {
        let book = book();
        let audio = spelt(&book);
        for cut in [1, 7, 160, 1_001, 12_800] {
            let mut speller = Speller::default();
            audio.chunks(cut).for_each(|piece| speller.push(piece));
            assert_eq!(words(&book, speller.take_all()), TEXT);
        }
        assert!(!book.spell("Nobody says this.", &mut [0; 1_600]));
        assert!(!book.spell(TEXT, &mut [0; 1_000]), "too short for its words");
    }

    #[test]
    fn a_word_in_two_halves_is_heard_once_at_most() {
        let book = book();
        let audio = spelt(&book);
        for cut in 0..80 {
            let (one, two) = audio.split_at(cut * FRAME_BYTES);
            let mut all = Vec::new();
            for part in [one, two] {
                let mut speller = Speller::default();
                speller.push(part);
                all.extend(speller.take_all());
            }
            assert!((7..=8).contains(&all.len()), "{cut}: {all:?}");
            all.dedup();
            assert!(all.windows(2).all(|two| two[0] < two[1]), "{cut}: {all:?}");
        }
    }

    #[test]
    fn words_are_taken_when_they_are_over_and_their_end_is_known() {
        let book = book();
        let audio = spelt(&book);
        let mut speller = Speller::default();
        // Ten frames a word.
        speller.push(&audio[..38 * FRAME_BYTES]);
        assert_eq!(words(&book, speller.waiting()), "Hello, what are your");
        assert_eq!(speller.take_over(4), None);
        let (taken, to) = speller.take_over(3).unwrap();
        assert_eq!((words(&book, taken).as_str(), to), ("Hello, what are", 30 * 160));
        speller.push(&audio[38 * FRAME_BYTES..]);
        assert_eq!(words(&book, speller.take_all()), "your opening hours on Saturday?");
    }
}
