//! Audio as base64, from one form to the other in chunks of any size.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use trunkline_core::audio::transcode::{Pcm24kToPcmu, PcmuToPcm24k, TranscodeError};
use trunkline_core::audio::{g711, level};

fn narrow(pcm: &[u8], piece: usize) -> Vec<u8> {
    let mut transcoder = Pcm24kToPcmu::new().unwrap();
    let mut mulaw = Vec::new();
    let mut keep = |text: String, bytes: usize| {
        let decoded = STANDARD.decode(text).unwrap();
        assert_eq!(decoded.len(), bytes);
        mulaw.extend(decoded);
    };
    for chunk in pcm.chunks(piece) {
        let mut out = String::new();
        let bytes = transcoder.push(&STANDARD.encode(chunk), &mut out).unwrap();
        keep(out, bytes);
    }
    let mut out = String::new();
    let bytes = transcoder.flush(&mut out).unwrap();
    keep(out, bytes);
    mulaw
}

#[test]
fn what_goes_there_and_back_sounds_the_same() {
    let linear: Vec<i16> = (0..1_600)
        .map(|n| (8_000.0 * (f64::from(n) * std::f64::consts::FRAC_PI_4).sin()) as i16)
        .collect();
    let mut mulaw = Vec::new();
    g711::encode(&linear, &mut mulaw);

    let mut transcoder = PcmuToPcm24k::new().unwrap();
    let mut wide = Vec::new();
    for frame in mulaw.chunks(160) {
        let mut out = "prefix".to_owned();
        let bytes = transcoder.push(&STANDARD.encode(frame), &mut out).unwrap();
        let chunk = STANDARD.decode(out.strip_prefix("prefix").unwrap()).unwrap();
        assert_eq!(chunk.len(), bytes);
        wide.extend(chunk);
    }
    let mut out = String::new();
    transcoder.flush(&mut out).unwrap();
    wide.extend(STANDARD.decode(out).unwrap());
    assert_eq!(wide.len(), 1_600 * 3 * 2);

    let back = narrow(&wide, 4_801);
    assert_eq!(back.len(), mulaw.len());
    let (before, after) = (level::measure(&mulaw[200..1_400]), level::measure(&back[200..1_400]));
    assert!((before.rms_dbfs - after.rms_dbfs).abs() < 0.3, "{before:?} {after:?}");
}

#[test]
fn bad_base64_is_refused_and_leaves_the_stream_as_it_was() {
    let mut up = PcmuToPcm24k::new().unwrap();
    let mut down = Pcm24kToPcmu::new().unwrap();
    let mut out = String::new();
    for bad in ["*", "AAA", "AA=A", "AAAA AAAA", "é"] {
        assert_eq!(up.push(bad, &mut out), Err(TranscodeError::BadBase64));
        assert_eq!(down.push(bad, &mut out), Err(TranscodeError::BadBase64));
    }
    assert_eq!(out, "");
    assert_eq!(down.push("", &mut out), Ok(0));
}

#[test]
fn after_a_reset_nothing_of_the_old_sound_is_left() {
    let mut transcoder = Pcm24kToPcmu::new().unwrap();
    let mut out = String::new();
    let loud = STANDARD.encode([0x7f; 4_801]);
    transcoder.push(&loud, &mut out).unwrap();
    transcoder.reset();
    out.clear();
    transcoder.push(&STANDARD.encode([0; 4_800]), &mut out).unwrap();
    let mulaw = STANDARD.decode(&out).unwrap();
    assert!(mulaw.len() > 600);
    assert!(mulaw.iter().all(|b| *b == g711::SILENCE));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn samples_may_be_cut_in_two(
        pcm in prop::collection::vec(any::<u8>(), 0..3_000),
        piece in 1_usize..500,
    ) {
        let whole = narrow(&pcm, 6_000);
        prop_assert_eq!(whole.len(), (pcm.len() / 2).div_ceil(3));
        prop_assert_eq!(narrow(&pcm, piece), whole);
    }

    #[test]
    fn any_text_is_taken_or_refused(text in any::<String>()) {
        let mut out = String::new();
        PcmuToPcm24k::new().unwrap().push(&text, &mut out).ok();
        Pcm24kToPcmu::new().unwrap().push(&text, &mut out).ok();
    }
}
