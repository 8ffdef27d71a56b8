//! Nothing of an answer that is thrown away reaches the caller, the conversation or
//! the world.

use std::collections::BTreeMap;

use trunkline_core::call::{Command, Input, ModelEvent, Output};
use trunkline_core::cost::Waste;
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{Heard, Speculation, Thought, ThrownAway};
use trunkline_core::tenant::Limits;
use trunkline_core::time::Micros;
use trunkline_core::wire::chat::Message;
use trunkline_core::wire::realtime::ClientEvent;

use crate::greeted::{answered, greeted, wants_tool};
use crate::support::{Plan, World, answer_to, ms, secs};

/// That one answer was begun and thrown away for this reason, and what it cost.
fn assert_thrown_away(world: &mut World, why: ThrownAway) -> Waste {
    assert_eq!(world.thrown_away(), [why], "{:?}", world.services.speculated);
    assert!(world.services.held.is_empty(), "nothing stays held");
    world.services.counter.take_waste()
}

/// That nobody heard of what was written for these words.
fn assert_nothing_of(world: &World, words: &str) {
    let of_it = answer_to(words);
    assert!(
        !world.sentences_heard().iter().any(|text| text.contains(&of_it)),
        "{:?}",
        world.sentences_heard()
    );
    assert!(!world.lines().iter().any(|line| line.contains(&of_it)), "{:?}", world.lines());
    for said in &world.services.said {
        let handed_over = said.bytes > 0 || said.place.is_some();
        assert!(!said.text.contains(&of_it) || !handed_over, "{}", said.text);
    }
    assert!(!words_of_agent(world).contains(&of_it));
    for asked in &world.services.questions {
        assert!(!asked.messages.iter().any(|message| words_in(message).contains(&of_it)));
    }
}

/// All that the call was told of the agent's words.
fn words_of_agent(world: &World) -> String {
    let texts = world.inputs.iter().filter_map(|(_, input)| match input {
        Input::Model(ModelEvent::AgentText { text, .. }) => Some(text.expose()),
        _ => None,
    });
    texts.collect()
}

fn words_in(message: &Message) -> &str {
    match message {
        Message::System { text } | Message::User { text } | Message::Assistant { text, .. } => text,
        Message::Tool { output, .. } => output,
    }
}

/// The answer to these words is begun and held, and the turn is not over.
fn begun(world: &mut World, words: &str) -> Micros {
    world.services.takes.first_token = ms(30);
    world.services.takes.first_audio = ms(30);
    let end = world.speak(words);
    world.run_until(end + ms(900));
    assert_eq!(world.speculations(Speculation::Started), 1, "{:?}", world.services.speculated);
    assert_eq!(world.speculations(Speculation::Used), 0);
    assert_eq!(world.services.held.len(), 1, "its first sentence is spoken");
    end
}

#[test]
fn a_caller_who_goes_on_hears_nothing_of_the_first_answer() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "When are you open?");
    let all = "When are you open? On Sunday I mean.";
    let told = Heard::Interim { text: Personal::new("When are you open? On") };
    world.hears_in(Micros::ZERO, told);
    world.run_for(ms(10));
    let waste = assert_thrown_away(&mut world, ThrownAway::WentOn);
    assert!(waste.tokens_in > 0 && waste.tokens_out > 0 && waste.characters > 0);
    world.settle(all, world.now + ms(800));
    world.run_for(secs(8));
    assert_nothing_of(&world, "When are you open?");
    assert_eq!(world.services.questions.last().unwrap().said, all);
    assert_eq!(world.lines()[1], all);
    assert!(world.lines()[2].starts_with(&answer_to(all)));
}

#[test]
fn a_caller_who_speaks_again_before_the_turn_is_over_hears_nothing_of_it() {
    let mut world = greeted(&Plan::default(), true);
    world.services.takes.first_token = ms(30);
    let end = world.say("When are you open?");
    // The recogniser has just said that the caller stopped.
    world.run_until(end + ms(655));
    world.hears_in(Micros::ZERO, Heard::SpeechStarted);
    world.hears_in(ms(300), Heard::Interim { text: Personal::new("On Sunday.") });
    let text = Personal::new("On Sunday.");
    world.hears_in(ms(900), Heard::Final { text, to_ms: 9_000, ends: true });
    world.run_for(secs(8));
    assert_eq!(world.thrown_away(), [ThrownAway::WentOn]);
    assert_nothing_of(&world, "When are you open?");
    assert_eq!(world.services.questions.last().unwrap().said, "When are you open? On Sunday.");
    assert_eq!(world.count(|o| matches!(o, Output::Event { kind: "turn_ended", .. })), 1);
}

#[test]
fn words_that_turn_out_to_be_others_are_answered_anew() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "I want to go at two.");
    let text = Personal::new("I want to go, too.");
    world.hears_in(Micros::ZERO, Heard::Final { text, to_ms: 9_000, ends: true });
    world.run_for(secs(8));
    assert_eq!(world.thrown_away(), [ThrownAway::Differs]);
    assert_nothing_of(&world, "I want to go at two.");
    assert!(world.lines()[2].starts_with("You said I want to go too ok."));
}

#[test]
fn a_tool_of_an_answer_that_is_thrown_away_does_not_run() {
    let mut world = greeted(&Plan::default(), true);
    answered(&mut world, "Please book it for me.", wants_tool());
    begun(&mut world, "Please book it for me.");
    let text = Personal::new("Please book it for me not today but tomorrow.");
    world.hears_in(Micros::ZERO, Heard::Final { text, to_ms: 9_000, ends: true });
    world.run_for(secs(8));
    assert_eq!(world.thrown_away(), [ThrownAway::WentOn]);
    assert_eq!(world.count(|o| matches!(o, Output::RunTool { .. })), 0);
    assert!(!world.sentences_heard().contains(&"Let me see."));
}

#[test]
fn a_goodbye_is_all_that_is_said_when_the_call_is_to_end() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "When are you open?");
    world.tell(Input::Command(Command::Hangup));
    world.run_for(secs(10));
    assert_thrown_away(&mut world, ThrownAway::Unwanted);
    assert_nothing_of(&world, "When are you open?");
    assert!(
        world.sentences_heard().iter().any(|text| text.contains("Goodbye")),
        "{:?}",
        world.sentences_heard()
    );
}

#[test]
fn a_caller_who_is_put_through_hears_nothing_of_it() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "When are you open?");
    world.tell(Input::Command(Command::Transfer { reason: "asked".to_owned() }));
    world.run_for(secs(10));
    assert_thrown_away(&mut world, ThrownAway::Unwanted);
    assert_nothing_of(&world, "When are you open?");
}

#[test]
fn what_was_begun_when_the_caller_hangs_up_is_counted() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "When are you open?");
    world.tell(Input::StreamStopped);
    world.run_for(secs(1));
    assert_thrown_away(&mut world, ThrownAway::Unwanted);
    assert_nothing_of(&world, "When are you open?");
}

#[test]
fn the_last_turn_but_the_goodbye_is_not_answered_in_advance() {
    let limits = Limits { max_turns: 1, ..Limits::default() };
    let mut world = greeted(&Plan { limits, ..Plan::default() }, true);
    world.say("When are you open?");
    world.run_for(secs(8));
    assert_eq!(world.speculations(Speculation::Used), 1);
    world.say("And on Sundays as well?");
    world.run_for(secs(10));
    assert_eq!(world.speculations(Speculation::Started), 1, "a turn too many");
    assert!(world.is_closed(), "it ended with a goodbye");
}

#[test]
fn what_is_said_over_the_agent_is_not_answered_in_advance() {
    let mut world = greeted(&Plan::with_ears(), true);
    world.say("When are you open?");
    world.run_for(ms(2_600));
    assert!(world.sentence_sent_at("You said").is_some(), "the agent speaks");
    world.say("Yes.");
    world.run_for(ms(700));
    assert_eq!(world.count(|o| matches!(o, Output::Speculate)), 1, "for the question alone");
    world.run_for(secs(8));
    assert_nothing_of(&world, "Yes.");
    assert_eq!(world.sentences_heard().len(), 2, "{:?}", world.sentences_heard());
}

#[test]
fn an_interruption_is_answered_in_advance_once_the_agent_is_silent() {
    let mut world = greeted(&Plan::default(), true);
    world.say("When are you open?");
    world.run_for(ms(2_600));
    world.say("No wait tell me where you are.");
    world.run_for(secs(10));
    assert!(world.thrown_away().is_empty(), "{:?}", world.services.speculated);
    let lines = world.lines();
    assert!(
        lines.last().unwrap().starts_with("You said No wait tell me where you are ok."),
        "{lines:?}"
    );
    let first = world.transcript()[2];
    assert!(first.interrupted && first.heard != first.generated, "{first:?}");
}

#[test]
fn the_nudge_of_a_silent_line_stands_alone() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "When are you open?");
    // The recogniser takes it back: nothing was said.
    let text = Personal::new("");
    world.hears_in(Micros::ZERO, Heard::Final { text, to_ms: 9_000, ends: true });
    world.run_for(secs(2));
    assert_eq!(world.thrown_away(), [ThrownAway::Differs]);
    world.run_for(secs(20));
    assert_nothing_of(&world, "When are you open?");
}

#[test]
fn a_set_sentence_takes_the_place_of_what_was_begun() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "When are you open?");
    let instructions = "Say exactly this, word for word, and nothing else: \"Are you there?\"";
    let instructions = Some(instructions.to_owned());
    let event = ClientEvent::CreateResponse { instructions, tool_choice_none: true };
    world.tell_session(event);
    assert_thrown_away(&mut world, ThrownAway::Unwanted);
    world.run_for(ms(300));
    assert!(world.services.said.iter().any(|said| said.text == "Are you there?"));
    assert_nothing_of(&world, "When are you open?");
}

#[test]
fn a_model_that_fails_in_advance_is_asked_again_when_it_counts() {
    let mut world = greeted(&Plan::default(), true);
    let failed = || Thought::Failed { reason: "broken".to_owned(), retry: true };
    answered(&mut world, "When are you open?", vec![failed()]);
    world.services.takes.first_token = ms(30);
    let end = world.say("When are you open?");
    world.run_until(end + ms(640));
    assert_eq!(world.thrown_away(), [ThrownAway::Failed]);
    assert_eq!(world.services.questions.len(), 2, "both models");
    world.services.answers = Some(BTreeMap::new());
    world.run_for(secs(8));
    assert!(world.lines()[2].starts_with("You said When are you open ok."), "{:?}", world.lines());
}

#[test]
fn an_answer_that_nobody_ever_wants_is_not_kept() {
    let mut world = greeted(&Plan::default(), true);
    begun(&mut world, "When are you open?");
    // The turn manager is gone for good, and nobody ends the turn.
    world.turns = None;
    world.run_for(secs(30));
    assert_thrown_away(&mut world, ThrownAway::Unwanted);
    assert_nothing_of(&world, "When are you open?");
}
