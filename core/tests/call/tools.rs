//! Tools that the model calls.

use trunkline_core::call::{Input, ModelEvent, Output, PhaseName, Speaker, ToolEffect};
use trunkline_core::ids::ToolCallId;
use trunkline_core::pii::Personal;
use trunkline_core::tenant::{Limits, Turns};
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::support::{Plan, Reply, World, ms, response_of, secs};

fn conversation(plan: &Plan) -> World {
    let mut world = World::started(plan);
    world.past_greeting();
    world.tools.insert("look_up", (ms(200), ToolEffect::GoOn));
    world.tools.insert("slow", (secs(4), ToolEffect::GoOn));
    world
}

fn results(world: &World) -> Vec<String> {
    let outputs = world.told_model().filter_map(|event| match event {
        ClientEvent::CreateItem(Item::FunctionCallOutput { output, .. }) => Some(output.clone()),
        _ => None,
    });
    outputs.collect()
}

fn runs(world: &World) -> usize {
    world.count(|o| matches!(o, Output::RunTool { .. }))
}

#[test]
fn a_result_goes_back_and_is_spoken_about() {
    let mut world = conversation(&Plan::default());
    world.model.replies.push_back(Reply::calls(&[("look_up", "{}")]));
    world.caller_speaks(ms(500), "when are you open");
    world.run_for(secs(5));
    assert_eq!(results(&world), ["{\"ok\":true}"]);
    assert_eq!(world.creates(), 2);
    assert!(world.phone.played(2) > 0);
    assert_eq!((world.events("tool_called"), world.events("tool_finished")), (1, 1));
    world.hang_up();
    assert_eq!(world.ended().tool_calls, 1);
}

#[test]
fn several_in_one_response_get_one_answer() {
    let mut world = conversation(&Plan::default());
    let calls =
        [("look_up", "{\"topic\":\"a\"}"), ("slow", "{}"), ("look_up", "{\"topic\":\"b\"}")];
    world.model.replies.push_back(Reply::says("Let me see.").with_tools(&calls));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(4_900));
    assert_eq!(results(&world).len(), 2);
    assert_eq!(world.model.overlaps, 0);
    world.run_for(secs(6));
    assert_eq!(results(&world).len(), 3);
    let answers = world.creates() - usize::from(world.asked_to_say("One moment"));
    assert_eq!(answers, 2, "the call, and one answer about all results");
}

#[test]
fn a_slow_tool_gets_a_filler_and_then_its_answer() {
    let mut world = conversation(&Plan::default());
    world.model.replies.push_back(Reply::calls(&[("slow", "{}")]));
    world.model.replies.push_back(Reply::says("One moment please."));
    world.model.replies.push_back(Reply::says("Here it is."));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(10));
    assert!(world.asked_to_say("One moment please."));
    assert_eq!(world.events("filler"), 1);
    let said = world.transcripts(Speaker::Agent);
    assert_eq!(said.last().unwrap().heard.expose(), "Here it is.");
    assert_eq!(world.creates(), 3);
}

#[test]
fn a_filler_waits_for_the_sentence_that_is_being_heard() {
    let mut world = conversation(&Plan::default());
    world.tools.insert("slow", (secs(8), ToolEffect::GoOn));
    let words = "let me have a look at that for you it will take me a little while";
    world.model.replies.push_back(Reply::says(words).with_tools(&[("slow", "{}")]));
    world.model.replies.push_back(Reply::says("One moment please."));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(9));
    assert_eq!(world.phone.played(1), world.received[&1], "it is not cut");
    assert_eq!(world.events("filler"), 1);
    let asked = world.when(|o| matches!(o, Output::Event { kind: "filler", .. })).unwrap();
    assert!(asked >= world.phone.last_sound(1).unwrap());
    assert!(world.phone.played(2) > 0);
}

#[test]
fn no_filler_is_spoken_over_somebody() {
    let mut world = conversation(&Plan::default());
    world.model.replies.push_back(Reply::calls(&[("slow", "{}")]));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(1_200));
    world.caller_speaks(ms(1_500), "are you there");
    world.run_for(ms(1_300));
    assert_eq!(world.events("filler"), 0);
}

#[test]
fn a_filler_that_is_interrupted_does_not_cost_a_second_answer() {
    let mut world = conversation(&Plan::default());
    world.model.replies.push_back(Reply::calls(&[("slow", "{}")]));
    world.model.replies.push_back(Reply::says("One moment please, it will not take long, really."));
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(2);
    world.run_for(ms(1_000));
    // The tool's result arrives while the caller speaks.
    world.caller_speaks(ms(2_500), "never mind, what I really wanted to know is this");
    world.run_for(secs(8));
    assert_eq!(results(&world).len(), 1);
    assert_eq!(world.creates(), 3, "the call, the filler, one answer to both");
}

#[test]
fn a_tool_that_takes_too_long_fails_and_its_late_result_is_stale() {
    let limits = Limits { tool_timeout_ms: 2_000, ..Limits::default() };
    let mut world = conversation(&Plan { limits, filler: None, ..Plan::default() });
    world.model.replies.push_back(Reply::calls(&[("slow", "{}")]));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(8));
    let results = results(&world);
    assert_eq!(results.len(), 1);
    assert!(results[0].contains("took too long"));
    assert_eq!(world.stale("tool_result"), 1);
    assert!(world.phone.played(2) > 0, "the caller is told");
}

fn call_of(tag: u8, call_id: &str) -> Input {
    Input::Model(ModelEvent::FunctionCall {
        response: response_of(tag),
        call_id: ToolCallId::parse(call_id).unwrap(),
        name: "look_up".to_owned(),
        arguments: Personal::new("{}"),
    })
}

#[test]
fn a_call_of_a_cancelled_response_is_not_run() {
    let mut world = conversation(&Plan::default());
    let reply = Reply::says("let me have a look at that for you right now");
    world.model.replies.push_back(reply.with_tools(&[("look_up", "{}")]));
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.caller_speaks(ms(500), "stop");
    world.run_for(ms(10));
    world.tell(call_of(1, "late"));
    world.run_for(secs(5));
    assert_eq!(runs(&world), 0);
    assert_eq!(world.stale("function_call"), 1);
}

#[test]
fn a_call_that_is_asked_for_twice_is_run_once() {
    let mut world = conversation(&Plan::default());
    world.model.replies.push_back(Reply { mute: true, ..Reply::default() });
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    world.tell(call_of(1, "same"));
    world.tell(call_of(1, "same"));
    world.run_for(ms(500));
    world.tell(call_of(1, "same"));
    assert_eq!(runs(&world), 1, "not even after it was done");
    assert_eq!(world.stale("function_call"), 2);
}

#[test]
fn a_response_that_calls_a_tool_and_never_ends_is_noticed() {
    let mut world = conversation(&Plan::default());
    world.model.replies.push_back(Reply { mute: true, ..Reply::default() });
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    world.tell(call_of(1, "one"));
    world.run_for(secs(10));
    assert_eq!(world.reason(), Some("model_mute"));
}

#[test]
fn where_turns_belong_to_the_model_results_are_still_answered_once() {
    let mut world = conversation(&Plan { turns: Turns::Model, ..Plan::default() });
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(505));
    world.model_begins(&Reply::calls(&[("look_up", "{}")]));
    world.run_for(secs(5));
    assert_eq!(world.creates(), 1, "the model does not go on by itself after a result");
    assert!(world.phone.played(2) > 0);
    assert_eq!(world.call.phase(), PhaseName::Conversation);
}
