//! The first sentence: kept, or spoken by the model.

use trunkline_core::call::{Output, PhaseName, Speaker};
use trunkline_core::tenant::Limits;
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::support::{Dial, GREETING, GREETING_BYTES, GREETING_TAG, Plan, Reply, World, ms, secs};

fn greetings_told(world: &World) -> Vec<String> {
    let told = world.told_model().filter_map(|event| match event {
        ClientEvent::CreateItem(Item::AssistantText { text, .. }) => Some(text.clone()),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_kept_greeting_plays_at_once_while_the_model_is_dialled() {
    let mut world = World::new(&Plan::default());
    world.model.dials.push_back(Dial::Ready(ms(900)));
    world.tell(trunkline_core::call::Input::Started);
    assert!(world.bytes_sent(GREETING_TAG) > 0, "audio goes out in the same step");
    assert_eq!(world.call.phase(), PhaseName::Greeting);
    world.run_until(secs(4));
    assert_eq!(world.phone.played(GREETING_TAG), GREETING_BYTES);
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    assert_eq!(world.creates(), 0, "the model is asked for nothing");
    assert_eq!(greetings_told(&world), [GREETING]);
    let said = world.transcripts(Speaker::Agent);
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].heard.expose(), GREETING);
}

#[test]
fn the_model_learns_of_a_greeting_that_was_over_before_it_was_ready() {
    let mut world = World::new(&Plan::default());
    world.model.dials.push_back(Dial::Ready(ms(2_800)));
    world.tell(trunkline_core::call::Input::Started);
    world.run_until(secs(4));
    assert_eq!(greetings_told(&world), [GREETING]);
}

#[test]
fn a_greeting_cut_after_the_model_was_told_of_it_is_told_again_as_heard() {
    let mut world = World::started(&Plan::default());
    world.run_until(ms(1_000));
    world.caller_speaks(ms(600), "hello");
    world.run_for(ms(100));
    assert_eq!(world.clears(), 1);
    let told = greetings_told(&world);
    assert_eq!(told.len(), 2);
    assert!(GREETING.starts_with(&told[1]) && told[1].len() < GREETING.len(), "{told:?}");
    assert!(!told[1].is_empty());
    assert_eq!(world.transcripts(Speaker::Agent)[0].heard.expose(), told[1]);
    assert_eq!(world.model.wrong_truncations, 0);
}

#[test]
fn without_a_kept_one_the_model_greets_as_soon_as_it_is_ready_and_it_is_learned() {
    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply::says(GREETING));
    world.run_until(secs(8));
    assert!(world.asked_to_say(GREETING));
    assert_eq!(world.creates(), 1);
    assert_eq!(
        world.phases(),
        [PhaseName::Answering, PhaseName::Greeting, PhaseName::Conversation]
    );
    assert_eq!(world.phone.played(1), world.received[&1]);
    assert_eq!(world.count(|o| matches!(o, Output::LearnPhrase { .. })), 1);
    assert_eq!(world.captured, Some(world.received[&1]), "learned from its first byte on");
}

#[test]
fn a_model_that_greets_in_words_of_its_own_is_heard_but_not_learned() {
    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply::says("Hi, this is the Elm Plumbing assistant!"));
    world.run_until(secs(8));
    assert_eq!(world.phone.played(1), world.received[&1]);
    assert_eq!(world.count(|o| matches!(o, Output::LearnPhrase { .. })), 0);
    assert_eq!(world.events("greeting_not_learned"), 1);
}

#[test]
fn a_greeting_that_was_interrupted_is_not_learned() {
    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply::says(GREETING));
    world.run_until_sent(1);
    world.caller_speaks(ms(500), "hello");
    world.run_until(secs(8));
    assert_eq!(world.count(|o| matches!(o, Output::LearnPhrase { .. })), 0);
}

#[test]
fn a_caller_who_speaks_first_is_answered_and_the_watchdog_lets_him_speak() {
    let limits = Limits { watchdog_ms: 3_000, ..Limits::default() };
    let mut world = World::started(&Plan { limits, ..Plan::uncached() });
    world.run_until(ms(220));
    world.caller_speaks(ms(4_000), "hello, I have a long story to tell");
    world.run_until(secs(8));
    assert_eq!(world.call.phase(), PhaseName::Conversation, "the model was not mute");
    assert_eq!(world.bytes_sent(1), 0, "the greeting came too late");
    assert!(world.phone.played(2) > 0, "the answer did not");
}

#[test]
fn a_greeting_that_the_model_fails_to_give_is_asked_for_again() {
    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply { fails: Some("server_error"), ..Reply::default() });
    world.model.replies.push_back(Reply::says(GREETING));
    world.run_until(secs(6));
    let asked = world.told_model().filter(|event| match event {
        ClientEvent::CreateResponse { instructions: Some(text), .. } => text.contains(GREETING),
        _ => false,
    });
    assert_eq!(asked.count(), 2, "the greeting, not an answer to nothing");
    assert!(world.phone.played(2) > 0);
}
