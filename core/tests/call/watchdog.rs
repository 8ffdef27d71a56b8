//! A model that does not come to life: the caller reaches a human in three seconds.

use trunkline_core::call::{Disposition, Input, MAX_REDIALS, Outcome, PhaseName};
use trunkline_core::time::Micros;

use crate::support::{Dial, GREETING_TAG, PATIENT, Plan, Reply, World, ms, secs};

fn with_dials(plan: &Plan, dials: impl IntoIterator<Item = Dial>) -> World {
    let mut world = World::new(plan);
    world.model.dials.extend(dials);
    world.tell(Input::Started);
    world
}

fn assert_bridged(world: &World, by: Micros, reason: &str) {
    assert_eq!(world.disposition(), Some(Disposition::Bridge));
    assert_eq!(world.reason(), Some(reason));
    assert!(world.ended_at() <= by, "bridged only at {:?}", world.ended_at());
    let summary = world.ended();
    assert!(summary.bridged && summary.handoff);
    assert_eq!(summary.outcome, Outcome::Transferred);
    let last = world.handshakes().last().copied().expect("a handshake was reported");
    assert!(last.fell_back && last.error.is_some());
}

#[test]
fn a_model_that_never_answers_the_dial() {
    for plan in [Plan::default(), Plan::uncached()] {
        let mut world = with_dials(&plan, [Dial::Hangs]);
        world.run_until(ms(2_999));
        assert_ne!(world.call.phase(), PhaseName::Ended);
        world.run_until(secs(4));
        assert_bridged(&world, secs(3), "handshake_timeout");
        assert_eq!(world.handshakes()[0].elapsed, None);
        let error = world.handshakes()[0].error.as_deref();
        assert_eq!(error, Some("Handshake timeout (>3000ms)"));
    }
}

#[test]
fn a_kept_greeting_is_no_sign_of_life() {
    let mut world = with_dials(&Plan::default(), [Dial::Hangs]);
    world.run_until(secs(4));
    assert!(world.phone.played(GREETING_TAG) > 0, "it was heard");
    assert_bridged(&world, secs(3), "handshake_timeout");
}

#[test]
fn a_model_that_is_ready_but_mute() {
    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply { mute: true, ..Reply::default() });
    world.run_until(secs(4));
    assert_bridged(&world, secs(3), "model_mute");
    assert_eq!(world.handshakes().len(), 2, "reported when ready, corrected when mute");
    assert!(!world.handshakes()[0].fell_back);
}

#[test]
fn a_model_that_is_ready_but_never_announces() {
    let mut world = World::started(&Plan::uncached());
    world.model.replies.push_back(Reply { never_announced: true, ..Reply::default() });
    world.run_until(secs(4));
    assert_bridged(&world, secs(3), "model_mute");
}

#[test]
fn after_a_kept_greeting_the_first_answer_is_watched_as_closely() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply { mute: true, ..Reply::default() });
    world.caller_speaks(ms(800), "do you do boilers");
    let asked_at = world.now + ms(820);
    world.run_for(secs(5));
    assert_bridged(&world, asked_at + secs(3), "model_mute");
}

#[test]
fn a_model_that_refuses_for_good_is_not_asked_twice() {
    let refusal = Dial::Fails { after: ms(150), retry: false };
    let mut world = with_dials(&Plan::default(), [refusal]);
    world.run_until(secs(1));
    assert_bridged(&world, ms(150), "model_lost");
    assert_eq!(world.model.serial, 2, "one dial, one hang-up");
}

#[test]
fn a_model_that_fails_again_and_again_is_dialled_within_its_budget() {
    let failure = Dial::Fails { after: ms(20), retry: true };
    let mut world = with_dials(&Plan::default(), vec![failure; 10]);
    world.run_until(secs(4));
    assert_bridged(&world, secs(3), "model_lost");
    let dials = world.count(|o| matches!(o, trunkline_core::call::Output::StartModel { .. }));
    assert_eq!(dials, 1 + MAX_REDIALS as usize);
}

#[test]
fn redials_do_not_stretch_the_watchdog() {
    let failure = Dial::Fails { after: ms(900), retry: true };
    let mut world = with_dials(&Plan::default(), [failure.clone(), failure, Dial::Hangs]);
    world.run_until(secs(5));
    assert_bridged(&world, secs(3), "handshake_timeout");
}

#[test]
fn a_second_dial_that_works_in_time_saves_the_call() {
    let failure = Dial::Fails { after: ms(300), retry: true };
    let mut world = with_dials(&Plan::uncached(), [failure]);
    world.run_until(secs(6));
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    assert!(world.phone.played(1) > 0);
}

#[test]
fn without_a_human_the_bridge_is_a_failure() {
    let plan = Plan { human: false, ..Plan::default() };
    let mut world = with_dials(&plan, [Dial::Hangs]);
    world.run_until(secs(4));
    assert_eq!(world.ended().outcome, Outcome::Failed);
    assert_eq!(world.disposition(), Some(Disposition::Bridge));
}

#[test]
fn a_response_whose_audio_waits_behind_a_long_sentence_is_not_mute() {
    let mut world = World::started(&Plan { silence: PATIENT, ..Plan::default() });
    world.past_greeting();
    world.tools.insert("look_up", (ms(100), trunkline_core::call::ToolEffect::GoOn));
    let long = "one two three four five six seven eight nine ten eleven twelve thirteen \
                fourteen fifteen sixteen seventeen eighteen nineteen twenty and so on and on \
                until the caller has nearly forgotten what it was about";
    world.model.replies.push_back(Reply::says(long).with_tools(&[("look_up", "{}")]));
    world.model.replies.push_back(Reply::says("That is the answer."));
    world.caller_speaks(ms(500), "tell me all");
    world.run_for(secs(25));
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    assert_eq!(world.phone.played(2), world.received[&2]);
}
