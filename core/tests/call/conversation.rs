//! Turns: the caller speaks, the agent answers.

use trunkline_core::call::{Metric, ModelEvent, Output, PhaseName, Speaker};
use trunkline_core::ids::ItemId;
use trunkline_core::pii::Personal;
use trunkline_core::tenant::Turns;

use crate::support::{Plan, Reply, World, ms, secs};

#[test]
fn each_turn_is_answered_once_and_both_sides_are_recorded() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    for words in ["do you do boilers", "and how much is it", "thank you"] {
        world.caller_speaks(ms(900), words);
        world.run_for(secs(6));
    }
    assert_eq!(world.creates(), 3);
    assert_eq!(world.model.overlaps, 0);
    let caller = world.transcripts(Speaker::Caller);
    let agent = world.transcripts(Speaker::Agent);
    assert_eq!(caller.iter().map(|t| t.turn).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(agent.iter().map(|t| t.turn).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(agent.iter().all(|t| !t.interrupted && t.heard == t.generated));
    for tag in 1..=3 {
        assert_eq!(world.phone.played(tag), world.received[&tag]);
    }
    world.hang_up();
    assert_eq!(world.ended().turns, 3);
    assert_eq!(world.ended().barge_ins, 0);
}

#[test]
fn the_latency_of_a_turn_is_from_its_end_to_the_first_audio_of_its_answer() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(900), "do you do boilers");
    world.run_for(secs(4));
    let latencies: Vec<_> = world
        .outputs
        .iter()
        .filter_map(|(_, o)| match o {
            Output::Metric(Metric::TurnLatency(latency)) => Some(*latency),
            _ => None,
        })
        .collect();
    assert_eq!(latencies, [ms(360)], "300 ms of the model, and its first burst");
}

#[test]
fn rapid_fire_utterances_are_one_turn() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(600), "I need");
    world.run_for(ms(610));
    world.caller_speaks(ms(700), "a plumber");
    world.run_for(secs(4));
    assert_eq!(world.creates(), 1);
    world.hang_up();
    assert_eq!(world.ended().turns, 1);
}

#[test]
fn a_caller_who_goes_on_before_the_answer_is_heard_gets_one_answer_to_it_all() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(600), "I need");
    world.run_for(ms(750));
    world.caller_speaks(ms(700), "a plumber");
    world.run_for(secs(5));
    assert_eq!(world.phone.played(1), 0, "the first answer was taken back");
    assert!(world.phone.played(2) > 0);
    assert_eq!(world.phone.played(3), 0);
    assert_eq!(world.creates(), 2);
    world.hang_up();
    assert_eq!(world.ended().barge_ins, 0, "nothing was audible that could be interrupted");
}

#[test]
fn words_that_come_late_are_recorded_where_they_were_spoken() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    let first_at = world.now;
    let say = |item: &str| ModelEvent::CallerTranscript {
        item: ItemId::parse(item).unwrap(),
        text: Personal::new(item),
    };
    for after in [0, 4_000] {
        world.model_says_in(ms(after), ModelEvent::SpeechStarted);
        world.model_says_in(ms(after + 800), ModelEvent::SpeechStopped);
    }
    // The words of both turns come while the second is being spoken, and after it.
    world.model_says_in(ms(4_500), say("first"));
    world.model_says_in(ms(7_000), say("second"));
    world.run_for(secs(9));
    let said = world.transcripts(Speaker::Caller);
    let facts: Vec<_> = said.iter().map(|t| (t.turn, t.started_at, t.ended_at)).collect();
    let at = |after| first_at + ms(after);
    assert_eq!(facts, [(1, at(0), at(800)), (2, at(4_000), at(4_800))]);
}

#[test]
fn turns_that_belong_to_the_model_are_left_to_it() {
    let mut world = World::started(&Plan { turns: Turns::Model, ..Plan::default() });
    world.past_greeting();
    world.caller_speaks(ms(900), "do you do boilers");
    world.run_for(ms(905));
    world.model_begins(&Reply::says("Yes we do, all kinds."));
    world.run_for(secs(5));
    assert_eq!(world.creates(), 0, "nothing is asked for");
    assert_eq!(world.phone.played(1), world.received[&1], "but what it says is heard");
    world.hang_up();
    assert_eq!(world.ended().turns, 1);
}

#[test]
fn the_models_own_cancellation_is_no_failure() {
    let mut world = World::started(&Plan { turns: Turns::Model, ..Plan::default() });
    world.past_greeting();
    world.caller_speaks(ms(900), "do you do boilers");
    world.run_for(ms(905));
    let cut_off =
        Reply { fails: Some("turn_detected"), latency: Some(ms(400)), ..Reply::default() };
    world.model_begins(&cut_off);
    world.run_for(ms(300));
    world.caller_speaks(ms(900), "I mean the big ones");
    world.run_for(secs(3));
    assert_eq!(world.creates(), 0);
    assert_eq!(world.call.phase(), PhaseName::Conversation);
}

#[test]
fn an_end_of_turn_that_was_reported_already_is_stale() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(900), "do you do boilers");
    world.run_for(secs(1));
    world.tell(trunkline_core::call::Input::TurnEnded { utterances: 1 });
    world.run_for(secs(4));
    assert_eq!(world.stale("turn_end"), 1);
    assert_eq!(world.creates(), 1);
}
