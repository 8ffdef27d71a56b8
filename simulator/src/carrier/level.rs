//! Whether a frame can be heard, told from its bytes alone.

/// Silence in μ-law.
pub(super) const SILENCE: u8 = 0xff;

/// Magnitude code (the complement's low seven bits) from which a sample counts
/// as loud: about −40 dBFS. The code grows with the magnitude, so no sample
/// needs to be decoded.
const LOUD_CODE: u8 = 30;

/// Loud samples that make a 20 ms frame audible. More than the eight bytes of a
/// watermark, which must not pass for speech.
const LOUD_SAMPLES: usize = 16;

/// Whether a μ-law frame of 160 bytes or fewer holds something to hear.
pub(super) fn audible(frame: &[u8]) -> bool {
    frame.iter().filter(|&&code| (!code & 0x7f) >= LOUD_CODE).count() >= LOUD_SAMPLES
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn silence_and_a_watermark_in_silence_are_not_heard_but_a_tone_is() {
        assert!(!audible(&[SILENCE; 160]));
        let mut stamped = [SILENCE; 160];
        stamped[..8].fill(0x00);
        assert!(!audible(&stamped));
        assert!(audible(&[0x20; 160]));
    }
}
