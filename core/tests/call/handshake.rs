//! The record of the model's handshake: one row a call, corrected at most once.

use trunkline_core::call::{Input, Metric, Output};

use crate::support::{Dial, Plan, World, ms, secs};

fn call(plan: &Plan, ready_after: u64) -> World {
    let mut world = World::new(plan);
    world.model.dials.push_back(Dial::Ready(ms(ready_after)));
    world.tell(Input::Started);
    world.run_until(secs(6));
    world
}

#[test]
fn it_says_when_the_model_was_ready_and_when_it_was_first_heard() {
    let world = call(&Plan::uncached(), 420);
    let reports = world.handshakes();
    assert_eq!(reports.len(), 2);
    assert_eq!((reports[0].elapsed, reports[0].first_audio), (Some(ms(420)), None));
    assert_eq!((reports[1].elapsed, reports[1].first_audio), (Some(ms(420)), Some(ms(780))));
    assert!(reports.iter().all(|r| !r.fell_back && r.error.is_none()));
    assert_eq!(world.count(|o| matches!(o, Output::Metric(Metric::FirstAudio(_)))), 1);
}

#[test]
fn a_kept_greeting_is_first_audio_and_there_is_nothing_to_correct() {
    let world = call(&Plan::default(), 420);
    let reports = world.handshakes();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].elapsed, Some(ms(420)));
    assert_eq!(reports[0].first_audio, Some(ms(0)));
}

#[test]
fn later_turns_and_sessions_do_not_touch_it() {
    let mut world = call(&Plan::uncached(), 420);
    world.lose_model(true);
    world.run_for(secs(2));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(5));
    assert_eq!(world.handshakes().len(), 2);
    world.hang_up();
    assert_eq!(world.ended().handshake_ms, Some(420));
}
