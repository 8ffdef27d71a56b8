//! When the agent may be cut short.

use trunkline_core::call::Speaker;
use trunkline_core::turn::barge_in::{BargeInMode, BargeInSettings};

use crate::scenes;
use crate::support::{GREETING_TAG, PATIENT, Plan, Reply, World, ms, secs};

const SENTENCES: &str = "there is a place free on Monday at ten. or you could come on Tuesday \
                         if that is better for you. just tell me what you would like.";

fn with(mode: BargeInMode, ears: bool) -> Plan {
    let barge_in = BargeInSettings { mode, ears, ..BargeInSettings::default() };
    Plan { barge_in, silence: PATIENT, ..Plan::default() }
}

fn speaking(plan: &Plan) -> World {
    scenes::speaking(plan, ms(20), SENTENCES, ms(1_200))
}

/// The first of the agent's words after the greeting, as they were heard.
fn heard(world: &World) -> String {
    let said = world.transcripts(Speaker::Agent).into_iter().find(|t| t.turn == 1).unwrap();
    said.heard.expose().to_owned()
}

#[test]
fn after_the_sentence_means_after_the_sentence() {
    for ears in [true, false] {
        let mut world = speaking(&with(BargeInMode::AfterSentence, ears));
        world.caller_says(ms(900), "not on Monday please");
        world.run_for(ms(800));
        assert_eq!(world.clears(), 0, "it is not over");
        world.run_for(secs(8));
        assert_eq!(world.clears(), 1);
        let first = "there is a place free on Monday at ten.";
        let heard = heard(&world);
        assert!(heard.starts_with(first) && heard.len() < first.len() + 12, "{heard:?}");
        assert_eq!(world.creates(), 2, "and the caller is answered once");
        assert_eq!(world.phone.played(2), world.received[&2]);
        assert_eq!(world.model.overlaps, 0);
    }
}

#[test]
fn after_the_last_sentence_there_is_nothing_to_stop() {
    let mut world = speaking(&with(BargeInMode::AfterSentence, true));
    world.run_for(secs(7));
    world.caller_says(ms(900), "not on Monday please");
    world.run_for(secs(8));
    assert_eq!(world.clears(), 0);
    assert_eq!(world.phone.played(1), world.received[&1]);
    assert_eq!(world.phone.played(2), world.received[&2]);
}

#[test]
fn after_the_sentence_a_cough_changes_nothing() {
    let mut world = speaking(&with(BargeInMode::AfterSentence, true));
    world.caller_sounds(ms(250), true);
    world.run_for(secs(12));
    assert_eq!(world.phone.played(1), world.received[&1]);
    assert_eq!((world.clears(), world.creates()), (0, 1));
}

#[test]
fn what_is_protected_is_said_and_the_caller_answered_afterwards() {
    for ears in [true, false] {
        let mut world = speaking(&with(BargeInMode::Protected, ears));
        world.caller_says(ms(900), "not on Monday please");
        world.run_for(secs(16));
        assert_eq!(world.clears(), 0);
        assert_eq!(world.phone.played(1), world.received[&1]);
        assert_eq!(world.creates(), 2);
        assert_eq!(world.phone.played(2), world.received[&2]);
        world.hang_up();
        assert_eq!((world.ended().barge_ins, world.ended().turns), (0, 2));
    }
}

#[test]
fn what_is_said_into_a_protected_greeting_is_answered_after_it() {
    for ears in [true, false] {
        let barge_in = BargeInSettings {
            greeting: BargeInMode::Protected,
            ears,
            ..BargeInSettings::default()
        };
        let mut world = World::started(&Plan { barge_in, ..Plan::default() });
        world.run_for(ms(300));
        world.caller_says(ms(600), "hello, I have a leak");
        world.run_for(secs(8));
        assert_eq!(world.clears(), 0);
        assert_eq!(world.phone.played(GREETING_TAG), world.received[&GREETING_TAG]);
        assert_eq!(world.phone.played(1), world.received[&1]);
        world.model.replies.push_back(Reply::says(SENTENCES));
        world.caller_says(ms(600), "and what now");
        world.run_until_sent(2);
        world.run_for(ms(1_000));
        world.caller_says(ms(1_200), "no, wait");
        world.run_for(ms(900));
        assert_eq!(world.clears(), 1, "only the greeting was protected");
    }
}
