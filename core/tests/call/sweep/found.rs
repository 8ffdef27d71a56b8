//! Calls that the sweep found to go wrong, told as what happens in them.

use trunkline_core::call::ToolEffect;
use trunkline_core::tools::DigitPlan;
use trunkline_core::turn::barge_in::{BargeInMode, BargeInSettings};

use crate::support::{PATIENT, Plan, Reply, World, ms, secs};

const LONG: &str = "please type the number that is on the letter which we have sent to you and \
                    that begins with two zeros or with a seven.";

fn patient() -> Plan {
    Plan { silence: PATIENT, ..Plan::default() }
}

#[test]
fn a_model_that_says_everything_twice_is_heard_once() {
    let mut world = World::started(&Plan { cached_greeting: false, ..patient() });
    world.model.doubles_every = 1;
    world.run_for(secs(8));
    assert_eq!(world.phone.played(1), world.received[&1]);
    world.caller_speaks(ms(500), "good morning");
    world.run_for(secs(8));
    assert_eq!(world.creates(), 2);
    assert_eq!(world.phone.played(2), world.received[&2]);
    assert!(world.stale("response_announced") >= 2);
}

/// A call in which the caller spoke over a sentence that is finished first, and the
/// turn waits for its end.
fn spoken_over() -> World {
    let mode = BargeInMode::AfterSentence;
    let barge_in = BargeInSettings { mode, ears: false, ..BargeInSettings::default() };
    let mut world = World::started(&Plan { barge_in, ..patient() });
    world.past_greeting();
    let plan = DigitPlan { max_digits: 10, terminator: Some('#'), timeout_ms: 5_000 };
    world.tools.insert("collect_digits", (ms(5), ToolEffect::CollectDigits(plan)));
    let asks = Reply::says(LONG).with_tools(&[("collect_digits", "{}")]);
    world.model.replies.push_back(asks);
    world.caller_speaks(ms(500), "I have a letter here");
    while world.events("collecting_digits") == 0 {
        world.run_for(ms(5));
    }
    world.caller_speaks(ms(600), "which number do you mean");
    world.run_for(secs(2));
    assert_eq!(world.clears(), 0, "the sentence is not over");
    world
}

#[test]
fn a_turn_that_waits_for_a_sentence_is_taken_up_when_a_key_cuts_it() {
    let mut world = spoken_over();
    world.press('4');
    assert_eq!(world.clears(), 1);
    world.run_for(secs(5));
    assert_eq!(world.events("turn_ended"), 2);
    assert_eq!(world.creates(), 2, "the question is answered");
    assert_eq!(world.phone.played(2), world.received[&2]);
}

#[test]
fn a_turn_that_waits_for_a_sentence_is_taken_up_when_the_line_is_stuck() {
    let mut world = spoken_over();
    world.carrier_stuck = true;
    while world.events("outbound_stuck") == 0 {
        world.run_for(ms(100));
    }
    world.carrier_stuck = false;
    world.run_for(secs(6));
    assert_eq!(world.events("turn_ended"), 2);
    assert!(world.phone.played(2) > 0, "the next session answers it");
}
