//! A model that falls silent although its session is up, and one that says
//! nothing or something else.

use trunkline_core::call::{Output, PhaseName};

use crate::support::{Dial, GREETING, Plan, Reply, World, ms, secs};

fn learned(world: &World) -> usize {
    world.count(|output| matches!(output, Output::LearnPhrase { .. }))
}

#[test]
fn a_sentence_that_never_goes_on_is_taken_for_a_lost_session() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply { stalls: true, ..Reply::says("we are open from") });
    world.model.dials.push_back(Dial::Ready(ms(200)));
    world.caller_speaks(ms(600), "when are you open");
    world.run_for(secs(5));
    assert_eq!(world.events("model_lost"), 0, "what was said is still fresh in the ear");
    world.run_for(secs(8));
    assert_eq!(world.events("model_lost"), 1);
    assert_eq!(world.events("model_restored"), 1);
    assert_ne!(world.call.phase(), PhaseName::Ended);
    assert!(world.phone.played(2) > 0, "the caller was answered after all");
}

#[test]
fn a_response_of_nothing_is_asked_for_again() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply::says(""));
    world.caller_speaks(ms(600), "hello");
    world.run_for(secs(6));
    assert_eq!(world.creates(), 2);
    assert!(world.phone.played(2) > 0);
}

#[test]
fn only_the_greeting_itself_is_learned_as_the_greeting() {
    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply::says("I am sorry, I cannot say that."));
    world.run_for(secs(6));
    assert_eq!((learned(&world), world.events("greeting_not_learned")), (0, 1));

    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply::says(GREETING));
    world.run_for(secs(6));
    assert_eq!((learned(&world), world.events("greeting_not_learned")), (1, 0));
}
