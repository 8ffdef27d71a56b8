//! How loud a piece of μ-law is, from a table: no decoding, no allocation.

use super::g711;

/// What absolute silence measures, in dB below full scale. Lower than the
/// quietest μ-law code, which is −72 dB.
pub const FLOOR_DBFS: f32 = -96.0;

const FULL_SCALE: f64 = 32_768.0;

/// Loudness of a piece of audio, in dB relative to full scale (0 is the square
/// wave between ±32768; a sine as loud as μ-law can be has an RMS of −3.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Root of the mean square.
    pub rms_dbfs: f32,
    /// The loudest single sample.
    pub peak_dbfs: f32,
}

/// Measures μ-law bytes; an empty slice is silent.
#[must_use]
pub fn measure(mulaw: &[u8]) -> Level {
    let peak = mulaw.iter().map(|code| g711::decode_sample(*code).unsigned_abs()).max();
    let peak = f64::from(peak.unwrap_or(0)) / FULL_SCALE;
    let power = mean_square(mulaw) as f64 / (FULL_SCALE * FULL_SCALE);
    Level { rms_dbfs: dbfs(power), peak_dbfs: dbfs(peak * peak) }
}

/// The mean square of the linear samples, at most 32124². For a gate that
/// compares many frames with one threshold and needs no logarithm.
#[must_use]
pub fn mean_square(mulaw: &[u8]) -> u64 {
    let square = |code: &u8| u64::from(g711::decode_sample(*code).unsigned_abs()).pow(2);
    let sum: u64 = mulaw.iter().map(square).sum();
    sum.checked_div(mulaw.len() as u64).unwrap_or(0)
}

fn dbfs(power: f64) -> f32 {
    if power > 0.0 { (10.0 * power.log10()).max(f64::from(FLOOR_DBFS)) as f32 } else { FLOOR_DBFS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_the_floor() {
        let floor = Level { rms_dbfs: FLOOR_DBFS, peak_dbfs: FLOOR_DBFS };
        assert_eq!(measure(&[]), floor);
        assert_eq!(measure(&[0xff, 0x7f, 0xff]), floor);
    }

    #[test]
    fn a_square_wave_measures_its_height_and_a_sine_three_db_less() {
        let square = measure(&[0x80, 0x00, 0x80, 0x00]);
        assert!((square.rms_dbfs - -0.172).abs() < 0.01, "{square:?}");
        assert!((square.peak_dbfs - square.rms_dbfs).abs() < 0.001, "{square:?}");

        let sine: Vec<u8> = (0..800)
            .map(|n| (f64::from(n) * std::f64::consts::TAU / 8.0).sin() * 3_276.8)
            .map(|s| g711::encode_sample(s.round() as i16))
            .collect();
        let level = measure(&sine);
        assert!((level.rms_dbfs - -23.01).abs() < 0.3, "{level:?}");
        assert!((level.peak_dbfs - -20.0).abs() < 0.3, "{level:?}");
    }

    #[test]
    fn the_quietest_code_is_above_the_floor() {
        assert!(measure(&[0xfe]).rms_dbfs > FLOOR_DBFS + 20.0);
        assert_eq!(mean_square(&[0xfe]), 64);
    }
}
