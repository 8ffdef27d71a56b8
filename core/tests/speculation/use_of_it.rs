//! The answer that was begun is the one that is wanted.

use trunkline_core::call::{Input, ModelEvent, Output, Speaker};
use trunkline_core::pipeline::Speculation;
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;

use crate::greeted::{answered, greeted, wants_tool};
use crate::support::{Plan, WORD, World, ms, secs};

/// When the call handed the turn over.
fn turn_ended(world: &World, turn: usize) -> Micros {
    let ended = world.outputs.iter().filter_map(|(at, output)| match output {
        Output::Event { kind: "turn_ended", .. } => Some(*at),
        _ => None,
    });
    ended.into_iter().nth(turn).expect("a turn that ended")
}

fn assert_used(world: &World, times: usize) {
    assert_eq!(world.speculations(Speculation::Started), times, "{:?}", world.services.speculated);
    assert_eq!(world.speculations(Speculation::Used), times, "{:?}", world.services.speculated);
    assert!(world.services.held.is_empty());
}

#[test]
fn an_answer_is_begun_before_the_turn_is_over_and_is_the_one_that_is_heard() {
    let mut world = greeted(&Plan::default(), true);
    let end = world.say("When are you open?");
    world.run_for(secs(6));
    assert_used(&world, 1);
    let over = turn_ended(&world, 0);
    assert_eq!(world.services.questions.len(), 1, "{:?}", world.services.questions);
    assert!(world.services.questions[0].at < over && world.services.questions[0].at > end);
    assert_eq!(
        world.lines()[1..],
        ["When are you open?", "You said When are you open ok. And that is all I know."]
    );
    let answer = world.transcript()[2];
    assert_eq!((answer.speaker, answer.turn, answer.interrupted), (Speaker::Agent, 1, false));
    assert_eq!(world.sentences_heard().len(), 2, "both sentences");
    assert_eq!(world.phone.repeated_in_all() + world.phone.skipped(), 0);
}

#[test]
fn nothing_is_sent_before_the_turn_is_over() {
    let mut world = greeted(&Plan::default(), true);
    // The voice is done long before the recogniser says that the caller stopped.
    world.services.takes.first_token = ms(20);
    world.services.takes.first_audio = ms(20);
    world.say("When are you open?");
    world.run_for(secs(6));
    assert_used(&world, 1);
    let over = turn_ended(&world, 0);
    let sent = world.sentence_sent_at("You said").unwrap();
    assert_eq!(sent, over, "at once, and no sooner");
    assert!(world.inputs.iter().all(|(at, input)| {
        *at >= over || !matches!(input, Input::Model(ModelEvent::ResponseAnnounced { .. }))
    }));
}

#[test]
fn its_stages_are_told_once_it_is_wanted() {
    let mut world = greeted(&Plan::default(), true);
    world.services.takes.first_token = ms(20);
    world.say("When are you open?");
    world.run_for(secs(6));
    let over = turn_ended(&world, 0);
    let reached = world.inputs.iter().filter_map(|(told_at, input)| match input {
        Input::Model(ModelEvent::Reached { stage, at, .. }) => Some((*stage, *told_at, *at)),
        _ => None,
    });
    let reached: Vec<_> = reached.filter(|(_, told_at, _)| *told_at > ms(4_500)).collect();
    let stages = [Stage::FirstToken, Stage::FirstSentence, Stage::FirstAudio];
    assert_eq!(reached, stages.map(|stage| (stage, over, over)));
}

#[test]
fn one_sentence_is_spoken_ahead_and_no_more() {
    let mut world = greeted(&Plan::default(), true);
    world.services.takes.first_token = ms(10);
    world.services.takes.first_audio = ms(10);
    let end = world.speak("When are you open?");
    world.run_until(end + ms(900));
    assert_eq!((world.services.questions.len(), world.services.said.len()), (1, 1));
    assert_eq!(world.services.held.len(), 1);
    world.settle("When are you open?", world.now);
    world.run_for(secs(6));
    assert_used(&world, 1);
    assert_eq!(world.sentences_heard().len(), 2);
}

#[test]
fn capitals_and_punctuation_do_not_matter() {
    let mut world = greeted(&Plan::default(), true);
    let end = world.speak("tell me when you are open today");
    world.settle("Tell me when you are open, today.", end);
    world.run_for(secs(6));
    assert_used(&world, 1);
    assert_eq!(world.services.questions.len(), 1);
    assert_eq!(world.lines()[1], "Tell me when you are open, today.");
}

#[test]
fn what_the_model_is_told_next_is_what_was_said() {
    let mut world = greeted(&Plan::default(), true);
    let end = world.speak("tell me when you are open today");
    world.settle("Tell me when you are open, today.", end);
    world.run_for(secs(10));
    world.say("Thank you very much.");
    world.run_for(secs(10));
    assert_used(&world, 2);
    let told: Vec<String> = world.services.questions[1].messages.iter().map(text_of).collect();
    let answer = "You said tell me when you are open today ok. And that is all I know.";
    let greeting = "Thank you for calling Elm Plumbing, how can I help?";
    let said = "Tell me when you are open, today.";
    assert_eq!(told[1..], [greeting, said, answer, "Thank you very much."]);
}

fn text_of(message: &trunkline_core::wire::chat::Message) -> String {
    use trunkline_core::wire::chat::Message;
    match message {
        Message::System { text } | Message::User { text } => text.clone(),
        Message::Assistant { text, .. } => text.clone(),
        Message::Tool { output, .. } => output.clone(),
    }
}

#[test]
fn a_tool_runs_only_when_the_turn_is_over() {
    let mut world = greeted(&Plan::default(), true);
    world.services.takes.first_token = ms(20);
    world.services.takes.first_audio = ms(20);
    answered(&mut world, "Please book it for me.", wants_tool());
    let end = world.say("Please book it for me.");
    world.run_for(secs(8));
    assert_used(&world, 1);
    let ran = world.outputs.iter().filter(|(_, o)| matches!(o, Output::RunTool { .. }));
    let ran: Vec<Micros> = ran.map(|(at, _)| *at).collect();
    assert_eq!(ran.len(), 1, "once");
    assert!(ran[0] >= turn_ended(&world, 0) && world.services.questions[0].at < ran[0]);
    assert!(world.services.questions[0].at < end + ms(600));
    assert_eq!(world.services.questions.len(), 2, "and its result is told");
}

#[test]
fn an_answer_that_is_still_written_or_spoken_is_used_as_well() {
    for (first_token, first_audio) in [(700, 120), (100, 800), (400, 300)] {
        let mut world = greeted(&Plan::default(), true);
        world.services.takes.first_token = ms(first_token);
        world.services.takes.first_audio = ms(first_audio);
        world.say("When are you open?");
        world.run_for(secs(8));
        assert_used(&world, 1);
        assert_eq!(world.sentences_heard().len(), 2, "{first_token} {first_audio}");
        assert_eq!(world.phone.repeated_in_all() + world.phone.skipped(), 0);
        assert_eq!(world.lines().len(), 3, "{:?}", world.lines());
    }
}

#[test]
fn a_pause_within_a_turn_is_answered_once() {
    let mut world = greeted(&Plan::default(), true);
    world.say("I would like a table and");
    world.run_for(Micros(WORD.0 * 6 + 900_000));
    world.say("a chair for the office.");
    world.run_for(secs(8));
    assert_used(&world, 1);
    assert_eq!(world.services.questions.len(), 1);
    assert_eq!(
        world.services.questions[0].said,
        "I would like a table and a chair for the office."
    );
}

#[test]
fn where_it_is_not_wanted_nothing_is_begun() {
    let mut world = greeted(&Plan::default(), false);
    world.say("When are you open?");
    world.run_for(secs(6));
    assert!(world.services.speculated.is_empty());
    assert!(world.services.questions[0].at >= turn_ended(&world, 0));
    assert_eq!(world.count(|o| matches!(o, Output::Speculate)), 0);
}
