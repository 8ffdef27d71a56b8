//! Keys: "0" is a human at any moment, the others are told to the agent.

use trunkline_core::call::{Disposition, Input, Outcome, PhaseName};
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::scenes::in_last_words;
use crate::support::{Dial, Plan, Reply, World, ms, secs};

fn assert_put_through_at_once(world: &World) {
    assert_eq!(world.ended_at(), world.now, "at once");
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.ended().outcome, Outcome::Transferred);
    assert_eq!(world.reason(), Some("dtmf_bridge"));
    assert!(world.ended().handoff);
}

#[test]
fn zero_before_anything_was_said() {
    let mut world = World::new(&Plan::uncached());
    world.model.dials.push_back(Dial::Hangs);
    world.tell(Input::Started);
    world.run_for(ms(100));
    assert_eq!(world.call.phase(), PhaseName::Answering);
    world.press('0');
    assert_put_through_at_once(&world);
}

#[test]
fn zero_during_the_kept_greeting() {
    let mut world = World::started(&Plan::default());
    world.run_for(ms(900));
    assert_eq!(world.call.phase(), PhaseName::Greeting);
    world.press('0');
    assert_put_through_at_once(&world);
}

#[test]
fn zero_in_the_middle_of_a_sentence() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(200));
    world.press('0');
    assert_put_through_at_once(&world);
    assert_eq!(world.ended().barge_ins, 0, "a key is no interruption");
}

#[test]
fn zero_while_an_answer_is_awaited_or_a_tool_runs() {
    for wait in [830, 1_500] {
        let mut world = World::started(&Plan::default());
        world.past_greeting();
        world.model.replies.push_back(Reply::calls(&[("never_ends", "{}")]));
        world.caller_speaks(ms(800), "tell me");
        world.run_for(ms(wait));
        world.press('0');
        assert_put_through_at_once(&world);
    }
}

#[test]
fn zero_during_the_last_words() {
    let mut world = in_last_words();
    world.press('0');
    assert_put_through_at_once(&world);
}

#[test]
fn zero_while_the_caller_speaks_or_the_model_is_away() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(secs(5), "blah");
    world.run_for(ms(300));
    world.press('0');
    assert_put_through_at_once(&world);

    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.dials.push_back(Dial::Hangs);
    world.lose_model(true);
    world.run_for(ms(300));
    world.press('0');
    assert_put_through_at_once(&world);
}

fn told_of_key(world: &World, key: char) -> usize {
    let of_key = |event: &&ClientEvent| match event {
        ClientEvent::CreateItem(Item::UserText { text }) => text.contains(&format!("key {key}")),
        _ => false,
    };
    world.told_model().filter(of_key).count()
}

#[test]
fn another_key_is_told_to_the_agent_who_answers() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.press('5');
    world.run_for(secs(4));
    assert_eq!(told_of_key(&world, '5'), 1);
    assert!(world.phone.played(1) > 0);
}

#[test]
fn a_key_pressed_before_the_model_is_there_is_not_lost() {
    let mut world = World::new(&Plan::default());
    world.model.dials.push_back(Dial::Ready(ms(1_000)));
    world.tell(Input::Started);
    world.run_for(ms(300));
    world.press('7');
    world.run_until(secs(6));
    assert_eq!(told_of_key(&world, '7'), 1);
    assert!(world.phone.played(1) > 0, "and it is answered");
}

#[test]
fn a_key_pressed_while_speaking_is_answered_with_the_turn() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(1_500), "my number is");
    world.run_for(ms(700));
    world.press('3');
    assert_eq!(world.creates(), 0, "not while the caller holds the floor");
    world.run_for(secs(5));
    assert_eq!(world.creates(), 1);
    world.hang_up();
    assert_eq!(world.ended().turns, 1);
}
