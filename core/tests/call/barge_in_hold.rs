//! What may happen while a sentence is held.

use trunkline_core::call::{Child, Command, Disposition, Input, RESTARTS, Speaker, ToolEffect};
use trunkline_core::turn::barge_in::BargeInSettings;

use crate::support::{GREETING, GREETING_TAG, Plan, Reply, World, ms, secs};

const LONG: &str = "well there are quite a few things that I would like to tell you about that";

/// A sentence that has just been stopped by a sound of 300 ms.
fn held() -> World {
    let mut world = World::started(&Plan::with_ears());
    world.past_greeting();
    world.model.replies.push_back(Reply::says(LONG));
    world.caller_speaks(ms(800), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(1_500));
    world.caller_sounds(ms(300), true);
    world.run_for(ms(200));
    assert!(world.is_held());
    world
}

fn is_heard_whole(world: &World) {
    assert_eq!(world.phone.played(1), world.received[&1]);
    assert_eq!(world.phone.skipped(), 0);
}

#[test]
fn a_detector_that_dies_lets_the_sentence_go_on() {
    let mut world = held();
    world.kill(Child::BargeIn);
    assert!(!world.is_held());
    world.run_for(secs(8));
    is_heard_whole(&world);
}

#[test]
fn a_detector_that_dies_while_the_caller_speaks_gives_the_caller_the_floor() {
    let mut world = held();
    world.model_hears(ms(900), "stop");
    world.run_for(ms(250));
    world.kill(Child::BargeIn);
    assert_eq!(world.events("barge_in"), 1);
    world.run_for(secs(6));
    assert!(world.phone.played(2) > 0);
}

#[test]
fn a_detector_that_says_nothing_more_is_not_waited_for() {
    let mut world = held();
    world.barge_in = None;
    world.run_for(ms(1_000));
    assert!(world.is_held());
    world.run_for(secs(8));
    assert!(!world.is_held());
    is_heard_whole(&world);
}

#[test]
fn without_a_detector_the_models_word_is_taken_at_once() {
    let mut world = held();
    (0..=RESTARTS).for_each(|_| world.kill(Child::BargeIn));
    world.run_for(ms(500));
    world.caller_speaks(ms(600), "mm-hm");
    assert!(world.call.poll_timeout().is_some());
    world.run_for(ms(50));
    assert_eq!(world.events("barge_in"), 1);
}

#[test]
fn audio_that_comes_meanwhile_waits() {
    let mut world = held();
    let before = world.bytes_sent(1);
    world.run_for(ms(250));
    assert!(world.is_held());
    assert_eq!(world.bytes_sent(1), before);
    world.run_for(secs(8));
    is_heard_whole(&world);
}

#[test]
fn a_model_that_dies_meanwhile_is_heard_as_far_as_it_had_come() {
    let mut world = held();
    world.lose_model(true);
    world.run_for(secs(10));
    assert!(!world.is_held());
    is_heard_whole(&world);
    assert_eq!(world.cancels(), 0);
}

#[test]
fn a_goodbye_that_begins_meanwhile_is_heard() {
    let mut world = held();
    world.tell(Input::Command(Command::Transfer { reason: "supervisor".to_owned() }));
    assert!(!world.is_held());
    world.run_for(secs(12));
    is_heard_whole(&world);
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
}

#[test]
fn the_key_for_the_human_ends_it() {
    let mut world = held();
    let sent = world.bytes_sent(1);
    world.press('0');
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.bytes_sent(1), sent);
}

#[test]
fn a_caller_who_hangs_up_has_heard_what_had_been_played() {
    let mut world = held();
    let played = world.phone.played(1);
    world.hang_up();
    let said = world.transcripts(Speaker::Agent).into_iter().find(|t| t.turn == 1).unwrap();
    assert!(said.interrupted);
    let words = said.heard.expose().split(' ').count() as u64;
    assert!(words.abs_diff(played / 2_400) <= 2, "{words} words in {played} bytes");
}

#[test]
fn a_tool_that_takes_its_time_says_nothing_into_the_pause() {
    let settings = BargeInSettings { confirm_window_ms: 2_500, ..BargeInSettings::default() };
    let mut world = World::started(&Plan { barge_in: settings, ..Plan::with_ears() });
    world.past_greeting();
    world.tools.insert("slow", (secs(8), ToolEffect::GoOn));
    world.model.replies.push_back(Reply::says(LONG).with_tools(&[("slow", "{}")]));
    world.caller_speaks(ms(800), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(1_200));
    world.caller_sounds(ms(400), true);
    world.model_hears(ms(400), "mm-hm");
    world.run_for(ms(1_000));
    assert!(world.is_held());
    assert_eq!(world.events("filler"), 0);
    world.run_for(secs(20));
    is_heard_whole(&world);
    assert_eq!(world.phone.skipped(), 0);
}

#[test]
fn the_kept_greeting_goes_on_as_well() {
    let mut world = World::started(&Plan::with_ears());
    world.run_for(ms(900));
    world.caller_sounds(ms(250), true);
    world.run_for(secs(5));
    assert_eq!(world.pauses().len(), 1);
    assert_eq!(world.phone.played(GREETING_TAG), world.received[&GREETING_TAG]);
    let said = world.transcripts(Speaker::Agent);
    assert_eq!(said[0].heard.expose(), GREETING);
    assert_eq!(said.len(), 1);
}
