//! A provider ends each session after a while: before that, it is exchanged for
//! another at a moment at which nobody notices. And where a model cannot be kept,
//! the tenant's next one takes its place.

use trunkline_core::call::{
    Disposition, Input, MAX_REDIALS, MediaCommand, ModelEvent, Outcome, Output, PhaseName,
};

use crate::support::{Dial, PATIENT, Plan, World, ms, secs};

/// Sessions of a minute: they are exchanged six seconds before.
fn short_lived() -> Plan {
    Plan { session_limit_ms: 60_000, silence: PATIENT, ..Plan::default() }
}

fn recycled(world: &World) -> usize {
    world.events("session_recycled")
}

#[test]
fn on_a_quiet_line_a_session_is_exchanged_before_its_end() {
    let mut world = World::started(&short_lived());
    world.past_greeting();
    world.run_until(ms(54_100));
    assert_eq!(recycled(&world), 0, "ready after 200 ms, and not a moment before");
    world.run_until(ms(56_000));
    assert_eq!(recycled(&world), 1);
    assert_eq!(world.events("model_restored"), 1);
    assert_eq!(world.events("model_lost"), 0);
    assert_eq!(world.creates(), 0, "nobody asked for anything");
    world.caller_speaks(ms(500), "hello?");
    world.run_for(secs(4));
    assert!(world.phone.played(1) > 0);
}

#[test]
fn what_the_caller_says_meanwhile_is_kept_for_the_next_session() {
    let mut world = World::started(&short_lived());
    world.run_until(ms(54_250));
    let closed = world.outputs.iter().rev().find_map(|(_, o)| match o {
        Output::Media(MediaCommand::Uplink { open }) => Some(*open),
        _ => None,
    });
    assert_eq!(closed, Some(false));
    world.run_until(ms(55_000));
    let open = |o: &Output| matches!(o, Output::Media(MediaCommand::Uplink { open: true }));
    assert_eq!(world.count(open), 2);
}

#[test]
fn nobody_is_cut_off_for_it() {
    let mut world = World::started(&short_lived());
    world.run_until(ms(53_000));
    world.caller_speaks(ms(3_000), "a long question about this and that");
    world.run_until(ms(57_000));
    assert_eq!(recycled(&world), 0, "the caller speaks, then the agent");
    world.run_until(ms(60_000));
    assert_eq!(world.phone.played(1), world.received[&1], "the answer is heard whole");
    assert!(world.event_at("session_recycled").unwrap() >= world.phone.last_sound(1).unwrap());
}

#[test]
fn it_costs_no_redial() {
    let plan = Plan { session_limit_ms: 10_000, silence: PATIENT, ..Plan::default() };
    let mut world = World::started(&plan);
    world.run_until(secs(100));
    assert!(recycled(&world) > usize::try_from(MAX_REDIALS).unwrap());
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    for _ in 0..MAX_REDIALS {
        world.lose_model(true);
        world.run_for(secs(2));
    }
    assert_eq!(world.call.phase(), PhaseName::Conversation);
}

#[test]
fn what_the_provider_says_of_its_time_goes_before_the_setting() {
    let mut world = World::new(&short_lived());
    world.model.dials.push_back(Dial::Ready(ms(200)));
    world.tell(Input::Started);
    world.model_says_in(ms(100), ModelEvent::Expires { in_ms: 20_000 });
    world.run_until(ms(18_000));
    assert_eq!(recycled(&world), 0);
    world.run_until(ms(18_500));
    assert_eq!(recycled(&world), 1);
}

#[test]
fn a_session_that_the_provider_ended_is_restored_like_any_other() {
    let mut world = World::started(&Plan { session_limit_ms: 0, ..short_lived() });
    world.run_until(secs(100));
    assert_eq!(recycled(&world), 0, "no limit is no limit");
    let reason = "session_expired".to_owned();
    world.model.dropped();
    world.tell(Input::Model(ModelEvent::Lost { reason, retry: true }));
    world.run_for(secs(1));
    assert_eq!(world.events("model_restored"), 1);
}

#[test]
fn beyond_the_budget_the_tenants_next_model_takes_over() {
    let mut world = World::started(&Plan { providers: 2, ..Plan::default() });
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    let failure = Dial::Fails { after: ms(20), retry: true };
    world.model.dials.extend(vec![failure; 3]);
    world.lose_model(true);
    world.run_for(secs(5));
    assert_eq!(world.dialled(), [0, 0, 0, 0, 1]);
    assert_eq!(world.events("model_restored"), 1);
    assert!(world.phone.played(2) > 0, "the question is answered");
}

#[test]
fn a_refusal_for_good_goes_to_the_next_model_at_once_and_then_to_a_human() {
    let mut world = World::started(&Plan { providers: 2, ..Plan::default() });
    world.past_greeting();
    world.lose_model(false);
    world.run_for(secs(1));
    assert_eq!(world.dialled(), [0, 1], "it is not asked twice");
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    world.lose_model(false);
    assert_eq!(world.reason(), Some("model_lost"));
    assert_eq!(world.disposition(), Some(Disposition::Bridge));
    assert_eq!(world.ended().outcome, Outcome::Transferred);
}

#[test]
fn a_model_that_does_not_come_back_in_time_gives_way_to_the_next() {
    let mut world = World::started(&Plan { providers: 2, ..Plan::default() });
    world.past_greeting();
    world.model.dials.push_back(Dial::Hangs);
    let lost_at = world.now;
    world.lose_model(true);
    world.run_for(secs(4));
    assert_eq!(world.event_at("next_model"), Some(lost_at + secs(3)));
    assert_eq!(world.call.phase(), PhaseName::Conversation);
    assert_eq!(world.events("model_restored"), 1);
}

#[test]
fn at_the_start_three_seconds_are_three_seconds() {
    let mut world = World::new(&Plan { providers: 2, ..Plan::default() });
    world.model.dials.push_back(Dial::Hangs);
    world.tell(Input::Started);
    world.run_until(secs(5));
    assert_eq!(world.ended_at(), secs(3));
    let failure = Dial::Fails { after: ms(20), retry: false };
    let mut world = World::new(&Plan { providers: 2, ..Plan::default() });
    world.model.dials.push_back(failure);
    world.tell(Input::Started);
    world.run_until(secs(5));
    assert_eq!(world.dialled(), [0, 1], "but one that refuses leaves them to the next");
    assert_eq!(world.call.phase(), PhaseName::Conversation);
}
