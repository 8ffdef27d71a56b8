//! The phone's mouth: what the caller sends, frame by frame, and when the
//! caller begins and stops speaking.

use std::sync::{Arc, LazyLock};

use trunkline_core::audio::FRAME_BYTES;
use trunkline_core::time::Micros;

use super::level::{SILENCE, audible};
use super::script::Clip;

/// Quiet that ends an utterance, in milliseconds: longer than a stop consonant.
const UTTERANCE_GAP_MS: u64 = 300;

/// Frames of the comfort noise, which then repeats: one second.
const NOISE_FRAMES: usize = 50;

/// A change in the caller's speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoke {
    /// The first audible frame.
    Began,
    /// So much quiet that the utterance is over.
    Ended,
}

/// What the caller sends.
#[derive(Debug, Default)]
pub(super) struct Talker {
    clip: Option<Arc<[u8]>>,
    at: usize,
    noise: Option<Arc<[u8]>>,
    noise_at: usize,
    last_audible: Option<Micros>,
}

impl Talker {
    pub(super) fn new(noise: Option<Arc<[u8]>>) -> Self {
        Self { noise, ..Self::default() }
    }

    /// Sends this from the next frame.
    pub(super) fn say(&mut self, clip: &Clip) {
        self.clip = Some(Arc::clone(&clip.audio));
        self.at = 0;
    }

    /// Whether a recording is still being sent.
    pub(super) fn is_busy(&self) -> bool {
        self.clip.is_some()
    }

    /// The next 20 ms. `false`: plain silence, whose encoding is known.
    pub(super) fn fill(&mut self, frame: &mut [u8; FRAME_BYTES]) -> bool {
        let Some(clip) = &self.clip else {
            return self.fill_noise(frame);
        };
        let rest = clip.get(self.at..).unwrap_or_default();
        let taken = copy(rest, frame);
        self.at += taken;
        if self.at >= clip.len() {
            self.clip = None;
        }
        true
    }

    fn fill_noise(&mut self, frame: &mut [u8; FRAME_BYTES]) -> bool {
        let Some(noise) = &self.noise else {
            frame.fill(SILENCE);
            return false;
        };
        copy(noise.get(self.noise_at..).unwrap_or_default(), frame);
        self.noise_at = (self.noise_at + FRAME_BYTES) % noise.len().max(1);
        true
    }

    /// When the last audible frame of an utterance that is not over was sent.
    pub(super) fn last_audible(&self) -> Option<Micros> {
        self.last_audible
    }

    /// Whether the frame just filled begins or ends an utterance.
    pub(super) fn spoke(&mut self, frame: &[u8; FRAME_BYTES], at: Micros) -> Option<Spoke> {
        if audible(frame) {
            return self.last_audible.replace(at).is_none().then_some(Spoke::Began);
        }
        let quiet = self
            .last_audible
            .is_some_and(|last| at.since(last) >= Micros::from_millis(UTTERANCE_GAP_MS));
        if quiet {
            self.last_audible = None;
            return Some(Spoke::Ended);
        }
        None
    }
}

fn copy(from: &[u8], frame: &mut [u8; FRAME_BYTES]) -> usize {
    frame.fill(SILENCE);
    from.iter().zip(frame.iter_mut()).map(|(byte, slot)| *slot = *byte).count()
}

/// A second of faint noise, as a quiet room gives: the lowest few steps of
/// μ-law, some −65 dBFS, the same in every run. Made once.
pub(super) fn comfort_noise() -> Arc<[u8]> {
    static NOISE: LazyLock<Arc<[u8]>> = LazyLock::new(make_noise);
    Arc::clone(&NOISE)
}

fn make_noise() -> Arc<[u8]> {
    let mut state: u32 = 0x2545_f491;
    let sample = || {
        // Marsaglia's xorshift with the shifts 13, 17 and 5.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let size = u8::try_from(state & 0x07).unwrap_or(0);
        let sign = if state & 0x100 == 0 { 0x80 } else { 0 };
        sign | (0x7f - size)
    };
    std::iter::repeat_with(sample).take(NOISE_FRAMES * FRAME_BYTES).collect()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Micros {
        Micros::from_millis(ms)
    }

    #[test]
    fn a_recording_is_sent_whole_and_padded_with_silence() {
        let mut talker = Talker::default();
        let audio: Arc<[u8]> = vec![7_u8; 200].into();
        talker.say(&Clip { name: "x".into(), audio });
        let mut frame = [0; FRAME_BYTES];
        assert!(talker.fill(&mut frame) && talker.is_busy());
        assert_eq!(frame, [7; FRAME_BYTES]);
        assert!(talker.fill(&mut frame) && !talker.is_busy());
        assert_eq!((frame[39], frame[40]), (7, SILENCE));
        assert!(!talker.fill(&mut frame));
    }

    #[test]
    fn an_utterance_begins_at_its_first_audible_frame_and_ends_after_quiet() {
        let mut talker = Talker::default();
        let (loud, quiet) = ([0x10; FRAME_BYTES], [SILENCE; FRAME_BYTES]);
        assert_eq!(talker.spoke(&quiet, ms(0)), None);
        assert_eq!(talker.spoke(&loud, ms(20)), Some(Spoke::Began));
        assert_eq!(talker.spoke(&loud, ms(40)), None);
        assert_eq!(talker.spoke(&quiet, ms(320)), None);
        assert_eq!(talker.spoke(&quiet, ms(340)), Some(Spoke::Ended));
        assert_eq!(talker.spoke(&loud, ms(360)), Some(Spoke::Began));
    }

    #[test]
    fn comfort_noise_is_not_speech() {
        let noise = comfort_noise();
        assert_eq!(noise.len(), 8_000);
        assert!(noise.chunks(FRAME_BYTES).all(|frame| !audible(frame)));
        assert!(noise.iter().any(|&code| code != SILENCE));
    }
}
