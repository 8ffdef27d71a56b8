//! Calls that a human is to go on with, and those that none can.

use trunkline_core::call::{Command, Disposition, Input, Outcome};

use crate::support::{Plan, World, ms, secs};

fn conversation(plan: &Plan) -> World {
    let mut world = World::started(plan);
    world.past_greeting();
    world.caller_speaks(ms(600), "hello");
    world.run_for(secs(3));
    world
}

#[test]
fn a_process_that_ends_hands_the_call_over() {
    let mut world = conversation(&Plan::default());
    world.tell(Input::Command(Command::HandOver));
    world.run_for(secs(10));
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.reason(), Some("draining"));
    assert_eq!(world.ended().outcome, Outcome::Transferred);
}

#[test]
fn a_goodbye_is_not_given_up_for_that() {
    let mut world = conversation(&Plan::default());
    world.tell(Input::Command(Command::Hangup));
    world.run_for(ms(200));
    world.tell(Input::Command(Command::HandOver));
    world.run_for(secs(20));
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
    assert_eq!(world.ended().outcome, Outcome::Completed);
    assert!(!world.ended().handoff);
}

#[test]
fn where_there_is_no_human_nobody_was_transferred() {
    let mut world = conversation(&Plan { human: false, ..Plan::default() });
    world.press('0');
    world.run_for(secs(10));
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.ended().outcome, Outcome::Failed);
    assert!(!world.ended().handoff);
}
