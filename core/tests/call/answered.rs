//! A machine answers.

use trunkline_core::call::{AnsweredBy, Disposition, Input, Outcome, PhaseName};

use crate::support::{Dial, GREETING_TAG, Plan, Reply, World, ms, secs};

const MESSAGE: &str = "Please call us back.";

fn with_message() -> Plan {
    Plan { voicemail: Some(MESSAGE), ..Plan::default() }
}

fn begun(plan: &Plan) -> World {
    let mut world = World::started(plan);
    world.model.replies.push_back(Reply::says(MESSAGE));
    world.run_for(ms(1_000));
    world
}

fn assert_message_left(world: &World) {
    assert!(world.asked_to_say(MESSAGE));
    assert_eq!(world.phone.played(1), world.received[&1], "to its last word");
    assert_eq!(world.ended().outcome, Outcome::Voicemail);
    assert_eq!(world.reason(), Some("answering_machine"));
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
    assert_eq!(world.creates(), 1);
}

#[test]
fn after_the_beep_the_message_is_left() {
    for end in
        [AnsweredBy::MachineEndBeep, AnsweredBy::MachineEndSilence, AnsweredBy::MachineEndOther]
    {
        let mut world = begun(&with_message());
        assert_eq!(world.call.phase(), PhaseName::Greeting);
        world.tell(Input::AnsweredBy(end));
        assert_eq!(world.clears(), 1, "the greeting is not for a machine");
        world.run_for(secs(8));
        assert!(world.phone.played(GREETING_TAG) < world.received[&GREETING_TAG]);
        assert_message_left(&world);
    }
}

#[test]
fn a_machine_is_not_answered_and_gets_the_message_after_its_own() {
    let mut world = begun(&with_message());
    world.tell(Input::AnsweredBy(AnsweredBy::MachineStart));
    world.caller_speaks(secs(3), "you have reached the Smiths");
    world.run_for(secs(3) + ms(800));
    world.caller_speaks(secs(2), "please leave a message");
    let stops_at = world.now + secs(2);
    world.run_for(secs(2) + ms(1_400));
    assert_eq!(world.creates(), 0, "nothing is said to it, and its pause is no end");
    world.run_for(secs(8));
    assert_eq!(world.event_at("goodbye"), Some(stops_at + ms(1_500)));
    assert_message_left(&world);
    assert_eq!(world.ended().turns, 0);
}

#[test]
fn a_machine_that_is_never_heard_gets_it_all_the_same() {
    let mut world = begun(&with_message());
    let from = world.now;
    world.tell(Input::AnsweredBy(AnsweredBy::MachineStart));
    world.run_for(secs(40));
    assert_eq!(world.event_at("goodbye"), Some(from + secs(30)));
    assert_message_left(&world);
}

#[test]
fn the_end_may_be_reported_before_the_start_and_twice() {
    let mut world = begun(&with_message());
    for who in [
        AnsweredBy::MachineEndBeep,
        AnsweredBy::MachineStart,
        AnsweredBy::MachineEndBeep,
        AnsweredBy::Human,
    ] {
        world.tell(Input::AnsweredBy(who));
    }
    world.run_for(secs(8));
    assert_message_left(&world);
}

#[test]
fn a_beep_before_the_model_is_there_is_waited_for() {
    for plan in [with_message(), Plan { cached_greeting: false, ..with_message() }] {
        let mut world = World::new(&plan);
        world.model.dials.push_back(Dial::Ready(ms(1_500)));
        world.model.replies.push_back(Reply::says(MESSAGE));
        world.tell(Input::Started);
        world.run_for(ms(300));
        world.tell(Input::AnsweredBy(AnsweredBy::MachineEndBeep));
        world.run_for(secs(10));
        assert_message_left(&world);
    }
}

#[test]
fn a_model_that_never_comes_is_no_reason_to_call_a_human() {
    let mut world = World::new(&with_message());
    world.model.dials.push_back(Dial::Hangs);
    world.tell(Input::Started);
    world.run_for(ms(300));
    world.tell(Input::AnsweredBy(AnsweredBy::MachineEndBeep));
    world.run_for(secs(5));
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
    assert_eq!(world.ended().outcome, Outcome::Abandoned, "no message was left");
}

#[test]
fn a_message_that_was_never_heard_was_not_left() {
    let mut world = World::started(&with_message());
    world.run_for(ms(1_000));
    world.model.replies.push_back(Reply { mute: true, ..Reply::default() });
    world.tell(Input::AnsweredBy(AnsweredBy::MachineEndBeep));
    world.run_for(secs(15));
    assert_eq!(world.ended().outcome, Outcome::Failed);
}

#[test]
fn without_a_message_and_for_a_fax_the_call_is_hung_up() {
    for (plan, who, reason) in [
        (Plan::default(), AnsweredBy::MachineStart, "answering_machine"),
        (Plan::default(), AnsweredBy::MachineEndBeep, "answering_machine"),
        (with_message(), AnsweredBy::Fax, "fax"),
    ] {
        let mut world = begun(&plan);
        world.tell(Input::AnsweredBy(who));
        assert_eq!(world.ended_at(), world.now, "{who:?}");
        assert_eq!(world.reason(), Some(reason));
        assert_eq!(world.disposition(), Some(Disposition::HangUp));
        assert_eq!(world.ended().outcome, Outcome::Abandoned);
    }
}

#[test]
fn a_human_and_an_unknown_are_spoken_with() {
    for who in [AnsweredBy::Human, AnsweredBy::Unknown] {
        let mut world = begun(&with_message());
        world.tell(Input::AnsweredBy(who));
        world.run_for(secs(2));
        world.caller_speaks(ms(500), "hello?");
        world.run_for(secs(3));
        assert!(world.phone.played(1) > 0);
        assert_eq!(world.call.phase(), PhaseName::Conversation);
    }
}
