//! G.711 μ-law, the telephone's audio: one byte per sample, logarithmic, with
//! the bits inverted on the line (ITU-T G.711, 1988).

/// The byte for silence: positive zero.
pub const SILENCE: u8 = 0xff;

/// Added to a magnitude before its exponent is taken, so that every segment
/// starts at a power of two: 33 in the standard's 14 bits, 132 in 16.
const BIAS: i16 = 132;

/// Largest magnitude that has a code of its own.
const CLIP: i32 = 32_635;

const DECODE: [i16; 256] = decode_table();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, where a fault is an error")]
const fn decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code: u8 = 0;
    loop {
        table[code as usize] = expand(code);
        if code == u8::MAX {
            return table;
        }
        code += 1;
    }
}

const fn expand(code: u8) -> i16 {
    let bits = !code;
    let exponent = (bits >> 4) & 0x07;
    let mantissa = (bits & 0x0f) as i16;
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    if bits & 0x80 == 0 { magnitude } else { -magnitude }
}

/// The 16-bit linear value of one code. Full scale is ±32124.
#[must_use]
pub fn decode_sample(code: u8) -> i16 {
    DECODE.get(usize::from(code)).copied().unwrap_or(0)
}

/// The code for one 16-bit linear value; what is louder than ±32635 clips.
#[must_use]
pub fn encode_sample(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(CLIP) + i32::from(BIAS);
    // The bias puts the highest set bit at 7 to 14, so the exponent is 0 to 7.
    let exponent = 24_u32.saturating_sub(magnitude.leading_zeros());
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let [bits, ..] = (sign | (exponent as i32) << 4 | mantissa).to_le_bytes();
    !bits
}

/// Appends the linear form of μ-law bytes: one sample per byte, 8 kHz.
pub fn decode(mulaw: &[u8], out: &mut Vec<i16>) {
    out.extend(mulaw.iter().map(|code| decode_sample(*code)));
}

/// Appends the μ-law form of linear samples: one byte per sample.
pub fn encode(linear: &[i16], out: &mut Vec<u8>) {
    out.extend(linear.iter().map(|sample| encode_sample(*sample)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_but_negative_zero() {
        for code in 0..=u8::MAX {
            let back = encode_sample(decode_sample(code));
            // 0x7f is negative zero, which linear samples cannot tell from zero.
            let expected = if code == 0x7f { SILENCE } else { code };
            assert_eq!(back, expected, "code {code:#04x}");
        }
    }

    #[test]
    fn the_segment_ends_of_the_standard() {
        // Table 2 of G.711 gives decoder outputs in 14 bits; times four here.
        let table = [
            (0xff, 0),
            (0xfe, 2),
            (0xf0, 30),
            (0xef, 33),
            (0xe0, 93),
            (0xdf, 99),
            (0xcf, 231),
            (0xbf, 495),
            (0xaf, 1_023),
            (0x9f, 2_079),
            (0x8f, 4_191),
            (0x80, 8_031),
        ];
        for (code, value) in table {
            assert_eq!(decode_sample(code), value * 4, "code {code:#04x}");
            assert_eq!(decode_sample(code & 0x7f), value * -4, "negative of {code:#04x}");
        }
        assert_eq!(encode_sample(0), SILENCE);
        assert_eq!(encode_sample(i16::MAX), 0x80);
        assert_eq!(encode_sample(i16::MIN), 0x00);
    }

    #[test]
    fn every_sample_gets_the_nearest_code() {
        for sample in i16::MIN..=i16::MAX {
            let code = encode_sample(sample);
            let error = i32::from(decode_sample(code)) - i32::from(sample);
            let exponent = u32::from(!code >> 4 & 0x07);
            // Half a step; above the clip level the whole rest is error.
            let half_step = if i32::from(sample).abs() > CLIP { 644 } else { 4 << exponent };
            assert!(error.abs() <= half_step, "{sample}: off by {error}");
        }
    }

    #[test]
    fn slices_are_appended() {
        let mut linear = vec![7];
        decode(&[SILENCE, 0x80, 0x00], &mut linear);
        assert_eq!(linear, [7, 0, 32_124, -32_124]);
        let mut mulaw = vec![1];
        encode(&linear, &mut mulaw);
        assert_eq!(mulaw, [1, 0xfe, 0xff, 0x80, 0x00]);
    }
}
