//! Messages that cross on the wire.

use trunkline_core::call::{Input, ModelEvent, Output, PhaseName};
use trunkline_core::tenant::Turns;

use crate::support::{Dial, GREETING, Plan, Reply, World, ms, response_of, secs};

fn conversation() -> World {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world
}

#[test]
fn a_cancellation_that_meets_the_end_of_its_response_is_harmless() {
    let mut world = conversation();
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.model.ends_early();
    world.caller_speaks(ms(500), "stop");
    world.run_for(secs(5));
    assert_eq!(world.events("model_error"), 1, "response_cancel_not_active");
    assert!(world.phone.played(2) > 0);
    assert!(world.summary().is_none());
}

#[test]
fn the_end_of_a_response_that_nobody_knows_is_stale() {
    let mut world = conversation();
    let response = response_of(99);
    world.tell(Input::Model(ModelEvent::ResponseFinished {
        response,
        completed: true,
        error: None,
        usage: None,
    }));
    assert_eq!(world.stale("response_done"), 1);
}

#[test]
fn a_second_response_beside_the_open_one_is_not_heard() {
    let mut world = conversation();
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.tell(Input::Model(ModelEvent::ResponseAnnounced { response: response_of(77) }));
    world.push_audio(77, 8_000);
    world.run_for(secs(5));
    assert_eq!(world.stale("stray_response"), 1);
    assert_eq!(world.bytes_sent(77), 0);
    assert_eq!(world.phone.played(1), world.received[&1]);
}

#[test]
fn audio_that_comes_before_its_announcement_waits_for_it() {
    let mut world = conversation();
    world.push_audio(50, 1_600);
    assert_eq!(world.bytes_sent(50), 0);
    world.tell(Input::Model(ModelEvent::ResponseAnnounced { response: response_of(50) }));
    assert_eq!(world.bytes_sent(50), 1_600);
}

#[test]
fn audio_held_over_an_interruption_is_heard_once_it_is_admitted() {
    let mut world = conversation();
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.push_audio(50, 1_600);
    world.caller_speaks(ms(500), "stop");
    world.run_for(ms(400));
    assert_eq!(world.bytes_sent(50), 0);
    world.tell(Input::Model(ModelEvent::SpeechStopped));
    world.tell(Input::Model(ModelEvent::ResponseAnnounced { response: response_of(50) }));
    world.run_for(ms(50));
    assert_eq!(world.bytes_sent(50), 1_600);
}

#[test]
fn a_response_that_begins_by_itself_while_the_caller_speaks_is_stopped() {
    let mut world = conversation();
    world.tell(Input::Model(ModelEvent::SpeechStarted));
    world.model_begins(&Reply::says("let me tell you something"));
    world.run_for(secs(2));
    assert_eq!(world.bytes_sent(1), 0);
    assert_eq!(world.stale("unasked_response"), 1);
    assert_eq!(world.cancels(), 1);
}

#[test]
fn a_request_refused_because_of_the_models_own_response_is_made_again() {
    let mut world = World::new(&Plan { turns: Turns::Model, ..Plan::uncached() });
    world.model.dials.push_back(Dial::Ready(ms(100)));
    world.tell(Input::Started);
    world.run_until(ms(90));
    // The model speaks up at the very moment the greeting is asked for.
    world.model_says_in(ms(11), ModelEvent::ResponseAnnounced { response: response_of(70) });
    world.model_says_in(ms(12), ModelEvent::Busy);
    world.model.replies.push_back(Reply { never_announced: true, ..Reply::default() });
    world.model.replies.push_back(Reply::says(GREETING));
    world.model_says_in(
        ms(400),
        ModelEvent::ResponseFinished {
            response: response_of(70),
            completed: true,
            error: None,
            usage: None,
        },
    );
    world.run_until(secs(6));
    assert_eq!(world.creates(), 2, "the greeting was asked for again");
    assert!(world.phone.played(1) > 0);
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    let learned = world.count(|o| matches!(o, Output::LearnPhrase { .. }));
    assert_eq!(learned, 1, "from the response that was it");
    assert_eq!(world.captured, Some(world.received[&1]));
}

#[test]
fn events_of_a_session_that_is_not_ready_are_stale() {
    let mut world = conversation();
    world.model.dials.push_back(Dial::Hangs);
    world.lose_model(true);
    world.tell(Input::Model(ModelEvent::ResponseAnnounced { response: response_of(9) }));
    world.tell(Input::Model(ModelEvent::SpeechStarted));
    assert_eq!(world.stale("model_not_ready"), 2);
}

#[test]
fn a_session_that_is_ready_twice_is_told_nothing_twice() {
    let mut world = conversation();
    let told = world.model.received.len();
    world.tell(Input::Model(ModelEvent::Ready));
    assert_eq!(world.model.received.len(), told);
    assert_eq!(world.stale("model_ready"), 1);
}

#[test]
fn a_call_begins_once() {
    let mut world = World::new(&Plan::default());
    world.tell(Input::Model(ModelEvent::Ready));
    world.press('0');
    assert_eq!(world.stale("before_start"), 2);
    world.tell(Input::Started);
    world.tell(Input::Started);
    assert_eq!(world.stale("started_twice"), 1);
    assert_eq!(world.count(|o| matches!(o, Output::StartModel { .. })), 1);
}
