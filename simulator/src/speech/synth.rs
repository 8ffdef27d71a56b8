//! A voice without an engine: each character is a piece of a buzz whose pitch
//! and loudness follow the text, so that the audio of a sentence is always the
//! same, lasts about as long as a person would take, and looks like speech to
//! whatever measures energy.

use std::f32::consts::TAU;

use trunkline_core::audio::g711;

use super::level::AudioFormat;
use super::{alaw, watermark};

/// Length of one character, in milliseconds: about 14 characters per second.
pub const CHARACTER_MS: u64 = 70;

/// Speaks a text: audio in the given format, a whole number of 20 ms frames.
#[must_use]
pub fn speak(text: &str, format: AudioFormat) -> Vec<u8> {
    let samples_per_ms = match format {
        AudioFormat::Mulaw | AudioFormat::Alaw => 8,
        AudioFormat::Pcm24k => 24,
    };
    let mut voice = Voice::new(samples_per_ms);
    let mut audio = Vec::new();
    for character in text.chars() {
        voice.character(character, |sample| match format {
            AudioFormat::Mulaw => audio.push(g711::encode_sample(sample)),
            AudioFormat::Alaw => audio.push(alaw::encode(sample)),
            AudioFormat::Pcm24k => audio.extend_from_slice(&sample.to_le_bytes()),
        });
    }
    let silence = match format {
        AudioFormat::Mulaw => g711::SILENCE,
        AudioFormat::Alaw => alaw::SILENCE,
        AudioFormat::Pcm24k => 0,
    };
    audio.resize(audio.len().next_multiple_of(format.frame_bytes()), silence);
    audio
}

/// Marks every 20 ms of a response's μ-law audio (see [`watermark`]).
pub fn watermarked(audio: &mut [u8], response: u16) {
    let mut index = 0u16;
    for frame in audio.chunks_mut(AudioFormat::Mulaw.frame_bytes()) {
        watermark::stamp(frame, response, index);
        index = index.wrapping_add(1);
    }
}

struct Voice {
    samples_per_character: u64,
    /// Length of a sample, in seconds.
    step: f32,
    phase: f32,
}

impl Voice {
    fn new(samples_per_ms: u16) -> Self {
        Self {
            samples_per_character: CHARACTER_MS * u64::from(samples_per_ms),
            step: 1.0 / (f32::from(samples_per_ms) * 1_000.0),
            phase: 0.0,
        }
    }

    fn character(&mut self, character: char, mut sample: impl FnMut(i16)) {
        let loudness = loudness(character);
        let pitch = pitch(character);
        let mut along = 0.0;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand samples at most")]
        let advance = 1.0 / self.samples_per_character as f32;
        for _ in 0..self.samples_per_character {
            self.phase = (self.phase + pitch * self.step).fract();
            let envelope = loudness * (0.35 + 0.65 * (along * std::f32::consts::PI).sin());
            let buzz = (self.phase * TAU).sin()
                + 0.5 * (self.phase * 2.0 * TAU).sin()
                + 0.25 * (self.phase * 5.0 * TAU).sin();
            #[expect(clippy::cast_possible_truncation, reason = "at most 1.75 × 9,000")]
            let value = (buzz * envelope * 9_000.0) as i16;
            sample(value);
            along += advance;
        }
    }
}

/// Vowels are syllables' loud parts, spaces and marks are the gaps between words.
fn loudness(character: char) -> f32 {
    match character.to_ascii_lowercase() {
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' => 1.0,
        c if c.is_alphanumeric() => 0.45,
        ',' | '.' | '?' | '!' | ';' | ':' => 0.0,
        _ => 0.08,
    }
}

/// 110 to 189 Hz, by the character.
fn pitch(character: char) -> f32 {
    let spread = (u32::from(character) * 37) % 80;
    110.0 + f32::from(u8::try_from(spread).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;
    use crate::speech::level::{dbfs, levels};

    const TEXT: &str = "Hello, how can I help you?";

    #[test]
    fn a_sentence_takes_as_long_as_a_person_would() {
        for format in [AudioFormat::Mulaw, AudioFormat::Alaw, AudioFormat::Pcm24k] {
            let audio = speak(TEXT, format);
            assert_eq!(audio.len() % format.frame_bytes(), 0);
            let ms = format.ms(audio.len());
            assert!((1_820..1_860).contains(&ms), "{ms}");
        }
    }

    #[test]
    fn the_same_text_sounds_the_same_and_another_does_not() {
        assert_eq!(speak(TEXT, AudioFormat::Mulaw), speak(TEXT, AudioFormat::Mulaw));
        assert_ne!(speak(TEXT, AudioFormat::Mulaw), speak("Goodbye!", AudioFormat::Mulaw));
    }

    #[test]
    fn it_is_as_loud_as_speech() {
        let loudest = levels(AudioFormat::Mulaw, &speak(TEXT, AudioFormat::Mulaw))
            .into_iter()
            .fold(0.0, f32::max);
        assert!((-20.0..-6.0).contains(&dbfs(loudest)), "{}", dbfs(loudest));
    }

    #[test]
    fn every_frame_of_a_marked_response_names_itself() {
        let mut audio = speak(TEXT, AudioFormat::Mulaw);
        watermarked(&mut audio, 7);
        for (n, frame) in audio.chunks(160).enumerate() {
            assert_eq!(watermark::read(frame), Some((7, u16::try_from(n).unwrap_or(0))));
        }
    }
}
