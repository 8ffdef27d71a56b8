//! Keys that a tool asks for.

use trunkline_core::call::{Child, Outcome, ToolEffect};
use trunkline_core::tools::DigitPlan;
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::support::{PATIENT, Plan, Reply, World, ms, secs};

const USUAL: DigitPlan = DigitPlan { max_digits: 10, terminator: Some('#'), timeout_ms: 5_000 };

/// A call in which the agent asks for keys, with these words.
fn asked(plan: DigitPlan, words: &'static str) -> World {
    let mut world = World::started(&Plan { silence: PATIENT, ..Plan::default() });
    world.past_greeting();
    world.tools.insert("collect_digits", (ms(5), ToolEffect::CollectDigits(plan)));
    let reply = if words.is_empty() { Reply::default() } else { Reply::says(words) };
    world.model.replies.push_back(reply.with_tools(&[("collect_digits", "{}")]));
    world.caller_speaks(ms(500), "I have my number here");
    while world.events("collecting_digits") == 0 {
        world.run_for(ms(5));
    }
    world
}

fn press_all(world: &mut World, keys: &str) {
    for key in keys.chars() {
        world.press(key);
        world.run_for(ms(300));
    }
}

fn result(world: &World) -> Option<serde_json::Value> {
    let outputs = world.told_model().filter_map(|event| match event {
        ClientEvent::CreateItem(Item::FunctionCallOutput { output, .. }) => Some(output.clone()),
        _ => None,
    });
    outputs.last().map(|text| serde_json::from_str(&text).unwrap())
}

fn assert_result(world: &World, digits: &str, ended_by: &str) {
    let result = result(world).expect("the model has a result");
    assert_eq!(result["digits"], digits);
    assert_eq!(result["ended_by"], ended_by);
}

#[test]
fn they_are_one_entry_that_a_key_ends() {
    let mut world = asked(USUAL, "");
    press_all(&mut world, "4711#");
    assert_result(&world, "4711", "terminator");
    world.run_for(secs(4));
    assert_eq!(world.creates(), 2, "the call, and one answer to the whole entry");
    assert!(world.phone.played(2) > 0);
    let told = format!("{:?}", world.told_model().collect::<Vec<_>>());
    assert!(!told.contains("pressed the key"), "no key is told by itself");
}

#[test]
fn what_is_typed_before_the_tool_asks_is_part_of_it() {
    let mut world = World::started(&Plan { silence: PATIENT, ..Plan::default() });
    world.past_greeting();
    world.tools.insert("collect_digits", (ms(900), ToolEffect::CollectDigits(USUAL)));
    let reply = Reply::says("Please type your number now and end it with pound.");
    world.model.replies.push_back(reply.with_tools(&[("collect_digits", "{}")]));
    world.caller_speaks(ms(500), "I have my number here");
    world.run_until_sent(1);
    press_all(&mut world, "47");
    assert_eq!(world.events("collecting_digits"), 0, "nobody has asked yet");
    while world.events("collecting_digits") == 0 {
        world.run_for(ms(5));
    }
    press_all(&mut world, "11#");
    assert_result(&world, "4711", "terminator");
}

#[test]
fn what_was_typed_long_before_is_not() {
    let mut world = World::started(&Plan { silence: PATIENT, ..Plan::default() });
    world.past_greeting();
    world.press('9');
    world.run_for(secs(4));
    world.tools.insert("collect_digits", (ms(5), ToolEffect::CollectDigits(USUAL)));
    world.model.replies.push_back(Reply::default().with_tools(&[("collect_digits", "{}")]));
    world.caller_speaks(ms(500), "I have my number here");
    while world.events("collecting_digits") == 0 {
        world.run_for(ms(5));
    }
    press_all(&mut world, "12#");
    assert_result(&world, "12", "terminator");
}

#[test]
fn or_their_number_does() {
    let mut world = asked(DigitPlan { max_digits: 3, ..USUAL }, "");
    press_all(&mut world, "123");
    assert_result(&world, "123", "length");
}

#[test]
fn or_the_time() {
    let mut world = asked(USUAL, "");
    press_all(&mut world, "12");
    world.run_for(ms(4_600));
    assert_eq!(result(&world), None);
    world.run_for(ms(300));
    assert_result(&world, "12", "timeout");
}

#[test]
fn an_entry_that_nobody_makes_ends_too() {
    let mut world = asked(USUAL, "");
    world.run_for(secs(6));
    assert_result(&world, "", "timeout");
}

#[test]
fn the_time_begins_when_the_request_has_been_heard() {
    let mut world = asked(USUAL, "Please type your number now and then press the pound key");
    world.run_for(secs(6));
    assert_eq!(result(&world), None);
    let heard_at = world.phone.last_sound(1).unwrap();
    world.run_until(heard_at + ms(4_900));
    assert_eq!(result(&world), None);
    world.run_for(ms(400));
    assert_result(&world, "", "timeout");
}

#[test]
fn who_types_has_heard_enough() {
    let mut world = asked(USUAL, "Please type your number now and then press the pound key");
    world.run_for(ms(300));
    world.press('4');
    assert_eq!(world.clears(), 1);
    press_all(&mut world, "2#");
    assert_result(&world, "42", "terminator");
    world.run_for(secs(4));
    assert!(world.phone.played(1) < world.received[&1]);
    assert_eq!(world.transcripts(trunkline_core::call::Speaker::Agent).len(), 3);
    world.hang_up();
    assert_eq!(world.ended().barge_ins, 0, "a key is no interruption");
}

#[test]
fn a_zero_among_them_is_a_zero_and_a_human_before_and_after() {
    let mut world = asked(USUAL, "");
    press_all(&mut world, "100#");
    assert_result(&world, "100", "terminator");
    assert!(world.summary().is_none());
    world.press('0');
    assert_eq!(world.ended().outcome, Outcome::Transferred);
    assert_eq!(world.reason(), Some("dtmf_bridge"));
}

#[test]
fn other_keys_count_where_they_end_nothing() {
    let plan = DigitPlan { max_digits: 4, terminator: None, ..USUAL };
    let mut world = asked(plan, "");
    press_all(&mut world, "#1*2");
    assert_result(&world, "#1*2", "length");
}

#[test]
fn a_caller_who_speaks_instead_is_answered_to_both() {
    let mut world = asked(USUAL, "");
    press_all(&mut world, "12");
    world.caller_speaks(ms(600), "oh, I do not have it here");
    world.run_for(ms(700));
    assert_result(&world, "12", "speech");
    world.run_for(secs(4));
    assert_eq!(world.creates(), 2);
    world.press('0');
    assert_eq!(world.ended().outcome, Outcome::Transferred, "the entry is over");
}

#[test]
fn neither_a_filler_nor_the_tools_own_limit_disturbs_it() {
    let mut world = asked(DigitPlan { timeout_ms: 20_000, ..USUAL }, "");
    world.run_for(secs(17));
    press_all(&mut world, "7#");
    assert_result(&world, "7", "terminator");
    assert_eq!(world.events("filler"), 0);
}

#[test]
fn it_outlives_the_tool_runner_and_the_models_session() {
    let mut world = asked(USUAL, "");
    press_all(&mut world, "1");
    world.kill(Child::ToolRunner);
    press_all(&mut world, "2");
    world.lose_model(true);
    press_all(&mut world, "3#");
    world.run_for(secs(4));
    assert_result(&world, "123", "terminator");
    assert!(world.phone.played(2) > 0, "the new session answers");
}

#[test]
fn a_second_request_takes_the_place_of_the_first() {
    let mut world = asked(USUAL, "");
    press_all(&mut world, "12");
    world.model_begins(&Reply::calls(&[("collect_digits", "{\"max_digits\":2}")]));
    world.run_for(ms(500));
    assert_result(&world, "12", "replaced");
    press_all(&mut world, "34#");
    assert_result(&world, "34", "terminator");
}

#[test]
fn a_goodbye_waits_for_no_keys() {
    let mut world = asked(USUAL, "");
    let hangup = trunkline_core::call::Command::Hangup;
    world.tell(trunkline_core::call::Input::Command(hangup));
    world.press('5');
    world.run_for(secs(6));
    assert_eq!(result(&world), None);
    assert_eq!(world.ended().outcome, Outcome::Completed);
}

#[test]
fn what_was_typed_is_in_no_event() {
    let mut world = asked(USUAL, "");
    press_all(&mut world, "4711#");
    let events = world.outputs.iter().filter_map(|(_, o)| match o {
        trunkline_core::call::Output::Event { data, .. } => Some(data.to_string()),
        _ => None,
    });
    assert!(!events.collect::<String>().contains("4711"));
}
