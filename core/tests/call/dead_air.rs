//! Somebody should be heard and nobody is.

use trunkline_core::call::{Disposition, Outcome, PhaseName, Sentence};

use crate::support::{Plan, Reply, SENTENCE_TAG, World, ms, secs};

/// A call whose model has spoken once, and whose caller asks something that it
/// will not answer `times` times.
fn falls_mute(plan: &Plan, times: usize) -> World {
    let mut world = World::started(plan);
    world.past_greeting();
    world.caller_speaks(ms(500), "hello");
    world.run_for(secs(4));
    assert!(world.phone.played(1) > 0);
    world.model.replies.extend(vec![Reply { mute: true, ..Reply::default() }; times]);
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(520));
    world
}

#[test]
fn after_three_seconds_a_kept_sentence_after_six_another_session() {
    let mut world = falls_mute(&Plan { kept: vec![Sentence::Bridging], ..Plan::default() }, 1);
    let asked_at = world.now;
    world.run_for(secs(12));
    assert_eq!(world.event_at("dead_air"), Some(asked_at + secs(3)));
    assert!(world.phone.played(SENTENCE_TAG) > 0);
    assert_eq!(world.events("sentence"), 1, "once is enough");
    assert_eq!(world.event_at("model_lost"), Some(asked_at + secs(6)));
    assert_eq!(world.events("model_restored"), 1);
    assert!(world.phone.played(3) > 0, "and the question is answered");
    assert_eq!(world.call.phase(), PhaseName::Conversation);
}

#[test]
fn a_filler_does_as_well() {
    let mut world = falls_mute(&Plan { kept: vec![Sentence::Filler], ..Plan::default() }, 1);
    world.run_for(secs(4));
    assert!(world.phone.played(SENTENCE_TAG) > 0);
}

#[test]
fn a_model_that_stays_mute_is_given_up_for_a_human() {
    let mut world = falls_mute(&Plan::default(), 9);
    let asked_at = world.now;
    world.run_for(secs(20));
    assert_eq!(world.dialled(), [0, 0]);
    assert_eq!(world.reason(), Some("model_mute"));
    assert_eq!(world.disposition(), Some(Disposition::Bridge));
    let waited = world.ended_at().since(asked_at);
    assert!(waited <= secs(10), "nobody waits {waited:?}");
}

#[test]
fn or_for_the_tenants_next_model() {
    let mut world = falls_mute(&Plan { providers: 2, ..Plan::default() }, 2);
    world.run_for(secs(15));
    assert_eq!(world.dialled(), [0, 0, 1]);
    assert_eq!(world.events("next_model"), 1);
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    assert!(world.phone.played(4) > 0, "which answers");
}

#[test]
fn a_caller_who_goes_on_speaking_waits_for_nothing() {
    let mut world = falls_mute(&Plan { kept: vec![Sentence::Filler], ..Plan::default() }, 1);
    world.run_for(secs(1));
    world.caller_speaks(secs(4), "I mean the big ones");
    world.run_for(ms(3_500));
    assert_eq!(world.events("dead_air"), 0);
    assert_eq!(world.events("sentence"), 0);
}

#[test]
fn audio_that_does_not_get_out_is_noticed_by_progress_and_ends_with_a_human() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.carrier_stuck = true;
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(20));
    assert_eq!(world.events("outbound_stuck"), 2, "another session did not help");
    assert_eq!(world.dialled(), [0, 0]);
    assert_eq!(world.reason(), Some("outbound_stuck"));
    assert_eq!(world.ended().outcome, Outcome::Transferred);
    assert!(world.ended_at() < secs(14));
}

#[test]
fn a_line_that_moves_again_is_left_alone() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.carrier_stuck = true;
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(3));
    world.carrier_stuck = false;
    world.run_for(secs(4));
    assert_eq!(world.events("outbound_stuck"), 0);
    assert_eq!(world.phone.played(1), world.received[&1]);
}
