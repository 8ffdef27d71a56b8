//! Last words are said to their end.

use trunkline_core::call::{Command, Disposition, Input, Outcome, PhaseName, ToolEffect};
use trunkline_core::tenant::Limits;

use crate::scenes::ending;
use crate::support::{Plan, Reply, World, ms, secs};

fn assert_heard(world: &World, tag: u8) {
    assert_eq!(world.phone.played(tag), world.received[&tag], "every byte was heard");
    assert!(world.phone.last_sound(tag).unwrap() <= world.ended_at(), "and before the end");
}

#[test]
fn a_farewell_spoken_in_the_same_breath_is_enough() {
    let mut world = ending(&Plan::default(), "It was a pleasure, goodbye!");
    world.run_for(secs(6));
    assert_eq!(world.creates(), 1, "nothing more is asked for");
    assert_heard(&world, 1);
    assert_eq!(world.ended().outcome, Outcome::Completed);
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
    let after = world.ended_at().since(world.phone.last_sound(1).unwrap());
    assert!(after <= ms(50), "hung up on the last mark, {after:?} after the last word");
}

#[test]
fn an_end_without_a_farewell_gets_one() {
    let mut world = ending(&Plan::default(), "");
    world.model.replies.push_back(Reply::says("Goodbye and thank you."));
    world.run_for(secs(8));
    assert!(world.asked_to_say("Goodbye and thank you."));
    assert_heard(&world, 2);
    assert_eq!(world.reason(), None);
}

#[test]
fn a_lost_mark_costs_a_moment_and_no_word() {
    let mut world = ending(&Plan::default(), "It was a pleasure, goodbye!");
    world.loses_marks = true;
    world.run_for(secs(6));
    assert_heard(&world, 1);
    let after = world.ended_at().since(world.phone.last_sound(1).unwrap());
    assert!(after <= ms(400), "the grace is short, not {after:?}");
}

#[test]
fn the_caller_cannot_cut_it() {
    let mut world = ending(&Plan::default(), "It was a pleasure, goodbye and good luck to you!");
    world.run_for(ms(1_600));
    assert_eq!(world.call.phase(), PhaseName::Goodbye);
    world.caller_speaks(ms(400), "bye");
    world.run_for(secs(6));
    assert_heard(&world, 1);
    assert_eq!(world.clears(), 0);
    assert_eq!(world.creates(), 1);
}

#[test]
fn a_farewell_longer_than_its_limit_is_still_heard_to_the_end() {
    let limits = Limits { farewell_timeout_ms: 1_000, ..Limits::default() };
    let long = "it was so very nice to talk to you today and I do hope that the boiler will \
                give you many warm winters from now on";
    let mut world = ending(&Plan { limits, ..Plan::default() }, long);
    world.run_for(secs(12));
    assert_heard(&world, 1);
}

#[test]
fn a_farewell_that_never_comes_is_not_waited_for() {
    let mut world = ending(&Plan::default(), "");
    world.model.replies.push_back(Reply { mute: true, ..Reply::default() });
    let began = world.now;
    world.run_for(secs(12));
    assert!(world.ended_at() <= began + secs(9));
    assert_eq!(world.ended().outcome, Outcome::Completed);
}

#[test]
fn a_model_that_talks_on_for_ever_is_stopped() {
    let mut world = ending(&Plan::default(), "");
    world.model.replies.push_back(Reply { latency: Some(secs(60)), ..Reply::says("never mind") });
    world.run_for(ms(700));
    for _ in 0..1_200 {
        world.push_audio(2, 800);
        world.run_for(ms(50));
    }
    world.run_for(secs(10));
    assert!(world.ended_at() < secs(60));
}

#[test]
fn somebody_at_the_controls_ends_it_politely() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tell(Input::Command(Command::Hangup));
    world.model.replies.push_back(Reply::says("Goodbye."));
    world.run_for(secs(5));
    assert!(world.asked_to_say("Goodbye and thank you."));
    assert_eq!(world.reason(), Some("command"));
    assert_heard(&world, 1);
}

#[test]
fn a_sentence_under_way_is_finished_before_the_farewell() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    let long = "well there are quite a few things that I would like to tell you about that";
    world.model.replies.push_back(Reply::says(long));
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.tell(Input::Command(Command::Hangup));
    world.run_for(secs(12));
    assert_heard(&world, 1);
    assert_heard(&world, 2);
}

#[test]
fn a_transfer_asked_for_during_the_farewell_lets_it_finish() {
    let mut world = ending(&Plan::default(), "It was a pleasure, goodbye and good luck to you!");
    world.run_for(ms(1_600));
    world.tell(Input::Command(Command::Transfer { reason: "supervisor".to_owned() }));
    assert_eq!(world.call.phase(), PhaseName::Goodbye);
    world.run_for(secs(6));
    assert_heard(&world, 1);
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.reason(), Some("supervisor"));
}

#[test]
fn a_process_that_is_about_to_end_lets_a_goodbye_finish() {
    let mut world = ending(&Plan::default(), "It was a pleasure, goodbye and good luck to you!");
    world.run_for(ms(1_600));
    world.tell(Input::Command(Command::HandOver));
    world.run_for(secs(6));
    assert_heard(&world, 1);
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
    assert_eq!(world.reason(), None);
}

#[test]
fn a_process_that_is_about_to_end_hands_a_conversation_to_a_human() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.tell(Input::Command(Command::HandOver));
    world.run_for(secs(6));
    assert_heard(&world, 1);
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.reason(), Some("draining"));
}

#[test]
fn where_there_is_no_human_a_transfer_is_a_failure() {
    let mut world = World::started(&Plan { human: false, ..Plan::default() });
    world.past_greeting();
    world.press('0');
    assert_eq!(world.ended().outcome, Outcome::Failed);
    assert!(!world.ended().handoff);
}

#[test]
fn the_agents_transfer_follows_its_sentence() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tools.insert("transfer_to_human", (ms(5), ToolEffect::Transfer));
    let reply = Reply::says("I will put you through now.");
    world.model.replies.push_back(reply.with_tools(&[("transfer_to_human", "{}")]));
    world.caller_speaks(ms(500), "a human please");
    world.run_for(secs(6));
    assert_heard(&world, 1);
    assert_eq!(world.ended().outcome, Outcome::Transferred);
    assert!(world.ended().handoff && !world.ended().bridged);
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
}
