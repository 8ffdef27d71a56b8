//! When is the caller's turn likely over?
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;
use trunkline_core::turn::endpoint::{TurnInput, TurnMachine, TurnSnapshot};

const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

struct Talk(TurnMachine);

impl Talk {
    /// The caller began to speak at 0.
    fn new() -> Self {
        let asked = TurnSnapshot { speculate: true, ..TurnSnapshot::default() };
        let mut talk = Self(TurnMachine::new(asked, ms(0)));
        talk.0.handle(&TurnInput::SpeechStarted, ms(0));
        talk
    }

    fn interim(&mut self, text: &str, at: u64) {
        self.0.handle(&TurnInput::Interim { text: Personal::new(text) }, ms(at));
    }

    fn words(&mut self, text: &str, at: u64) {
        self.0.handle(&TurnInput::Words { text: Personal::new(text) }, ms(at));
    }

    /// When something happens if nothing is said, and whether it is that the turn is
    /// likely over, or over.
    fn next(&mut self) -> Option<(u64, &'static str)> {
        let at = self.0.poll_timeout()?;
        let over = self.0.handle_timeout(at).is_some();
        let likely = self.0.take_likely();
        assert!(over != likely);
        Some((at.as_millis(), if over { "over" } else { "likely" }))
    }
}

#[test]
fn words_that_stay_as_they_are_are_likely_all() {
    let mut talk = Talk::new();
    talk.interim("When are", 300);
    talk.interim("When are you open?", 600);
    assert_eq!(talk.next(), Some((700, "likely")), "soon after a whole sentence");
    talk.interim("When are you open? Today", 800);
    assert_eq!(talk.next(), Some((1_150, "likely")), "later where the words do not tell");
    assert_eq!(talk.next(), None, "once of the same words");
    talk.interim("When are you open, today?", 1_200);
    assert_eq!(talk.next(), None, "which these are");
}

#[test]
fn a_sentence_that_breaks_off_goes_on() {
    let mut talk = Talk::new();
    talk.interim("I would like a table and", 900);
    assert_eq!(talk.next(), None);
    talk.interim("My number is five five five", 1_500);
    assert_eq!(talk.next(), None, "nor is a number that is dictated whole");
}

#[test]
fn news_begins_the_wait_anew_and_the_same_words_do_not() {
    let mut talk = Talk::new();
    talk.interim("Where are you", 300);
    talk.interim("Where are you", 400);
    talk.interim("where are you", 500);
    assert_eq!(talk.0.poll_timeout(), Some(ms(650)));
    talk.interim("Where are you now", 640);
    assert_eq!(talk.next(), Some((990, "likely")));
}

#[test]
fn it_is_said_before_the_turn_is_over_and_not_of_the_next_one() {
    let mut talk = Talk::new();
    talk.interim("Where are you?", 500);
    assert_eq!(talk.next(), Some((600, "likely")));
    talk.0.handle(&TurnInput::SpeechStopped { silence: ms(500) }, ms(1_000));
    talk.words("Where are you?", 1_000);
    assert_eq!(talk.next(), Some((1_020, "over")));
    assert_eq!(talk.next(), None);
    talk.interim("Late news?", 1_100);
    assert_eq!(talk.next(), None, "nobody speaks");
    talk.0.handle(&TurnInput::SpeechStarted, ms(2_000));
    talk.interim("Where are you?", 2_500);
    assert_eq!(talk.next(), Some((2_600, "likely")), "the same words in another turn");
}

#[test]
fn final_words_that_are_others_are_waited_for_where_there_is_time() {
    let mut talk = Talk::new();
    talk.interim("Where are you?", 500);
    assert_eq!(talk.next(), Some((600, "likely")));
    talk.0.handle(&TurnInput::SpeechStopped { silence: ms(100) }, ms(1_000));
    talk.words("Where are you two", 1_000);
    assert_eq!(talk.next(), Some((1_350, "likely")));
    assert_eq!(talk.next(), Some((1_400, "over")));
}

#[test]
fn a_sound_puts_it_off_and_a_noise_does_not_for_good() {
    let mut talk = Talk::new();
    talk.0.handle(&TurnInput::SpeechStopped { silence: ms(10) }, ms(480));
    talk.words("Where are you", 500);
    talk.0.handle(&TurnInput::SpeechStarted, ms(550));
    assert_eq!(talk.next(), None, "there may be more");
    talk.0.handle(&TurnInput::SpeechStopped { silence: ms(10) }, ms(700));
    assert_eq!(talk.next(), Some((850, "likely")));
}

#[test]
fn it_is_said_a_few_times_in_a_turn_and_no_more() {
    let mut talk = Talk::new();
    let mut said = 0;
    for n in 1..=10_u64 {
        talk.interim(&format!("{}.", "Again ".repeat(usize::try_from(n).unwrap())), n * 1_000);
        said += u32::from(talk.next().is_some());
    }
    assert_eq!(said, 3);
}

#[test]
fn nobody_is_told_who_does_not_ask() {
    let mut turn = TurnMachine::default();
    turn.handle(&TurnInput::SpeechStarted, ms(0));
    turn.handle(&TurnInput::Interim { text: Personal::new("Where are you?") }, ms(500));
    assert_eq!(turn.poll_timeout(), None);
}
