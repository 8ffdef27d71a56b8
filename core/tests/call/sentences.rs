//! Sentences whose rendering is kept: while the model is away they are all that
//! the caller can be told.

use trunkline_core::call::{Input, Output, PhaseName, Sentence, Speaker};

use crate::support::{Dial, PATIENT, Plan, Reply, SENTENCE_BYTES, SENTENCE_TAG, World, ms, secs};

fn bridged() -> Plan {
    Plan { kept: vec![Sentence::Bridging], ..Plan::default() }
}

/// A call that loses its model while the caller waits for an answer.
fn loses_the_answer(plan: &Plan) -> World {
    let mut world = World::started(plan);
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    world.model.dials.push_back(Dial::Ready(ms(1_200)));
    world.lose_model(true);
    world
}

#[test]
fn a_caller_who_waits_for_an_answer_is_told_to_wait_at_once() {
    let mut world = loses_the_answer(&bridged());
    let lost_at = world.now;
    assert!(world.bytes_sent(SENTENCE_TAG) > 0, "in the same step");
    world.run_for(secs(6));
    assert_eq!(world.phone.played(SENTENCE_TAG), SENTENCE_BYTES);
    assert!(world.event_at("model_restored").unwrap() > lost_at + ms(1_000));
    let said = world.transcripts(Speaker::Agent);
    let words: Vec<_> = said.iter().map(|t| t.heard.expose()).collect();
    assert_eq!(words[1], "Bear with me.", "{words:?}");
    assert_eq!(said[1].turn, 1);
    assert!(world.phone.played(2) > 0, "and then answered");
}

#[test]
fn it_is_said_once_however_often_the_model_is_dialled() {
    let mut world = World::started(&bridged());
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    let failure = Dial::Fails { after: ms(50), retry: true };
    world.model.dials.extend([failure.clone(), failure]);
    world.lose_model(true);
    world.run_for(secs(6));
    assert_eq!(world.events("model_lost"), 3);
    assert_eq!(world.events("sentence"), 1);
    assert_eq!(world.call.phase(), PhaseName::Conversation);
}

#[test]
fn where_it_was_not_kept_nothing_is_said() {
    let mut world = loses_the_answer(&Plan::default());
    world.run_for(secs(1));
    assert_eq!(world.events("sentence"), 0);
}

#[test]
fn a_caller_who_waits_for_nothing_is_told_nothing() {
    let mut world = World::started(&bridged());
    world.past_greeting();
    world.lose_model(true);
    world.run_for(secs(2));
    assert_eq!(world.events("sentence"), 0);
    assert_eq!(world.events("model_restored"), 1);
}

#[test]
fn a_caller_who_speaks_is_not_talked_over() {
    let mut world = World::started(&bridged());
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    world.caller_speaks(secs(3), "and another thing");
    world.run_for(ms(100));
    let mut during = 0;
    world.tell(Input::ChildExited {
        child: trunkline_core::call::Child::BargeIn,
        exit: trunkline_core::call::Exit::Normal,
    });
    during += world.events("sentence");
    assert_eq!(during, 0);
}

#[test]
fn a_sentence_that_the_model_gives_is_learned_for_the_next_call() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply::says("Are you still there?"));
    world.run_for(secs(8));
    let learned =
        |o: &Output| matches!(o, Output::LearnPhrase { text } if text == "Are you still there?");
    assert_eq!(world.count(learned), 1);
    assert_eq!(world.captured, Some(world.received[&1]));
}

#[test]
fn answers_and_what_is_kept_already_are_not_learned() {
    let plan = Plan { kept: Sentence::ALL.to_vec(), silence: PATIENT, ..Plan::default() };
    let mut world = World::started(&plan);
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(5));
    assert_eq!(world.count(|o| matches!(o, Output::LearnPhrase { .. })), 0);
}

#[test]
fn a_kept_filler_needs_no_model() {
    let plan = Plan { kept: vec![Sentence::Filler], ..Plan::default() };
    let mut world = World::started(&plan);
    world.past_greeting();
    let slow = (secs(4), trunkline_core::call::ToolEffect::GoOn);
    world.tools.insert("slow", slow);
    world.model.replies.push_back(Reply::calls(&[("slow", "{}")]));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(8));
    assert_eq!(world.phone.played(SENTENCE_TAG), SENTENCE_BYTES);
    assert_eq!(world.creates(), 2, "the call and its answer");
}

#[test]
fn an_interrupted_one_is_remembered_as_heard() {
    let plan = Plan { kept: vec![Sentence::Nudge], ..Plan::default() };
    let mut world = World::started(&plan);
    world.past_greeting();
    let asked = |world: &World| world.bytes_sent(SENTENCE_TAG) > 0;
    while !asked(&world) {
        world.run_for(ms(10));
    }
    world.run_for(ms(300));
    world.caller_speaks(ms(500), "yes yes");
    world.run_for(secs(4));
    let nudge = &world.transcripts(Speaker::Agent)[1];
    assert!(nudge.interrupted);
    assert!(nudge.heard.expose().len() < nudge.generated.expose().len());
    assert!(world.deleted_item("sentence_1"), "the whole of it is taken back");
    assert_eq!(world.model.wrong_truncations, 0);
}
