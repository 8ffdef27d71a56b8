//! G.711 as the simulator needs it: one octet at a time, to and from 16 bits.

/// μ-law's silence.
pub const SILENCE: u8 = 0xff;

/// Bias of the μ-law segments (ITU-T G.711).
const BIAS: i32 = 0x84;
/// Loudest sample that μ-law can say.
const CLIP: i32 = 32_635;

/// Sixteen-bit linear sample to μ-law.
#[must_use]
pub fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // The segment is the place of the highest bit that is set, 7 to 14.
    let segment = (31 - magnitude.leading_zeros()).saturating_sub(7);
    let step = (magnitude >> (segment + 3)) & 0x0f;
    let octet = sign | i32::try_from(segment << 4).unwrap_or(0) | step;
    !u8::try_from(octet).unwrap_or(0)
}

/// μ-law to a sixteen-bit linear sample.
#[must_use]
pub const fn decode(octet: u8) -> i16 {
    let octet = !octet;
    let segment = (octet >> 4) & 0x07;
    let magnitude = ((((octet & 0x0f) as i16) << 3) + BIAS as i16) << segment;
    let magnitude = magnitude - BIAS as i16;
    if octet & 0x80 == 0 { magnitude } else { -magnitude }
}

/// A-law to a sixteen-bit linear sample.
#[must_use]
pub const fn decode_alaw(octet: u8) -> i16 {
    let octet = octet ^ 0x55;
    let segment = (octet >> 4) & 0x07;
    let step = ((octet & 0x0f) as i16) << 4;
    let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    if octet & 0x80 == 0 { -magnitude } else { magnitude }
}

/// Sixteen-bit linear sample to A-law.
#[must_use]
pub fn encode_alaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = i32::from(sample).abs().min(32_767);
    let segment = (31 - (magnitude | 0xff).leading_zeros()).saturating_sub(7);
    let shift = if segment == 0 { 4 } else { segment + 3 };
    let step = (magnitude >> shift) & 0x0f;
    let octet = sign | i32::try_from(segment << 4).unwrap_or(0) | step;
    u8::try_from(octet).unwrap_or(0) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_comes_back_from_its_own_sample() {
        for octet in 0..=u8::MAX {
            // 0x7f is minus zero, which has no sample of its own.
            if octet != 0x7f {
                assert_eq!(encode(decode(octet)), octet);
            }
            assert_eq!(encode_alaw(decode_alaw(octet)), octet);
        }
    }

    #[test]
    fn the_standards_corner_values() {
        assert_eq!(decode(SILENCE), 0);
        assert_eq!(decode(0x00), -32_124);
        assert_eq!(decode(0x80), 32_124);
        assert_eq!(encode(i16::MAX), 0x80);
        assert_eq!(encode(i16::MIN), 0x00);
        assert_eq!(decode_alaw(0xd5), 8);
        assert_eq!(encode_alaw(i16::MIN), 0x2a);
    }
}
