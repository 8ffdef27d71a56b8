//! WAV files from anywhere, and the one form that is written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::prelude::*;
use trunkline_core::audio::wav::{self, WavError};
use trunkline_core::audio::{g711, level};

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = id.to_vec();
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    out.extend(vec![0; body.len() % 2]);
    out
}

fn format(encoding: u16, channels: u16, rate_hz: u32, bits: u16) -> Vec<u8> {
    let block = channels * bits / 8;
    let mut body = Vec::new();
    body.extend(encoding.to_le_bytes());
    body.extend(channels.to_le_bytes());
    body.extend(rate_hz.to_le_bytes());
    body.extend((rate_hz * u32::from(block)).to_le_bytes());
    body.extend(block.to_le_bytes());
    body.extend(bits.to_le_bytes());
    chunk(b"fmt ", &body)
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    chunks.iter().for_each(|c| body.extend(c));
    chunk(b"RIFF", &body)
}

fn sine(rate_hz: u32, hz: f64, seconds: f64) -> Vec<u8> {
    let samples = (f64::from(rate_hz) * seconds) as u32;
    (0..samples)
        .map(|n| (f64::from(n) * std::f64::consts::TAU * hz / f64::from(rate_hz)).sin() * 10_000.0)
        .flat_map(|s| (s as i16).to_le_bytes())
        .collect()
}

#[test]
fn mulaw_comes_through_byte_for_byte() {
    let samples = [1, 2, 3, 0xff, 0x7f];
    assert_eq!(wav::parse(&wav::write(&samples)).unwrap(), samples);
    let with_extras = file(&[
        chunk(b"LIST", b"odd"),
        format(7, 1, 8_000, 8),
        chunk(b"fact", &[0; 4]),
        chunk(b"data", &samples),
        chunk(b"id3 ", b"later"),
    ]);
    assert_eq!(wav::parse(&with_extras).unwrap(), samples);
}

#[test]
fn linear_at_every_rate_keeps_its_length_and_loudness() {
    for rate_hz in wav::RATES_HZ {
        let data = chunk(b"data", &sine(rate_hz, 1_000.0, 1.0));
        let mulaw = wav::parse(&file(&[format(1, 1, rate_hz, 16), data])).unwrap();
        assert!(mulaw.len().abs_diff(8_000) <= 2, "{rate_hz} Hz gives {} bytes", mulaw.len());
        // A sine of 10000 is 10.3 dB below full scale, its RMS 3 dB lower.
        let level = level::measure(&mulaw[800..7_200]);
        assert!((level.rms_dbfs - -13.32).abs() < 0.3, "{rate_hz} Hz: {level:?}");
    }
}

#[test]
fn what_the_telephone_cannot_carry_is_filtered_out_not_folded_down() {
    let wave = file(&[format(1, 1, 48_000, 16), chunk(b"data", &sine(48_000, 6_000.0, 0.5))]);
    let mulaw = wav::parse(&wave).unwrap();
    assert!(level::measure(&mulaw[400..3_600]).rms_dbfs < -60.0);
}

#[test]
fn a_file_from_a_pipe_has_lengths_that_are_not_true() {
    let mut wave = file(&[format(1, 1, 8_000, 16), chunk(b"data", &[0, 0, 0x10, 0x27, 9])]);
    wave.pop();
    let place = wave.windows(4).position(|w| w == b"data").unwrap() + 4;
    wave[place..place + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(wav::parse(&wave).unwrap(), [g711::SILENCE, g711::encode_sample(10_000)]);
}

#[test]
fn the_extensible_form_is_read() {
    let mut body = format(0xfffe, 1, 8_000, 16)[8..].to_vec();
    body.extend([22, 0, 16, 0, 0, 0, 0, 0, 1, 0]);
    body.extend([0; 14]);
    let wave = file(&[chunk(b"fmt ", &body), chunk(b"data", &[0, 0])]);
    assert_eq!(wav::parse(&wave).unwrap(), [g711::SILENCE]);
}

#[test]
fn what_cannot_be_played_is_refused_by_name() {
    let data = || chunk(b"data", &[0; 8]);
    let refused = |chunks: &[Vec<u8>]| wav::parse(&file(chunks)).unwrap_err();
    assert_eq!(refused(&[format(1, 2, 8_000, 16), data()]), WavError::Channels(2));
    assert_eq!(refused(&[format(1, 1, 12_345, 16), data()]), WavError::Rate(12_345));
    assert_eq!(refused(&[format(7, 1, 16_000, 8), data()]), WavError::Rate(16_000));
    let encoding = WavError::Encoding { format: 3, bits: 32 };
    assert_eq!(refused(&[format(3, 1, 8_000, 32), data()]), encoding);
    assert_eq!(refused(&[data()]), WavError::NoFormat);
    assert_eq!(refused(&[format(7, 1, 8_000, 8)]), WavError::NoData);
    assert_eq!(refused(&[format(7, 1, 8_000, 8), chunk(b"data", b"")]), WavError::NoData);
    let half_a_sample = chunk(b"data", b"x");
    assert_eq!(refused(&[format(1, 1, 8_000, 16), half_a_sample]), WavError::NoData);
    assert_eq!(refused(&[chunk(b"fmt ", &[1, 0]), data()]), WavError::NoFormat);
    for other in [&b""[..], b"RIFF", b"RIFF\0\0\0\0WAVX", b"OggS", b"ID3\x04"] {
        assert_eq!(wav::parse(other), Err(WavError::NotWav));
    }
}

#[test]
fn the_header_says_what_the_file_is() {
    let file = wav::write(&[0xff; 7]);
    assert_eq!(file.len(), wav::HEADER_BYTES + 8);
    let riff = u32::from_le_bytes(file[4..8].try_into().unwrap());
    assert_eq!(riff as usize, file.len() - 8);
    assert_eq!(&file[50..58], b"data\x07\0\0\0");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        wav::parse(&bytes).ok();
    }

    #[test]
    fn no_chunks_make_it_panic(
        encoding in prop::sample::select(vec![1_u16, 3, 7, 0xfffe]),
        rate in prop::sample::select(vec![0_u32, 1, 8_000, 22_050, 44_100, u32::MAX]),
        data in prop::collection::vec(any::<u8>(), 0..300),
        cut in 0_usize..400,
        lie in any::<u32>(),
    ) {
        let mut body = Vec::new();
        body.extend(encoding.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(rate.to_le_bytes());
        body.extend([0; 6]);
        body.extend(if encoding == 7 { 8_u16 } else { 16 }.to_le_bytes());
        let mut wave = file(&[chunk(b"fmt ", &body), chunk(b"data", &data)]);
        wave[40..44].copy_from_slice(&lie.to_le_bytes());
        wave.truncate(cut);
        wav::parse(&wave).ok();
    }

    #[test]
    fn what_is_written_is_read(mulaw in prop::collection::vec(any::<u8>(), 1..500)) {
        prop_assert_eq!(wav::parse(&wav::write(&mulaw)).unwrap(), mulaw);
    }
}
