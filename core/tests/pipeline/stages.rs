//! Where the time of an answer goes.

use trunkline_core::call::ModelEvent;
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{Heard, Input, Measure};
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;

use crate::world::{World, voice_failed};

#[test]
fn where_the_time_of_a_turn_goes_is_measured() {
    let mut world = World::new();
    world.respond(None);
    world.pass(Micros::from_millis(300));
    world.write("Here ");
    world.pass(Micros::from_millis(100));
    world.write("I am. ");
    world.pass(Micros::from_millis(120));
    world.sounds();
    let ms = Micros::from_millis;
    let expected = [
        Measure::FirstToken(ms(300)),
        Measure::FirstSentence(ms(400)),
        Measure::FirstSound(ms(120)),
    ];
    assert_eq!(world.measured, expected);
    world.write("And there. ");
    world.voice(voice_failed());
    assert_eq!(world.measured[3..], [Measure::Failover("voice")]);
}

#[test]
fn the_stages_of_an_answer_are_told_when_they_are_reached() {
    let mut world = World::new();
    world.step(Input::Audio(vec![0xff; 9_000]));
    world.pass(Micros::from_millis(100));
    world.caller_says("When are you open?");
    // A thousand bytes came behind the audio that the words go up to, which ends
    // with the silence that the recogniser waited for.
    let stopped = world.now.since(Micros::from_millis(125 + 500));
    assert_eq!(world.speech_ended, Some(stopped));
    let began = world.now;
    world.respond(None);
    world.pass(Micros::from_millis(300));
    world.write("From nine");
    world.pass(Micros::from_millis(50));
    world.write(" to five. And on Sundays never.");
    world.pass(Micros::from_millis(120));
    world.sounds();
    world.sounds();
    let reached: Vec<_> =
        world.reached.iter().map(|(stage, at)| (*stage, at.since(began).as_millis())).collect();
    let stages = [(Stage::FirstToken, 300), (Stage::FirstSentence, 350), (Stage::FirstAudio, 470)];
    assert_eq!(reached, stages, "each once");
}

#[test]
fn a_recogniser_that_does_not_say_how_far_it_listened_tells_no_end_of_speech() {
    let mut world = World::new();
    world.step(Input::Audio(vec![0xff; 9_000]));
    world.hear(Heard::Interim { text: Personal::new("when are you") });
    world.hear(Heard::UtteranceEnd);
    assert!(matches!(
        world.told.last(),
        Some(ModelEvent::CallerTranscript { .. } | ModelEvent::Complaint { .. })
    ));
    assert_eq!(world.speech_ended, None);
}
