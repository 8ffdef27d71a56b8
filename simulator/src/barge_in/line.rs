//! What a telephone line does to sound: levels, noise, echo, μ-law.

use trunkline_core::audio::g711;

/// Samples in a millisecond.
pub(super) const PER_MS: usize = 8;

/// dB as a factor of amplitude.
pub(super) fn factor(db: f32) -> f32 {
    10.0_f32.powf(db / 20.0)
}

/// The root of the mean square.
pub(super) fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

/// Makes it as loud as that over its whole length, in dB below full scale.
pub(super) fn leveled(mut samples: Vec<f32>, dbfs: f32) -> Vec<f32> {
    let gain = factor(dbfs) / rms(&samples).max(1e-9);
    samples.iter_mut().for_each(|s| *s *= gain);
    samples
}

/// Adds a sound to a line from a sample on; what goes beyond its end is lost.
pub(super) fn add(line: &mut [f32], sound: &[f32], from: usize, gain_db: f32) {
    let gain = factor(gain_db);
    let place = line.get_mut(from.min(line.len())..).unwrap_or_default();
    place.iter_mut().zip(sound).for_each(|(to, s)| *to += s * gain);
}

/// One resonance or band: a constant-peak band-pass (R. Bristow-Johnson, "Cookbook
/// formulae for audio EQ biquad filter coefficients").
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Band {
    b: f32,
    a1: f32,
    a2: f32,
    x: [f32; 2],
    y: [f32; 2],
}

impl Band {
    pub(super) fn new(centre_hz: f32, q: f32) -> Self {
        let w = std::f32::consts::TAU * centre_hz / 8_000.0;
        let alpha = w.sin() / (2.0 * q);
        let a0 = 1.0 + alpha;
        let (a1, a2) = (-2.0 * w.cos() / a0, (1.0 - alpha) / a0);
        Self { b: alpha / a0, a1, a2, x: [0.0; 2], y: [0.0; 2] }
    }

    pub(super) fn next(&mut self, x: f32) -> f32 {
        let ([x1, x2], [y1, y2]) = (self.x, self.y);
        let y = self.b * (x - x2) - self.a1 * y1 - self.a2 * y2;
        self.x = [x, x1];
        self.y = [y, y1];
        y
    }
}

/// As the carrier sends it.
pub(super) fn mulaw(line: &[f32]) -> Vec<u8> {
    // A cast from float saturates, which is what a loud line does.
    line.iter().map(|s| g711::encode_sample((s * 32_768.0).round() as i16)).collect()
}
