//! How loud a few milliseconds of μ-law are.

use crate::audio::g711::decode_sample;
use crate::audio::level::FLOOR_DBFS;

const FULL_SCALE_SQUARED: f32 = 32_768.0 * 32_768.0;

/// The sum of the squares of the linear values, each at most 32124².
pub(super) fn sum_of_squares(mulaw: &[u8]) -> u64 {
    let square = |code: &u8| {
        let value = u64::from(decode_sample(*code).unsigned_abs());
        value * value
    };
    mulaw.iter().map(square).sum()
}

/// The level of `samples` samples whose squares have this sum, in dB below full
/// scale; [`FLOOR_DBFS`] for silence and for no samples.
pub(super) fn level_dbfs(sum: u64, samples: usize) -> f32 {
    if sum == 0 || samples == 0 {
        return FLOOR_DBFS;
    }
    (10.0 * (sum as f32 / (samples as f32 * FULL_SCALE_SQUARED)).log10()).max(FLOOR_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::measure;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_level_that_the_audio_module_measures(mulaw in prop::collection::vec(any::<u8>(), 0..400)) {
            let level = level_dbfs(sum_of_squares(&mulaw), mulaw.len());
            // The other one takes its mean in whole numbers.
            prop_assert!((level - measure(&mulaw).rms_dbfs).abs() < 0.1 || level < -70.0);
        }
    }
}
