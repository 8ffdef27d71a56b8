//! The barge-in detector, told what ears, model and words bring.

use trunkline_core::detect::Sound;
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::{
    BargeInDetector, BargeInInput, BargeInSettings, BargeInSnapshot, Verdict, Words,
};

const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

/// A detector, and the caller that it hears.
struct Line {
    detector: BargeInDetector,
    /// Verdicts with their times, in milliseconds.
    verdicts: Vec<(u64, Verdict)>,
}

impl Line {
    fn new(ears: bool, caller_speaking: bool) -> Self {
        let settings = BargeInSettings { ears, ..BargeInSettings::default() };
        let snapshot = BargeInSnapshot { settings, model_decides: false, caller_speaking };
        Self { detector: BargeInDetector::new(snapshot), verdicts: Vec::new() }
    }

    fn with_ears() -> Self {
        Self::new(true, false)
    }

    fn at(&mut self, at: u64, input: BargeInInput) -> &mut Self {
        self.run_until(at);
        let verdict = self.detector.handle(&input, ms(at));
        self.verdicts.extend(verdict.map(|v| (at, v)));
        self
    }

    fn run_until(&mut self, at: u64) -> &mut Self {
        while let Some(due) = self.detector.poll_timeout().filter(|due| *due <= ms(at)) {
            let before = self.detector.clone();
            let verdict = self.detector.handle_timeout(due);
            assert_ne!(before, self.detector, "a timer that does nothing would run for ever");
            self.verdicts.extend(verdict.map(|v| (due.as_millis(), v)));
        }
        self
    }

    /// A sound that begins at `from` and lasts `length`, as the ears tell it.
    fn sound(&mut self, from: u64, length: u64, strong: bool) -> &mut Self {
        self.begins(from, strong);
        self.ends(from, length)
    }

    fn begins(&mut self, from: u64, strong: bool) -> &mut Self {
        let began = Sound::Began { at: ms(from), level_db: -20.0 };
        self.at(from + 40, BargeInInput::Sound(began));
        let (at, since) = (ms(from + 160), ms(from));
        let sustained = Sound::Sustained { at, since, speech_ms: 160, strong };
        self.at(from + 160, BargeInInput::Sound(sustained))
    }

    fn ends(&mut self, from: u64, length: u64) -> &mut Self {
        let speech_ms = u32::try_from(length).unwrap_or(u32::MAX);
        let ended = Sound::Ended { at: ms(from + length), speech_ms, voiced_ms: speech_ms };
        self.at(from + length + 240, BargeInInput::Sound(ended))
    }

    fn model_hears(&mut self, at: u64) -> &mut Self {
        self.at(at, BargeInInput::SpeechStarted)
    }

    fn words(&mut self, at: u64, words: Words) -> &mut Self {
        self.at(at, BargeInInput::Words(words))
    }

    fn said(&mut self, until: u64) -> &[(u64, Verdict)] {
        self.run_until(until);
        &self.verdicts
    }
}

const STOP: Verdict = Verdict::Stop { since: Micros::ZERO };

#[test]
fn without_ears_one_run_of_speech_is_one_verdict() {
    let mut line = Line::new(false, false);
    line.model_hears(0).model_hears(10);
    assert_eq!(line.said(20), [(0, Verdict::Interrupt)]);
    line.at(30, BargeInInput::SpeechStopped).model_hears(40);
    assert_eq!(line.said(2_000).len(), 2);
}

#[test]
fn a_rebuilt_detector_does_not_report_the_speech_already_under_way() {
    assert_eq!(Line::new(false, true).model_hears(0).said(9_000), []);
}

#[test]
fn one_witness_does_not_open_the_gate() {
    assert_eq!(Line::with_ears().model_hears(0).said(9_000), []);
    assert_eq!(Line::with_ears().sound(0, 3_000, false).said(9_000), []);
}

#[test]
fn a_near_voice_stops_at_once_and_is_believed_when_it_goes_on() {
    let mut line = Line::with_ears();
    line.sound(0, 1_500, true);
    assert_eq!(line.said(9_000), [(160, STOP), (960, Verdict::Confirm)]);
}

#[test]
fn a_faint_voice_stops_when_the_model_hears_it_too() {
    let mut line = Line::with_ears();
    line.begins(0, false).model_hears(320).ends(0, 2_000);
    assert_eq!(line.said(9_000), [(320, STOP), (960, Verdict::Confirm)]);
    let mut late = Line::with_ears();
    late.begins(0, false).model_hears(1_000).ends(0, 2_000);
    assert_eq!(late.said(9_000), [(1_000, Verdict::Interrupt)], "it has proved itself already");
}

#[test]
fn a_word_without_a_pitch_stops_when_the_model_takes_it_for_one_too() {
    let began = |at| BargeInInput::Sound(Sound::Began { at: ms(at), level_db: -20.0 });
    let mut line = Line::with_ears();
    line.at(40, began(0)).model_hears(70);
    assert_eq!(line.said(500), [(200, STOP)], "no later, though our ears are not sure");
    let mut echo = Line::with_ears();
    echo.model_hears(0).at(1_040, began(1_000)).ends(1_000, 300);
    assert_eq!(echo.said(9_000), [], "the model has heard something else all the time");
    let mut click = Line::with_ears();
    click.at(40, began(0)).model_hears(70);
    let over = Sound::Ended { at: ms(60), speech_ms: 60, voiced_ms: 20 };
    click.at(180, BargeInInput::Sound(over));
    assert_eq!(click.said(9_000), []);
}

#[test]
fn a_cough_is_over_soon_and_the_sentence_goes_on() {
    let mut line = Line::with_ears();
    line.sound(0, 250, true);
    assert_eq!(line.said(9_000), [(160, STOP), (490, Verdict::Resume)]);
}

#[test]
fn what_the_model_heard_too_is_given_the_time_for_its_words() {
    let mut line = Line::with_ears();
    line.begins(0, true).model_hears(300).ends(0, 300);
    assert_eq!(line.said(9_000), [(160, STOP), (760, Verdict::Resume)]);
    let mut stop = Line::with_ears();
    stop.begins(0, true).model_hears(300).ends(0, 300).words(700, Words::Meant);
    assert_eq!(stop.said(9_000), [(160, STOP), (700, Verdict::Confirm)]);
    let mut listens = Line::with_ears();
    listens.begins(0, true).model_hears(300).ends(0, 300).words(650, Words::Backchannel);
    assert_eq!(listens.said(9_000), [(160, STOP), (650, Verdict::Resume)]);
}

#[test]
fn words_that_come_after_the_window_still_count() {
    let mut line = Line::with_ears();
    line.begins(0, true).model_hears(300).ends(0, 300).words(1_400, Words::Meant);
    let interrupted = (1_400, Verdict::Interrupt);
    assert_eq!(line.said(9_000), [(160, STOP), (760, Verdict::Resume), interrupted]);
}

#[test]
fn words_are_believed_without_our_ears_unless_they_are_our_own() {
    let mut line = Line::with_ears();
    line.model_hears(0).words(700, Words::Ours);
    assert_eq!(line.said(800), []);
    line.words(900, Words::Meant);
    assert_eq!(line.said(9_000), [(900, Verdict::Interrupt)]);
    let mut repeats = Line::with_ears();
    repeats.sound(0, 300, false).words(700, Words::Ours);
    assert_eq!(repeats.said(9_000), [(700, Verdict::Interrupt)], "somebody said it");
}

#[test]
fn speech_in_pieces_adds_up() {
    let mut line = Line::with_ears();
    line.begins(0, true).model_hears(200).ends(0, 250).sound(520, 500, true);
    assert_eq!(line.said(9_000), [(160, STOP), (1_230, Verdict::Confirm)]);
}

#[test]
fn what_was_heard_long_ago_is_no_witness() {
    let mut line = Line::with_ears();
    line.sound(0, 900, false).model_hears(3_000);
    assert_eq!(line.said(9_000), []);
}

#[test]
fn each_sound_is_judged_anew() {
    let mut line = Line::with_ears();
    line.sound(0, 250, true).sound(2_000, 250, true).sound(4_000, 800, true);
    let kinds: Vec<Verdict> = line.said(9_000).iter().map(|(_, v)| *v).collect();
    let stop = |s| Verdict::Stop { since: Micros::from_secs(s) };
    let (resume, confirm) = (Verdict::Resume, Verdict::Confirm);
    assert_eq!(kinds, [stop(0), resume, stop(2), resume, stop(4), confirm]);
}
