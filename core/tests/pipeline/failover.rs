//! Services that fail, and who does their work instead.

use trunkline_core::call::ModelEvent;
use trunkline_core::pipeline::{Heard, Input, Thought, Voiced};
use trunkline_core::time::Micros;

use crate::world::{SECOND, World, failed, voice_failed};

#[test]
fn another_model_is_asked_before_the_first_token_and_never_after_it() {
    let mut world = World::new();
    world.respond(None);
    world.think(failed(true));
    assert_eq!(world.asked.iter().map(|q| q.provider).collect::<Vec<_>>(), [0, 1]);
    world.write("Yes. But ");
    world.think(failed(true));
    assert_eq!(world.asked.len(), 2);
    world.sounds();
    assert_eq!(world.texts(), ["Yes."], "half a sentence is not spoken after a whole one");
    assert_eq!(world.finished(), Some((false, Some("it broke"))));
}

#[test]
fn a_model_that_thinks_too_long_gives_way() {
    let mut world = World::new();
    world.respond(None);
    world.pass(Micros::from_millis(1_600));
    assert_eq!(world.asked.iter().map(|q| q.provider).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(world.stopped, [world.asked[0].request]);
    world.write("Here I am.");
    world.think(Thought::Finished { usage: None });
    world.sounds();
    assert_eq!((world.finished(), world.texts()), (Some((true, None)), vec!["Here I am."]));
}

#[test]
fn no_model_at_all_is_told() {
    let mut world = World::new();
    world.respond(None);
    world.think(failed(true));
    world.think(failed(true));
    assert_eq!(world.finished(), Some((false, Some("it broke"))));
}

#[test]
fn another_voice_says_what_was_not_heard_and_nothing_twice() {
    let mut world = World::new();
    world.respond(None);
    world.write("One is one. Two is two. Three is three. ");
    world.think(Thought::Finished { usage: None });
    world.voice(voice_failed());
    let said: Vec<_> = world.spoken.iter().map(|s| (s.provider, s.text.expose())).collect();
    assert_eq!(said, [(0, "One is one."), (1, "One is one.")], "nothing of it was heard");
    world.sounds();
    // Half of the second is heard.
    world.voice(Voiced::Audio { bytes: SECOND / 2 });
    world.voice(voice_failed());
    world.pass(Micros::from_secs(1));
    let said: Vec<_> = world.spoken.iter().skip(2).map(|s| (s.provider, s.text.expose())).collect();
    assert_eq!(said, [(0, "Two is two."), (1, "Three is three.")]);
    world.sounds();
    let completed = world.finished().map(|(completed, _)| completed);
    assert_eq!(completed, Some(false), "what is not whole is not kept for other calls");
}

#[test]
fn a_voice_that_gives_no_sound_gives_way() {
    let mut world = World::new();
    world.respond(Some("Say exactly this, word for word, and nothing else: \"Hello.\""));
    world.pass(Micros::from_millis(1_600));
    assert_eq!(world.spoken.iter().map(|s| s.provider).collect::<Vec<_>>(), [0, 1]);
    world.voice(Voiced::Finished);
    assert_eq!(world.finished(), Some((false, Some("the voice gave no sound"))));
}

#[test]
fn the_call_is_told_when_nobody_hears_any_more() {
    let mut world = World::new();
    for connection in 1..=6 {
        let event = Heard::Lost { reason: "gone".to_owned(), retry: true };
        world.step(Input::Heard { connection, event });
    }
    let lost = ModelEvent::Lost { reason: "gone".to_owned(), retry: true };
    assert_eq!(world.told.last(), Some(&lost));
}
