//! Is it a voice? A small neural network answers, behind a trait.

use super::framer::Frame;
use crate::audio::g711::decode_sample;

/// What can say of 8 kHz audio whether it is a voice. Frames follow each other
/// without gaps from one [`VoiceActivity::reset`] to the next.
pub trait VoiceActivity {
    /// Forgets what it heard: the next frame begins something else.
    fn reset(&mut self);

    /// Takes in 20 ms of μ-law; answers how sure it is, as of now, that it hears
    /// a voice: 0 to 1.
    fn frame(&mut self, mulaw: &Frame) -> f32;
}

/// Samples that the network takes at once: 16 ms at 16 kHz.
const HOP: usize = 256;

/// The network of the `earshot` crate (pure Rust, 40 KB of weights built in, 8 KB
/// of state). It wants 16 kHz; the telephone's band ends at 3.4 kHz, so a short
/// interpolation is enough: what it lets through above 4 kHz is 40 dB down.
pub struct Earshot {
    network: Box<earshot::Detector>,
    interpolate: Interpolate,
    hop: [i16; HOP],
    held: usize,
    score: f32,
}

impl Default for Earshot {
    fn default() -> Self {
        Self {
            network: earshot::Detector::default_boxed(),
            interpolate: Interpolate::default(),
            hop: [0; HOP],
            held: 0,
            score: 0.0,
        }
    }
}

impl std::fmt::Debug for Earshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Earshot").field("score", &self.score).finish_non_exhaustive()
    }
}

impl VoiceActivity for Earshot {
    fn reset(&mut self) {
        self.network.reset();
        self.interpolate = Interpolate::default();
        self.held = 0;
        self.score = 0.0;
    }

    fn frame(&mut self, mulaw: &Frame) -> f32 {
        for code in mulaw {
            let (first, second) = self.interpolate.push(decode_sample(*code));
            // 256 is even: there is room for both or for none.
            if let Some([a, b]) = self.hop.get_mut(self.held..self.held + 2) {
                (*a, *b) = (first, second);
            }
            self.held += 2;
            if self.held >= HOP {
                self.held = 0;
                self.score = self.network.predict_i16(&self.hop);
            }
        }
        self.score
    }
}

/// Twice as many samples: every other one is given back as it was, those between
/// come from the eight around them. A half-band filter, windowed; its weights are
/// in 1/4096 and add up to one half on either side.
#[derive(Default)]
struct Interpolate([i32; 8]);

impl Interpolate {
    fn push(&mut self, sample: i16) -> (i16, i16) {
        let [_, a, b, c, d, e, f, g] = self.0;
        let h = i32::from(sample);
        self.0 = [a, b, c, d, e, f, g, h];
        // The newest eight, a to h: the one that is given back is d.
        let Self([a, b, c, d, e, f, g, h]) = self;
        let between = 2_540 * (*d + *e) - 660 * (*c + *f) + 251 * (*b + *g) - 83 * (*a + *h);
        let between = (between >> 12).clamp(i16::MIN.into(), i16::MAX.into());
        (*d as i16, between as i16)
    }
}
