//! Children that die.

use trunkline_core::call::{
    Child, Input, ModelEvent, Output, PhaseName, RESTART_PERIOD, RESTARTS, ToolEffect,
};
use trunkline_core::turn::endpoint::TurnSnapshot;
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::support::{PATIENT, Plan, Reply, World, ms, secs};

fn conversation() -> World {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world
}

fn kill_beyond_the_budget(world: &mut World, child: Child) {
    for _ in 0..=RESTARTS {
        world.kill(child);
    }
}

#[test]
fn each_is_rebuilt_within_its_budget_and_no_more() {
    for child in [Child::BargeIn, Child::TurnManager, Child::ToolRunner] {
        let mut world = conversation();
        let starts = |world: &World| match child {
            Child::BargeIn => world.count(|o| matches!(o, Output::StartBargeIn(_))),
            Child::TurnManager => world.count(|o| matches!(o, Output::StartTurnManager(_))),
            _ => world.count(|o| matches!(o, Output::StartToolRunner)),
        };
        kill_beyond_the_budget(&mut world, child);
        assert_eq!(starts(&world), 1 + RESTARTS, "{child:?}");
        assert_eq!(world.call.phase(), PhaseName::Conversation);
    }
}

#[test]
fn exits_that_lie_far_apart_do_not_add_up() {
    let mut world = World::started(&Plan { silence: PATIENT, ..Plan::default() });
    world.past_greeting();
    for _ in 0..3 * RESTARTS {
        world.kill(Child::BargeIn);
        world.run_for(RESTART_PERIOD);
    }
    assert!(world.barge_in.is_some());
}

#[test]
fn without_a_detector_the_call_interrupts_by_itself() {
    let mut world = conversation();
    kill_beyond_the_budget(&mut world, Child::BargeIn);
    assert!(world.barge_in.is_none());
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(300));
    world.caller_speaks(ms(500), "stop");
    world.run_for(secs(5));
    assert_eq!(world.clears(), 1);
    assert_eq!(world.creates(), 2);
    world.hang_up();
    assert_eq!(world.ended().barge_ins, 1);
}

#[test]
fn a_detector_that_dies_of_the_speech_it_was_told_of_does_not_let_the_agent_talk_on() {
    let mut world = conversation();
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(300));
    world.barge_in = None;
    world.tell(Input::Model(ModelEvent::SpeechStarted));
    assert_eq!(world.clears(), 0, "nobody reported");
    world.kill(Child::BargeIn);
    assert_eq!(world.clears(), 1);
}

#[test]
fn without_a_turn_manager_the_call_ends_turns_by_itself() {
    let mut world = conversation();
    kill_beyond_the_budget(&mut world, Child::TurnManager);
    assert!(world.turns.is_none());
    for _ in 0..2 {
        world.caller_speaks(ms(500), "tell me");
        world.run_for(secs(5));
    }
    assert_eq!(world.creates(), 2);
    assert!(world.phone.played(2) > 0);
}

#[test]
fn a_turn_manager_that_dies_with_a_turn_in_its_hands_loses_none() {
    // Killed while the caller speaks, in the merge window, and after it.
    for (after, budget) in [(300, true), (510, true), (300, false), (510, false), (900, true)] {
        let mut world = conversation();
        if !budget {
            (0..RESTARTS).for_each(|_| world.kill(Child::TurnManager));
        }
        world.caller_speaks(ms(500), "tell me");
        world.run_for(ms(after));
        world.kill(Child::TurnManager);
        assert_eq!(world.turns.is_some(), budget);
        world.run_for(secs(5));
        assert_eq!(world.creates(), 1, "killed after {after} ms");
        world.hang_up();
        assert_eq!(world.ended().turns, 1);
    }
}

#[test]
fn a_second_utterance_survives_the_death_of_the_turn_manager() {
    let mut world = conversation();
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    world.caller_speaks(ms(500), "about boilers");
    world.run_for(ms(510));
    world.kill(Child::TurnManager);
    let snapshot = TurnSnapshot { turn_open: true, ..TurnSnapshot::default() };
    assert_eq!(world.outputs.last().map(|(_, o)| o), Some(&Output::StartTurnManager(snapshot)));
    world.run_for(secs(5));
    assert!(world.phone.played(2) > 0, "the second turn is answered");
}

fn results(world: &World) -> usize {
    let is_result =
        |e: &&ClientEvent| matches!(e, ClientEvent::CreateItem(Item::FunctionCallOutput { .. }));
    world.told_model().filter(is_result).count()
}

#[test]
fn a_tool_runner_that_dies_fails_its_tools_and_the_model_is_told() {
    let mut world = conversation();
    world.model.replies.push_back(Reply::calls(&[("never_ends", "{}"), ("nor_this", "{}")]));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(1_100));
    world.kill(Child::ToolRunner);
    assert!(world.tool_runner, "a new one is there");
    world.run_for(secs(5));
    assert_eq!(results(&world), 2);
    assert_eq!(world.creates(), 2, "one answer about both");
    assert!(world.phone.played(2) > 0);
}

#[test]
fn without_a_tool_runner_tools_fail_at_once_and_the_conversation_goes_on() {
    let mut world = conversation();
    kill_beyond_the_budget(&mut world, Child::ToolRunner);
    world.tools.insert("look_up", (ms(10), ToolEffect::GoOn));
    world.model.replies.push_back(Reply::calls(&[("look_up", "{}")]));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(5));
    assert_eq!(world.count(|o| matches!(o, Output::RunTool { .. })), 0);
    assert_eq!(results(&world), 1);
    assert!(world.phone.played(2) > 0);
}

#[test]
fn a_session_actor_that_dies_too_often_leads_to_the_human() {
    let mut world = conversation();
    kill_beyond_the_budget(&mut world, Child::RealtimeSession);
    assert_eq!(world.reason(), Some("model_lost"));
}
