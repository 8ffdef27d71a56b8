//! How soon the caller is answered, with services that take as long as real ones and
//! an endpoint of half a second.

use trunkline_core::pipeline::Speculation;

use crate::greeted::greeted;
use crate::support::{PATIENT, Plan, answer_to, secs};

const QUESTIONS: [&str; 10] = [
    "When are you open?",
    "Where are you?",
    "Do you have a table for two tonight?",
    "I would like to book a visit.",
    "What does it cost to repair a tap?",
    "Can somebody come today?",
    "My name is Robin Smith.",
    "The water does not run any more.",
    "Tell me about your prices please.",
    "That is all.",
];

/// Milliseconds from the caller's last sound to the first of the answer, sorted.
fn answered_after(speculate: bool) -> Vec<u64> {
    let mut world = greeted(&Plan { silence: PATIENT, ..Plan::default() }, speculate);
    let mut took = Vec::new();
    for question in QUESTIONS {
        let end = world.say(question);
        world.run_for(secs(8));
        let sent = world.sentence_sent_at(&answer_to(question)).expect(question);
        took.push(sent.since(end).as_millis());
    }
    assert_eq!(world.speculations(Speculation::Used), if speculate { QUESTIONS.len() } else { 0 });
    took.sort_unstable();
    took
}

#[test]
fn the_answer_comes_in_nine_tenths_of_a_second() {
    let (plain, ahead) = (answered_after(false), answered_after(true));
    let middle = |took: &[u64]| took[took.len() / 2];
    eprintln!("ms from end of speech to first audio: without {plain:?}, with {ahead:?}");
    assert!(middle(&ahead) <= 900, "{ahead:?}");
    assert!(*plain.last().unwrap() <= 1_250, "{plain:?}");
    assert!(middle(&plain) >= middle(&ahead) + 250, "{plain:?} {ahead:?}");
    for (without, with) in plain.iter().zip(&ahead) {
        assert!(with <= without, "nobody waits longer for it");
    }
}
