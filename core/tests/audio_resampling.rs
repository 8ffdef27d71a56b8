//! What the resamplers do to sound, measured: run with `--nocapture` to read it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail loudly, and this one reports what it measured"
)]

use std::f64::consts::TAU;

use proptest::prelude::*;
use trunkline_core::audio::resample::{Downsampler, Upsampler};

/// Half of full scale: room for the filters' overshoot.
const AMPLITUDE: f64 = 16_384.0;

fn tone(hz: f64, rate_hz: f64, samples: usize) -> Vec<i16> {
    let sample = |n| AMPLITUDE * (TAU * hz * f64::from(n) / rate_hz).sin();
    (0..samples as u32).map(|n| sample(n).round() as i16).collect()
}

/// Amplitude of one frequency in dB relative to [`AMPLITUDE`], by correlation
/// over one second, which holds whole periods of every whole frequency.
fn gain_db(samples: &[i16], hz: f64, rate_hz: f64) -> f64 {
    let start = (samples.len() - rate_hz as usize) / 2;
    let middle = &samples[start..start + rate_hz as usize];
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in middle.iter().enumerate() {
        let angle = TAU * hz * n as f64 / rate_hz;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    20.0 * (2.0 * re.hypot(im) / middle.len() as f64 / AMPLITUDE).log10()
}

fn up(input: &[i16], piece: usize) -> Vec<i16> {
    let (mut resampler, mut out) = (Upsampler::new().unwrap(), Vec::new());
    input.chunks(piece).for_each(|part| resampler.push(part, &mut out).unwrap());
    resampler.flush(&mut out).unwrap();
    out
}

fn down(input: &[i16], piece: usize) -> Vec<i16> {
    let (mut resampler, mut out) = (Downsampler::new().unwrap(), Vec::new());
    input.chunks(piece).for_each(|part| resampler.push(part, &mut out).unwrap());
    resampler.flush(&mut out).unwrap();
    out
}

/// The telephone band, in which the ripple is judged.
fn telephone_band() -> impl Iterator<Item = f64> {
    (0..=15).map(|n| 300.0 + 200.0 * f64::from(n)).chain([3_400.0])
}

fn spread(gains: impl Iterator<Item = f64>) -> (f64, f64) {
    gains.fold((f64::MAX, f64::MIN), |(low, high), g| (low.min(g), high.max(g)))
}

#[test]
fn downsampling_rejects_what_would_alias() {
    let mut worst = f64::MIN;
    for hz in [4_300.0, 4_500.0, 5_000.0, 6_000.0, 7_000.0, 9_000.0, 11_500.0] {
        let out = down(&tone(hz, 24_000.0, 72_000), 480);
        let alias = (hz - 8_000.0 * (hz / 8_000.0_f64).round()).abs();
        let gain = gain_db(&out, alias, 8_000.0);
        println!("down: {hz} Hz comes out at {alias} Hz with {gain:.1} dB");
        worst = worst.max(gain);
    }
    println!("down: alias rejection at least {:.1} dB", -worst);
    assert!(worst <= -50.0, "{worst}");
}

#[test]
fn upsampling_rejects_images() {
    let mut worst = f64::MIN;
    for hz in [300.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0] {
        let out = up(&tone(hz, 8_000.0, 24_000), 160);
        for image in [8_000.0 - hz, 8_000.0 + hz] {
            let gain = gain_db(&out, image, 24_000.0);
            println!("up: {hz} Hz leaves {gain:.1} dB at {image} Hz");
            worst = worst.max(gain);
        }
    }
    println!("up: image rejection at least {:.1} dB", -worst);
    assert!(worst <= -50.0, "{worst}");
}

#[test]
fn the_telephone_band_passes_flat() {
    let gains = |hz: f64| gain_db(&up(&tone(hz, 8_000.0, 24_000), 160), hz, 24_000.0);
    let (low, high) = spread(telephone_band().map(gains));
    println!("up: 300 to 3400 Hz between {low:.3} and {high:.3} dB");
    assert!(high - low <= 0.5 && low.abs() <= 0.5 && high.abs() <= 0.5, "{low} {high}");

    let gains = |hz: f64| gain_db(&down(&tone(hz, 24_000.0, 72_000), 480), hz, 8_000.0);
    let (low, high) = spread(telephone_band().map(gains));
    println!("down: 300 to 3400 Hz between {low:.3} and {high:.3} dB");
    assert!(high - low <= 0.5 && low.abs() <= 0.5 && high.abs() <= 0.5, "{low} {high}");
}

/// Milliseconds from a click going in to its coming out, when frames of 20 ms
/// go in as they arrive and what comes out is played without a gap.
fn delay_ms(in_rate: u32, out_rate: u32, mut step: impl FnMut(&[i16], &mut Vec<i16>)) -> f64 {
    let at = in_rate as usize / 10;
    let mut input = vec![0_i16; in_rate as usize / 5];
    input[at] = 16_384;
    let mut out: Vec<i16> = Vec::new();
    let mut late_samples = 0_usize;
    for (n, frame) in input.chunks(in_rate as usize / 50).enumerate() {
        step(frame, &mut out);
        let due = (n + 1) * out_rate as usize / 50;
        late_samples = late_samples.max(due.saturating_sub(out.len()));
    }
    let (peak, _) = out.iter().enumerate().max_by_key(|(_, s)| s.unsigned_abs()).unwrap();
    let ms = |samples: usize, rate: u32| samples as f64 * 1_000.0 / f64::from(rate);
    let (shift, late) = (ms(peak, out_rate) - ms(at, in_rate), ms(late_samples, out_rate));
    println!("timeline shifted by {shift:.3} ms, samples late by {late:.3} ms");
    shift + late
}

#[test]
fn the_delay_is_a_few_milliseconds() {
    let mut resampler = Upsampler::new().unwrap();
    let delay = delay_ms(8_000, 24_000, |frame, out| resampler.push(frame, out).unwrap());
    println!("up: delay {delay:.2} ms");
    assert!((0.0..=10.0).contains(&delay), "{delay}");

    let mut resampler = Downsampler::new().unwrap();
    let delay = delay_ms(24_000, 8_000, |frame, out| resampler.push(frame, out).unwrap());
    println!("down: delay {delay:.2} ms");
    assert!((0.0..=10.0).contains(&delay), "{delay}");
}

#[test]
fn a_flush_completes_the_count_and_starts_afresh() {
    for samples in [0, 1, 2, 159, 160, 161, 480, 1_000] {
        let input = tone(440.0, 8_000.0, samples);
        assert_eq!(up(&input, 160).len(), samples * 3);
        assert_eq!(down(&input, 160).len(), samples.div_ceil(3));
    }
    let input = tone(440.0, 24_000.0, 4_000);
    let mut resampler = Downsampler::new().unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for out in [&mut first, &mut second] {
        resampler.push(&input, out).unwrap();
        resampler.flush(out).unwrap();
    }
    assert_eq!(first, second);
}

#[test]
fn half_a_minute_of_audio_does_not_drift() {
    let (mut resampler, mut out) = (Upsampler::new().unwrap(), Vec::new());
    let frame = tone(1_000.0, 8_000.0, 160);
    let mut given = 0;
    for n in 1..=50 * 30 {
        out.clear();
        resampler.push(&frame, &mut out).unwrap();
        given += out.len();
        let late = n * 480 - given;
        assert!(late <= 120, "{late} samples late after {n} frames");
        // A tone with a period of 8 samples comes out with one of 24.
        if n > 1 {
            let off = out.iter().zip(&out[24..]).map(|(a, b)| (a - b).abs()).max().unwrap();
            assert!(off <= 1, "{off} after {n} frames");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn how_the_audio_is_cut_makes_no_difference(
        input in prop::collection::vec(any::<i16>(), 0..2_000),
        piece in 1_usize..700,
    ) {
        prop_assert_eq!(up(&input, piece), up(&input, 160));
        prop_assert_eq!(down(&input, piece), down(&input, 480));
    }
}
