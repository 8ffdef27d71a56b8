//! The model goes away in the middle of things.

use trunkline_core::call::{
    Child, Disposition, MAX_REDIALS, Metric, Outcome, Output, PhaseName, ToolEffect,
};
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::scenes::in_last_words;
use crate::support::{Dial, PATIENT, Plan, Reply, World, ms, secs};

const LONG: &str = "well there are quite a few things that I would like to tell you about that";

/// What a new session was told, from `from` on, as words.
fn told_from(world: &World, from: usize) -> Vec<String> {
    let words = world.model.received[from..].iter().filter_map(|(_, event)| match event {
        ClientEvent::CreateItem(Item::AssistantText { text, .. }) => Some(format!("agent: {text}")),
        ClientEvent::CreateItem(Item::UserText { text }) => Some(format!("caller: {text}")),
        ClientEvent::CreateItem(Item::FunctionCall { name, .. }) => Some(format!("call: {name}")),
        ClientEvent::CreateItem(Item::FunctionCallOutput { .. }) => Some("result".to_owned()),
        ClientEvent::CreateResponse { .. } => Some("respond".to_owned()),
        _ => None,
    });
    words.collect()
}

#[test]
fn in_the_middle_of_a_sentence_it_is_restored_and_answers() {
    let mut world = World::started(&Plan { silence: PATIENT, ..Plan::default() });
    world.past_greeting();
    world.model.replies.push_back(Reply::says(LONG));
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(200));
    let told = world.model.received.len();
    world.lose_model(true);
    world.run_for(secs(9));
    let told = told_from(&world, told);
    assert!(told[0].starts_with("agent: Thank you for calling"), "{told:?}");
    assert_eq!(told[1], "caller: tell me");
    assert!(told[2].starts_with("agent: well there"), "what is being said is known: {told:?}");
    assert_eq!(told[3..], ["respond"]);
    assert_eq!(world.phone.played(1), world.received[&1], "what was there is heard");
    assert_eq!(world.phone.played(2), world.received[&2]);
    assert_eq!(world.count(|o| matches!(o, Output::Metric(Metric::Redial))), 1);
    assert_eq!(world.events("model_restored"), 1);
}

#[test]
fn nothing_is_told_twice() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(5));
    for _ in 0..2 {
        let from = world.model.received.len();
        world.lose_model(true);
        world.run_for(secs(2));
        let told = told_from(&world, from);
        assert_eq!(told.len(), 3, "{told:?}");
    }
}

#[test]
fn while_the_caller_speaks_the_turn_is_answered_once() {
    for ready_after in [1, 15, 400] {
        let mut world = World::started(&Plan::default());
        world.past_greeting();
        world.caller_speaks(secs(3), "tell me");
        world.run_for(ms(700));
        world.model.dials.push_back(Dial::Ready(ms(ready_after)));
        world.lose_model(true);
        world.run_for(secs(6));
        assert_eq!(world.creates(), 1, "ready after {ready_after} ms");
        assert!(world.phone.played(1) > 0);
    }
}

#[test]
fn before_the_answer_began_it_is_asked_for_again() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    assert_eq!(world.creates(), 1);
    world.lose_model(true);
    world.run_for(secs(5));
    assert_eq!(world.creates(), 2);
    assert!(world.phone.played(2) > 0);
}

#[test]
fn a_restored_session_is_not_told_to_cut_what_it_never_said() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply::says(LONG));
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(200));
    world.lose_model(true);
    world.run_for(ms(300));
    world.caller_speaks(ms(500), "stop");
    world.run_for(secs(5));
    assert_eq!(world.truncated_at(1), None);
    assert_eq!(world.model.wrong_truncations, 0);
}

#[test]
fn a_tool_that_runs_is_run_to_its_end_and_its_result_is_told() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tools.insert("book", (ms(1_000), ToolEffect::GoOn));
    world.model.replies.push_back(Reply::calls(&[("book", "{}")]));
    world.caller_speaks(ms(500), "book it");
    world.run_for(ms(1_000));
    let from = world.model.received.len();
    world.lose_model(true);
    world.run_for(secs(6));
    let told = told_from(&world, from);
    assert_eq!(told[2..], ["call: book", "result", "respond"], "{told:?}");
    let runs = world.count(|o| matches!(o, Output::RunTool { .. }));
    assert_eq!(runs, 1);
}

#[test]
fn beyond_the_budget_a_human_takes_over() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    for _ in 0..MAX_REDIALS {
        world.lose_model(true);
        world.run_for(secs(3));
        assert_eq!(world.call.phase(), PhaseName::Conversation);
    }
    world.lose_model(true);
    assert_eq!(world.disposition(), Some(Disposition::Bridge));
    assert_eq!(world.reason(), Some("model_lost"));
    assert_eq!(world.ended().outcome, Outcome::Transferred);
}

#[test]
fn a_session_that_does_not_come_back_is_watched() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.dials.push_back(Dial::Hangs);
    let lost_at = world.now;
    world.lose_model(true);
    world.run_for(secs(5));
    assert_eq!(world.ended_at(), lost_at + secs(3));
    assert_eq!(world.reason(), Some("handshake_timeout"));
}

#[test]
fn words_of_the_lost_session_that_are_still_heard_are_no_sign_of_the_next() {
    let mut world = World::started(&Plan::default());
    world.run_until(ms(250));
    world.press('1');
    // Its answer waits behind the greeting when the session goes.
    world.run_until(ms(900));
    assert!(world.received.contains_key(&1) && world.bytes_sent(1) == 0);
    world.model.dials.push_back(Dial::Hangs);
    world.lose_model(true);
    world.run_for(secs(5));
    assert!(world.phone.played(1) > 0);
    assert_eq!(world.ended_at(), ms(3_900));
}

#[test]
fn during_the_goodbye_what_was_there_is_heard_and_the_call_ends() {
    let mut world = in_last_words();
    world.lose_model(true);
    world.run_for(secs(4));
    assert_eq!(world.phone.played(1), world.received[&1]);
    assert_eq!(world.ended().outcome, Outcome::Completed);
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
    let dials = world.count(|o| matches!(o, Output::StartModel { .. }));
    assert_eq!(dials, 1, "nobody dials for a goodbye");
}

#[test]
fn when_the_farewell_was_only_asked_for_the_call_ends_without_it() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tell(trunkline_core::call::Input::Command(trunkline_core::call::Command::Hangup));
    world.run_for(ms(100));
    world.lose_model(true);
    assert_eq!(world.ended_at(), world.now);
}

#[test]
fn an_actor_that_died_is_a_session_that_was_lost() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.kill(Child::RealtimeSession);
    world.caller_speaks(ms(500), "hello?");
    world.run_for(secs(2));
    assert_eq!(world.events("child_exited"), 1);
    assert_eq!(world.events("model_restored"), 1);
}

#[test]
fn a_response_that_fails_without_a_word_is_asked_for_again_then_a_human() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    let failure = Reply { fails: Some("server_error"), ..Reply::default() };
    world.model.replies.extend(vec![failure; 9]);
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(6));
    assert_eq!(world.creates(), 1 + MAX_REDIALS as usize);
    assert_eq!(world.reason(), Some("model_failed"));
}

#[test]
fn a_response_that_is_over_without_a_word_is_asked_for_again() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply::default());
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(6));
    assert_eq!(world.creates(), 2);
    assert!(world.phone.played(2) > 0);
}

#[test]
fn a_model_that_falls_silent_in_mid_sentence_is_dialled_again_and_goes_on() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply { stalls: true, ..Reply::says(LONG) });
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(20));
    assert_eq!(world.phone.played(1), world.received[&1], "what there was is heard");
    assert_eq!(world.events("model_restored"), 1);
    let silence_from = world.phone.last_sound(1).unwrap();
    let restored = |o: &Output| matches!(o, Output::Event { kind: "model_restored", .. });
    let waited = world.when(restored).unwrap().since(silence_from);
    assert!(waited <= secs(7), "nothing was heard for {waited:?}");
    assert_eq!(world.phone.played(2), world.received[&2]);
    assert_eq!(world.call.phase(), PhaseName::Conversation);
}

#[test]
fn a_response_that_fails_in_the_middle_is_left_at_that() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply { fails: Some("max_output_tokens"), ..Reply::says(LONG) });
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(8));
    assert_eq!(world.creates(), 1);
    assert_eq!(world.phone.played(1), world.received[&1]);
}
