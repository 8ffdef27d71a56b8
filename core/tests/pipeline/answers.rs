//! What is answered, in which order, and what is remembered of it.

use trunkline_core::call::ModelEvent;
use trunkline_core::ids::ToolCallId;
use trunkline_core::pipeline::{Input, SAFE_SENTENCE, Thought, UNSAFE_OUTPUT, Voiced};
use trunkline_core::time::Micros;
use trunkline_core::wire::chat::ToolCall;
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::world::{SECOND, World};

#[test]
fn a_set_sentence_is_spoken_without_a_thought() {
    let mut world = World::new();
    world.respond(Some(
        "Say exactly this, word for word, and nothing else: \"Hello. This is \"Robin\".\"",
    ));
    assert!(world.asked.is_empty());
    world.sounds();
    world.sounds();
    assert_eq!(world.texts(), ["Hello.", "This is \"Robin\"."]);
    assert_eq!(world.finished(), Some((true, None)));
    assert_eq!(world.history()[1], "A Hello. This is \"Robin\". 0");
}

#[test]
fn the_first_sentence_is_spoken_while_the_second_is_written() {
    let mut world = World::new();
    world.caller_says("When are you open?");
    let said: Vec<_> = world.told.iter().skip(1).collect();
    assert!(matches!(said[0], ModelEvent::SpeechStarted), "{said:?}");
    assert!(matches!(said[2], ModelEvent::SpeechStopped), "{said:?}");
    assert!(matches!(said[3], ModelEvent::CallerTranscript { .. }), "{said:?}");
    world.respond(None);
    assert_eq!(world.asked[0].messages.len(), 2);
    assert_eq!(world.asked[0].tools.len(), 1);
    world.write("From nine to");
    assert!(world.spoken.is_empty());
    world.write(" five. And on");
    assert_eq!(world.texts(), ["From nine to five."]);
    world.write(" Sundays never.");
    world.sounds();
    world.think(Thought::Finished { usage: None });
    assert_eq!(world.texts(), ["From nine to five.", "And on Sundays never."]);
    assert_eq!(world.finished(), None, "it is still being spoken");
    world.sounds();
    assert_eq!(world.finished(), Some((true, None)));
    let words: Vec<&str> = world
        .told
        .iter()
        .filter_map(|event| match event {
            ModelEvent::AgentText { text, .. } => Some(text.expose()),
            _ => None,
        })
        .collect();
    assert_eq!(words.concat(), "From nine to five. And on Sundays never.");
}

#[test]
fn a_voice_is_one_sentence_ahead_and_no_more() {
    let mut world = World::new();
    world.respond(None);
    world.write("One is one. Two is two. Three is three. Four is four. ");
    world.think(Thought::Finished { usage: None });
    world.sounds();
    assert_eq!(world.spoken.len(), 2, "the second while the first is heard");
    world.sounds();
    assert_eq!(world.spoken.len(), 2);
    world.pass(Micros::from_millis(900));
    assert_eq!(world.spoken.len(), 2);
    world.pass(Micros::from_millis(200));
    assert_eq!(world.spoken.len(), 3, "the third once the second is heard");
}

#[test]
fn a_tools_result_is_told_with_its_call() {
    let mut world = World::new();
    world.caller_says("When are you open?");
    world.respond(None);
    world.write("Let me see. ");
    let call_id = ToolCallId::parse("call_1").unwrap();
    let call = |name: &str| {
        Thought::Call(ToolCall {
            id: ToolCallId::parse(name).unwrap(),
            name: "look_up".to_owned(),
            arguments: "{}".to_owned(),
        })
    };
    world.think(call("call_1"));
    world.think(call("call_2"));
    world.think(Thought::Finished { usage: None });
    world.sounds();
    let called = |e: &&ModelEvent| matches!(e, ModelEvent::FunctionCall { .. });
    assert_eq!(world.told.iter().filter(called).count(), 2);
    assert_eq!(world.finished(), Some((true, None)));
    let output = Item::FunctionCallOutput { call_id, output: "nine".to_owned() };
    world.step(Input::Call(ClientEvent::CreateItem(output)));
    let history = world.history();
    assert_eq!(history[2..4], ["A Let me see. 2".to_owned(), "T nine".to_owned()]);
    assert!(history[4].starts_with("T "), "the other one has a result as well");
}

#[test]
fn what_was_heard_is_what_was_said() {
    let mut world = World::new();
    world.respond(None);
    world.write("One is one. Two is as good as two. Three is three. ");
    world.sounds();
    world.voice(Voiced::Audio { bytes: SECOND });
    world.cancel();
    assert_eq!(world.finished(), Some((false, Some("cancelled"))));
    assert_eq!((world.stopped.len(), world.hushed.len()), (1, 1), "nobody goes on");
    let item_id = world.item();
    let truncate = ClientEvent::TruncateItem { item_id, content_index: 0, audio_end_ms: 1_500 };
    world.step(Input::Call(truncate));
    let late = world.spoken.last().unwrap().request;
    assert_eq!(world.pipeline.spoken_by(late), None, "late audio is nobody's");
    assert_eq!(world.history()[1], "A One is one. Two is 0");
}

#[test]
fn what_is_meant_for_a_machine_is_not_said() {
    let mut world = World::new();
    world.respond(None);
    world.write("I will call look_up now. ");
    assert_eq!(world.texts(), [SAFE_SENTENCE]);
    let flagged = ModelEvent::Complaint { code: UNSAFE_OUTPUT.to_owned() };
    assert!(world.told.contains(&flagged));
}

#[test]
fn a_second_response_is_refused_while_one_is_open() {
    let mut world = World::new();
    world.respond(None);
    world.respond(None);
    assert_eq!(world.told.last(), Some(&ModelEvent::Busy));
}
