//! How long a call may be, and how many turns it may have.

use trunkline_core::call::{Command, Disposition, Input, Outcome};
use trunkline_core::tenant::Limits;

use crate::support::{Dial, PATIENT, Plan, Reply, World, ms, secs};

#[test]
fn a_call_that_has_run_its_time_is_wrapped_up() {
    let limits = Limits { max_call_duration_ms: 10_000, ..Limits::default() };
    let mut world = World::started(&Plan { limits, ..Plan::default() });
    world.past_greeting();
    world.run_until(secs(20));
    assert!(world.asked_to_say("our time is over"));
    assert_eq!(world.phone.played(1), world.received[&1], "the wrap-up is heard whole");
    assert_eq!(world.ended().outcome, Outcome::Timeout);
    assert_eq!(world.reason(), Some("max_duration"));
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
}

#[test]
fn after_a_conversation_the_wrap_up_sums_it_up() {
    let limits = Limits { max_call_duration_ms: 10_000, ..Limits::default() };
    let mut world = World::started(&Plan { limits, ..Plan::default() });
    world.past_greeting();
    world.caller_speaks(ms(500), "book me in for Monday");
    world.run_for(secs(4));
    let words = "I am afraid our time is over. You are booked for Monday. Goodbye!";
    world.model.replies.push_back(Reply::says(words));
    world.run_until(secs(30));
    assert!(world.asked_to_say("our time is over") && world.asked_to_say("sum up"));
    assert_eq!(world.phone.played(2), world.received[&2], "it is heard whole");
    assert_eq!(world.reason(), Some("max_duration"));
}

#[test]
fn where_nothing_was_said_there_is_nothing_to_sum_up() {
    let limits = Limits { max_call_duration_ms: 6_000, ..Limits::default() };
    let mut world = World::started(&Plan { limits, ..Plan::default() });
    world.run_until(secs(15));
    assert!(world.asked_to_say("our time is over") && !world.asked_to_say("sum up"));
}

#[test]
fn a_long_answer_gives_way_to_the_wrap_up() {
    let limits = Limits { max_call_duration_ms: 8_000, ..Limits::default() };
    let mut world = World::started(&Plan { limits, ..Plan::default() });
    world.past_greeting();
    let long = "well there are quite a few things that I would like to tell you about that \
                and each of them takes a while";
    world.model.replies.push_back(Reply::says(long));
    world.caller_speaks(ms(1_500), "tell me");
    world.run_until(secs(20));
    assert!(world.phone.played(1) < world.received[&1]);
    assert_eq!(world.phone.played(2), world.received[&2]);
    assert_eq!(world.events("barge_in"), 0, "nobody interrupted");
    assert_eq!(world.ended().barge_ins, 0);
}

#[test]
fn the_turn_too_many_is_answered_with_the_wrap_up() {
    let limits = Limits { max_turns: 2, ..Limits::default() };
    let mut world = World::started(&Plan { limits, ..Plan::default() });
    world.past_greeting();
    for _ in 0..3 {
        world.caller_speaks(ms(500), "and another thing");
        world.run_for(secs(5));
    }
    assert!(world.asked_to_say("our time is over"));
    assert_eq!(world.creates(), 3);
    assert_eq!(world.phone.played(3), world.received[&3]);
    assert_eq!(world.reason(), Some("max_turns"));
}

#[test]
fn no_limit_is_no_limit() {
    let limits = Limits { max_call_duration_ms: 0, max_turns: 0, ..Limits::default() };
    let plan = Plan { limits, silence: PATIENT, session_limit_ms: 0, ..Plan::default() };
    let mut world = World::started(&plan);
    world.past_greeting();
    world.run_until(secs(4_000));
    assert!(world.summary().is_none());
}

#[test]
fn a_call_of_which_nothing_is_heard_expires() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tell(Input::Command(Command::Expire));
    assert_eq!(world.ended().outcome, Outcome::Timeout);
    assert_eq!(world.reason(), Some("ttl_expired"));
    assert_eq!(world.events("ttl_expired"), 1);
}

#[test]
fn a_call_without_a_model_ends_without_last_words() {
    let limits = Limits { max_call_duration_ms: 1_000, ..Limits::default() };
    let mut world = World::new(&Plan { limits, ..Plan::uncached() });
    world.model.dials.push_back(Dial::Hangs);
    world.tell(Input::Started);
    world.run_until(secs(2));
    assert_eq!(world.ended_at(), secs(1));
    assert_eq!(world.creates(), 0);
}
