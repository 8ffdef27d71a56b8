//! When is the caller's turn over?
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;
use trunkline_core::turn::endpoint::{TurnInput, TurnMachine, TurnSnapshot};

const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

/// A detector that reports the end of speech after `silence_ms` of it.
struct Talk {
    turn: TurnMachine,
    silence_ms: u64,
}

impl Talk {
    fn with_window(silence_ms: u64) -> Self {
        Self { turn: TurnMachine::default(), silence_ms }
    }

    fn starts(&mut self, at: u64) {
        self.turn.handle(&TurnInput::SpeechStarted, ms(at));
    }

    /// The last sound is at `at`.
    fn stops(&mut self, at: u64) {
        let silence = ms(self.silence_ms);
        self.turn.handle(&TurnInput::SpeechStopped { silence }, ms(at) + silence);
    }

    fn piece(&mut self, text: &str, at: u64) {
        self.turn.handle(&TurnInput::Partial { text: Personal::new(text) }, ms(at));
    }

    fn words(&mut self, text: &str, at: u64) {
        self.turn.handle(&TurnInput::Words { text: Personal::new(text) }, ms(at));
    }

    /// When the turn ends if nothing else happens, in milliseconds.
    fn ends(&self) -> Option<u64> {
        self.turn.poll_timeout().map(Micros::as_millis)
    }
}

#[test]
fn a_turn_without_words_ends_after_the_usual_silence() {
    let mut talk = Talk::with_window(200);
    talk.starts(0);
    assert_eq!(talk.ends(), None);
    talk.stops(900);
    assert_eq!(talk.ends(), Some(1_400));
    assert_eq!(talk.turn.handle_timeout(ms(1_399)), None);
    assert_eq!(talk.turn.handle_timeout(ms(1_400)), Some(1));
    assert_eq!(talk.turn.handle_timeout(ms(1_401)), None);
}

#[test]
fn a_detector_that_waits_as_long_itself_adds_the_merge_window_only() {
    let mut talk = Talk::with_window(500);
    talk.starts(0);
    talk.stops(900);
    assert_eq!(talk.ends(), Some(1_420));
}

#[test]
fn a_finished_sentence_ends_it_sooner_and_one_that_breaks_off_later() {
    for (pieces, delay) in [
        (vec!["I need ", "a plumber."], 300),
        (vec!["I need ", "a plumber"], 500),
        (vec!["I need ", "a plumber and"], 2_000),
        (vec!["my number ", "is five one ", "two"], 2_000),
    ] {
        let mut talk = Talk::with_window(200);
        talk.starts(0);
        for piece in &pieces {
            talk.piece(piece, 500);
        }
        talk.stops(1_000);
        assert_eq!(talk.ends(), Some(1_000 + delay), "{pieces:?}");
    }
}

#[test]
fn words_that_come_while_it_waits_move_its_end_both_ways() {
    let mut talk = Talk::with_window(200);
    talk.starts(0);
    talk.stops(1_000);
    talk.piece("my number is 512", 1_300);
    assert_eq!(talk.ends(), Some(3_000));
    talk.words("My number is 512 555 0100.", 1_800);
    assert_eq!(talk.ends(), Some(1_300), "due at once");
    assert_eq!(talk.turn.handle_timeout(ms(1_800)), Some(1));
}

#[test]
fn utterances_of_one_turn_are_read_together() {
    let mut talk = Talk::with_window(200);
    talk.starts(0);
    talk.stops(500);
    talk.words("My number is 512.", 600);
    talk.starts(1_500);
    assert_eq!(talk.ends(), None, "they merge");
    talk.stops(2_000);
    talk.words("555.", 2_100);
    assert_eq!(talk.ends(), Some(4_000), "six digits are no number");
    talk.starts(3_000);
    talk.stops(3_500);
    talk.words("0100.", 3_600);
    assert_eq!(talk.ends(), Some(3_800), "ten are");
    assert_eq!(talk.turn.handle_timeout(ms(3_800)), Some(3));
}

#[test]
fn words_of_a_turn_that_is_over_say_nothing_about_the_next() {
    let mut talk = Talk::with_window(200);
    talk.starts(0);
    talk.stops(500);
    assert_eq!(talk.turn.handle_timeout(ms(1_000)), Some(1));
    talk.words("and then", 1_100);
    assert_eq!(talk.ends(), None);
    talk.starts(2_000);
    talk.stops(2_500);
    assert_eq!(talk.ends(), Some(3_000));
}

#[test]
fn two_detectors_that_report_the_same_end_do_not_put_it_off() {
    let mut talk = Talk::with_window(200);
    talk.starts(0);
    talk.stops(1_000);
    let silence = ms(400);
    talk.turn.handle(&TurnInput::SpeechStopped { silence }, ms(1_400));
    assert_eq!(talk.ends(), Some(1_500));
}

#[test]
fn a_rebuilt_machine_hands_over_the_turn_that_was_open() {
    let open = TurnSnapshot { turn_open: true, ..TurnSnapshot::default() };
    let mut turn = TurnMachine::new(open, ms(50));
    assert_eq!(turn.handle_timeout(ms(70)), Some(1));
    let speaking = TurnSnapshot { caller_speaking: true, ..open };
    assert_eq!(TurnMachine::new(speaking, ms(50)).poll_timeout(), None);
}

#[test]
fn a_caller_who_never_ends_costs_bounded_memory() {
    let mut talk = Talk::with_window(200);
    talk.starts(0);
    for _ in 0..10_000 {
        talk.piece("naïve ", 10);
        talk.words("and so on", 10);
    }
    talk.stops(1_000);
    assert_eq!(talk.ends(), Some(1_500), "only the end of it is read");
    assert!(format!("{:?}", talk.turn).len() < 5_000);
}
