//! G.711 A-law, which the realtime protocol knows beside μ-law: one octet at a
//! time, to and from 16 bits.

/// A-law's octet for the quietest positive sample.
pub const SILENCE: u8 = 0xd5;

/// A-law to a sixteen-bit linear sample.
#[must_use]
pub const fn decode(octet: u8) -> i16 {
    let octet = octet ^ 0x55;
    let segment = (octet >> 4) & 0x07;
    let step = ((octet & 0x0f) as i16) << 4;
    let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    if octet & 0x80 == 0 { -magnitude } else { magnitude }
}

/// Sixteen-bit linear sample to A-law.
#[must_use]
pub fn encode(sample: i16) -> u8 {
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
            assert_eq!(encode(decode(octet)), octet);
        }
    }

    #[test]
    fn the_standards_corner_values() {
        assert_eq!(decode(SILENCE), 8);
        assert_eq!(encode(i16::MIN), 0x2a);
    }
}
