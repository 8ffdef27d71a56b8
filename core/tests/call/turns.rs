//! Where a turn ends: the words decide how long a pause may be.

use trunkline_core::call::{Child, ModelEvent, Output};
use trunkline_core::ids::ItemId;
use trunkline_core::pii::Personal;
use trunkline_core::time::Micros;

use crate::support::{Plan, World, ms, secs};

fn conversation(plan: &Plan) -> World {
    let mut world = World::started(plan);
    world.past_greeting();
    world
}

/// From the model's report that speech stopped to the end of the turn.
fn waited(plan: &Plan, pieces: &[&str]) -> Micros {
    let mut world = conversation(plan);
    let stops_at = world.now + ms(900);
    world.caller_speaks_in_pieces(ms(900), pieces);
    world.run_for(secs(5));
    let ended_at = world.event_at("turn_ended").expect("the turn has an end");
    assert_eq!(world.creates(), 1);
    ended_at.since(stops_at)
}

#[test]
fn the_models_own_window_counts() {
    let plan = Plan::default();
    assert_eq!(waited(&plan, &["I need a plumber"]), ms(20));
    assert_eq!(waited(&plan, &["I need ", "a plumber."]), ms(20));
    assert_eq!(waited(&plan, &["I need a plumber", " and"]), ms(1_500));
    assert_eq!(waited(&plan, &["my number is five one two"]), ms(1_500));
}

#[test]
fn a_quick_model_leaves_the_choice_to_the_words() {
    let plan = Plan { silence_duration_ms: 200, ..Plan::default() };
    assert_eq!(waited(&plan, &["I need ", "a plumber."]), ms(100));
    assert_eq!(waited(&plan, &["I need a plumber"]), ms(300));
    assert_eq!(waited(&plan, &["so, um"]), ms(1_800));
}

#[test]
fn a_caller_who_thinks_in_mid_sentence_is_not_answered_there() {
    let mut world = conversation(&Plan::default());
    world.caller_speaks_in_pieces(ms(900), &["I need a ", "plumber and"]);
    world.run_for(ms(900 + 1_200));
    assert_eq!(world.creates(), 0);
    world.caller_speaks_in_pieces(ms(800), &["an electrician."]);
    world.run_for(secs(4));
    assert_eq!(world.creates(), 1);
    world.hang_up();
    assert_eq!(world.ended().turns, 1);
}

#[test]
fn a_number_that_is_dictated_in_groups_is_one_turn() {
    let mut world = conversation(&Plan::default());
    for group in ["my number is 512", "555", "0100"] {
        world.caller_speaks_in_pieces(ms(700), &[group]);
        world.run_for(ms(700 + 1_300));
    }
    world.run_for(secs(4));
    assert_eq!(world.creates(), 1);
    world.hang_up();
    assert_eq!(world.ended().turns, 1);
}

#[test]
fn a_turn_that_never_goes_on_is_answered_after_the_longest_wait() {
    let mut world = conversation(&Plan::default());
    world.caller_speaks_in_pieces(ms(700), &["my number is 512"]);
    world.run_for(secs(4));
    assert!(world.phone.played(1) > 0);
}

#[test]
fn words_that_come_after_their_turn_say_nothing_about_the_next() {
    let mut world = conversation(&Plan::default());
    world.model_says_in(ms(0), ModelEvent::SpeechStarted);
    world.model_says_in(ms(700), ModelEvent::SpeechStopped);
    world.run_for(ms(900));
    let item = ItemId::parse("late").unwrap();
    world.model_says_in(ms(0), ModelEvent::SpeechStarted);
    // They are of the utterance before, which was handed over.
    let text = Personal::new("I need a plumber and");
    world.model_says_in(ms(100), ModelEvent::CallerPartial { item, text });
    world.model_says_in(ms(700), ModelEvent::SpeechStopped);
    world.run_for(ms(730));
    assert_eq!(world.events("turn_ended"), 2);
}

#[test]
fn partial_words_are_no_transcript() {
    let mut world = conversation(&Plan::default());
    world.caller_speaks_in_pieces(ms(900), &["I need ", "a ", "plumber."]);
    world.run_for(secs(3));
    let said = world.transcripts(trunkline_core::call::Speaker::Caller);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].heard.expose(), "I need a plumber.");
}

#[test]
fn without_a_turn_manager_words_are_for_nobody() {
    let mut world = conversation(&Plan::default());
    for _ in 0..4 {
        world.kill(Child::TurnManager);
    }
    let before = world.outputs.len();
    world.caller_speaks_in_pieces(ms(900), &["I need a plumber and"]);
    world.run_for(ms(910));
    let told = world.outputs[before..].iter().any(|(_, o)| matches!(o, Output::Turn(_)));
    assert!(!told);
    assert_eq!(world.creates(), 1);
}
