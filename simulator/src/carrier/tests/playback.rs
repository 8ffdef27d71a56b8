use trunkline_core::audio::FRAME_BYTES;
use trunkline_core::time::Micros;

use crate::carrier::playback::{Playback, PlaybackReport};
use crate::speech::watermark;

/// A phone whose ticks the test makes.
#[derive(Default)]
struct Phone {
    playback: Playback,
    ticks: u64,
    echoes: Vec<String>,
}

impl Phone {
    fn now(&self) -> Micros {
        Micros::from_millis(20 * self.ticks)
    }

    /// Plays so many frames; the echoes that came meanwhile.
    fn play(&mut self, frames: u64) -> Vec<String> {
        let mut frame = [0; FRAME_BYTES];
        for _ in 0..frames {
            let now = self.now();
            self.playback.tick(now, &mut frame, &mut self.echoes);
            self.ticks += 1;
        }
        std::mem::take(&mut self.echoes)
    }

    fn media(&mut self, audio: &[u8]) {
        self.playback.media(audio);
    }

    fn mark(&mut self, name: &str) -> Vec<String> {
        self.playback.mark(name, &mut self.echoes);
        std::mem::take(&mut self.echoes)
    }

    fn report(self) -> PlaybackReport {
        self.playback.into_report()
    }
}

/// So many frames of one response, each with its watermark, from frame `first`.
fn speech(response: u16, first: u16, frames: u16) -> Vec<u8> {
    (first..first + frames)
        .flat_map(|index| {
            let mut frame = [0x20; FRAME_BYTES];
            watermark::stamp(&mut frame, response, index);
            frame
        })
        .collect()
}

#[test]
fn a_mark_comes_back_when_the_audio_before_it_is_over_and_not_sooner() {
    let mut phone = Phone::default();
    phone.media(&[0x20; 480]);
    assert!(phone.mark("three frames").is_empty());
    phone.media(&[0x20; 160]);
    assert!(phone.play(3).is_empty(), "the third frame is still in the ear");
    assert_eq!(phone.play(1), ["three frames"]);
}

#[test]
fn a_mark_on_an_empty_buffer_comes_back_at_once() {
    let mut phone = Phone::default();
    assert_eq!(phone.mark("nothing before"), ["nothing before"]);
    phone.media(&[0x20; 160]);
    phone.play(1);
    assert!(phone.mark("one in the ear").is_empty());
    assert_eq!(phone.play(1), ["one in the ear"]);
}

#[test]
fn a_clear_returns_every_mark_and_says_what_was_cut_off() {
    let mut phone = Phone::default();
    phone.media(&speech(7, 0, 50));
    phone.mark("a");
    phone.media(&speech(7, 50, 50));
    phone.mark("b");
    phone.play(11);
    let record = phone.playback.clear(phone.now(), &mut phone.echoes);
    assert_eq!(phone.echoes, ["a", "b"]);
    assert_eq!(record.playing, Some((7, 10)));
    assert_eq!((record.dropped_bytes, record.at_ms, record.marks), (89 * 160, 220, 2));
    phone.echoes.clear();
    assert!(phone.play(20).is_empty());
    let report = phone.report();
    assert_eq!(report.received_bytes, 16_000);
    assert_eq!(report.played_bytes + report.cleared_bytes, 16_000);
    assert!(report.responses[0].cleared);
    assert_eq!(report.responses[0].frames, 11);
    assert_eq!(report.stale_frames, 0);
}

#[test]
fn a_cleared_response_that_is_heard_again_is_counted() {
    let mut phone = Phone::default();
    phone.media(&speech(1, 0, 10));
    phone.play(5);
    phone.playback.clear(phone.now(), &mut phone.echoes);
    phone.media(&speech(1, 10, 4));
    phone.media(&speech(2, 0, 4));
    phone.play(10);
    let report = phone.report();
    assert_eq!(report.stale_frames, 4);
    assert_eq!(report.responses.len(), 2);
    assert!(!report.responses[1].cleared);
}

#[test]
fn a_response_that_waited_behind_another_is_cleared_with_it() {
    let mut phone = Phone::default();
    phone.media(&speech(1, 0, 3));
    phone.media(&speech(2, 0, 3));
    phone.play(1);
    phone.playback.clear(phone.now(), &mut phone.echoes);
    phone.media(&speech(2, 3, 2));
    phone.play(3);
    assert_eq!(phone.report().stale_frames, 2);
}

#[test]
fn watermarks_are_found_however_the_audio_is_cut() {
    for cut in [1, 3, 7, 159, 160, 161, 400] {
        let mut phone = Phone::default();
        phone.media(&[0x20; 37]);
        for piece in speech(9, 0, 20).chunks(cut) {
            phone.media(piece);
        }
        phone.play(30);
        let report = phone.report();
        assert_eq!(report.responses.len(), 1, "cut into {cut}");
        assert_eq!(report.responses[0].frames, 20, "cut into {cut}");
        assert_eq!(report.responses[0].skips, 0, "cut into {cut}");
    }
}

#[test]
fn running_dry_in_an_utterance_is_an_underrun_and_between_two_is_not() {
    let mut phone = Phone::default();
    phone.media(&speech(1, 0, 2));
    phone.play(5);
    phone.media(&speech(1, 2, 2));
    phone.play(10);
    phone.media(&speech(2, 0, 2));
    phone.play(4);
    let report = phone.report();
    assert_eq!((report.underruns, report.underrun_ms), (1, 60));
}

#[test]
fn without_watermarks_a_short_gap_is_an_underrun_and_a_long_one_is_not() {
    let mut phone = Phone::default();
    for silence in [10, 50] {
        phone.media(&[0x20; 320]);
        phone.play(2 + silence);
    }
    phone.media(&[0x20; 320]);
    phone.play(2);
    let report = phone.report();
    assert_eq!((report.underruns, report.underrun_ms), (1, 200));
}

#[test]
fn what_is_never_played_is_reported() {
    let mut phone = Phone::default();
    phone.media(&[0x20; 800]);
    phone.play(2);
    let report = phone.report();
    assert_eq!((report.played_bytes, report.unplayed_bytes, report.peak_bytes), (320, 480, 800));
}
