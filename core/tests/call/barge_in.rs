//! The caller takes the floor.

use trunkline_core::call::{Input, Metric, ModelEvent, Output, Speaker};
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::Verdict;

use crate::scenes::{self, LONG, speaking_by_itself};
use crate::support::{Plan, Reply, World, ms, secs};

/// A call in which the agent has been audible for `time` with its first response.
fn speaking(plan: &Plan, line_delay: Micros, time: Micros) -> World {
    scenes::speaking(plan, line_delay, LONG, time)
}

/// Interrupts and runs on; answers what the phone had really played at that moment.
fn interrupt(world: &mut World) -> u64 {
    world.caller_speaks(ms(900), "stop");
    world.run_for(world.line_delay + ms(1));
    let played = world.phone.played(1);
    world.run_for(secs(8));
    assert_eq!(world.phone.played(1), played, "nothing of it is heard afterwards");
    played
}

#[test]
fn the_phone_stops_and_the_model_is_told_what_was_heard() {
    for (delay, time) in [(0, 900), (20, 300), (20, 2_500), (60, 1_700), (150, 2_000), (150, 4_000)]
    {
        let mut world = speaking(&Plan::default(), ms(delay), ms(time));
        let spoke_at = world.now;
        let played_ms = interrupt(&mut world) / 8;
        let cut_ms = world.truncated_at(1).expect("the model was told");
        let error = cut_ms.abs_diff(played_ms);
        assert!(error <= 100, "{delay} ms line, {time} ms in: told {cut_ms}, played {played_ms}");
        assert_eq!(world.clears(), 1);
        let stopped = world.phone.last_sound(1).unwrap().since(spoke_at);
        assert!(stopped <= ms(300), "the phone stopped after {stopped:?}");
        assert_eq!(world.model.wrong_truncations, 0);
        assert_eq!(world.cancels(), usize::from(world.received[&1] < full(LONG)));
        world.hang_up();
        assert_eq!(world.ended().barge_ins, 1);
    }
}

fn full(text: &str) -> u64 {
    2_400 * text.split(' ').count() as u64
}

#[test]
fn the_transcript_is_cut_where_the_caller_cut_it() {
    let mut world = speaking(&Plan::default(), ms(20), ms(2_000));
    interrupt(&mut world);
    let cut = world.transcripts(Speaker::Agent).into_iter().find(|t| t.turn == 1).unwrap();
    assert!(cut.interrupted);
    assert!(cut.generated.expose().starts_with(cut.heard.expose()));
    let words = cut.heard.expose().split(' ').count();
    assert!((3..=7).contains(&words), "two seconds are about six words, not {words}");
}

#[test]
fn the_answer_to_the_interruption_is_heard() {
    let mut world = speaking(&Plan::default(), ms(20), ms(1_500));
    interrupt(&mut world);
    assert_eq!(world.creates(), 2);
    assert_eq!(world.phone.played(2), world.received[&2]);
    let stop = world.count(|o| matches!(o, Output::Metric(Metric::BargeInStop(_))));
    assert_eq!(stop, 1);
    assert_eq!(world.events("barge_in"), 1);
}

#[test]
fn audio_that_was_on_its_way_when_the_model_was_cancelled_is_dropped() {
    let mut world = speaking(&Plan::default(), ms(20), ms(100));
    let before = world.received[&1];
    interrupt(&mut world);
    assert!(world.received[&1] > before, "the model did send more");
    assert!(world.downlink.stale().0 > 0, "and it was counted as late");
    assert_eq!(world.cancels(), 1);
}

#[test]
fn an_answer_that_is_only_asked_for_is_taken_back_before_it_begins() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(800), "tell me");
    world.run_for(ms(830));
    assert_eq!(world.creates(), 1);
    world.caller_speaks(ms(900), "no wait");
    world.run_for(secs(6));
    assert_eq!(world.cancels(), 1, "by its id, once that was known");
    assert_eq!(world.bytes_sent(1), 0);
    assert_eq!(world.clears(), 0, "there was nothing to clear");
    assert!(world.phone.played(2) > 0);
    assert_eq!(world.model.overlaps, 0);
}

#[test]
fn a_request_that_is_taken_back_and_never_announced_does_not_end_the_conversation() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply { never_announced: true, ..Reply::default() });
    world.caller_speaks(ms(800), "tell me");
    world.run_for(ms(830));
    world.caller_speaks(ms(900), "no wait");
    world.run_for(secs(8));
    assert_eq!(world.stale("cancel_unanswered"), 1);
    assert!(world.phone.played(1) > 0, "the next answer came");
}

#[test]
fn a_model_that_ignores_its_cancellation_is_not_waited_for() {
    let mut world = speaking(&Plan::default(), ms(20), ms(100));
    world.model.ignores_cancel = true;
    world.caller_speaks(ms(900), "stop");
    world.run_for(secs(12));
    let audible = world.phone.played(1);
    assert!(audible < full(LONG) / 4, "it is not heard");
    assert!(world.creates() >= 2);
    assert!(world.phone.played(world.model.last_tag()) > 0, "and the caller is answered");
}

#[test]
fn an_item_behind_the_one_that_is_playing_is_deleted_whole() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tools.insert("look_up", (ms(10), trunkline_core::call::ToolEffect::GoOn));
    world.model.replies.push_back(Reply::says(LONG).with_tools(&[("look_up", "{}")]));
    world.model.replies.push_back(Reply::says("And this is what I found."));
    world.caller_speaks(ms(800), "tell me");
    world.run_for(secs(4));
    assert!(world.received.contains_key(&2) && world.bytes_sent(2) == 0);
    world.caller_speaks(ms(700), "stop");
    world.run_for(ms(100));
    assert!(world.truncated_at(1).is_some());
    assert!(world.deleted(2));
    assert_eq!(world.model.wrong_truncations, 0);
}

#[test]
fn telling_it_twice_changes_nothing() {
    let mut world = speaking(&Plan::default(), ms(150), ms(900));
    world.tell(Input::Model(ModelEvent::SpeechStarted));
    let outputs = world.outputs.len();
    world.tell(Input::BargeIn(Verdict::Interrupt));
    world.run_for(ms(20));
    world.tell(Input::BargeIn(Verdict::Interrupt));
    assert!(world.outputs[outputs..].iter().all(|(_, o)| !matches!(o, Output::Media(_))));
    assert_eq!((world.clears(), world.cancels()), (1, 1));
    world.hang_up();
    assert_eq!(world.ended().barge_ins, 1);
}

#[test]
fn what_waits_for_a_cancelled_response_is_taken_back_as_well() {
    let mut world = speaking(&Plan::default(), ms(20), ms(200));
    world.model.ignores_cancel = true;
    world.caller_speaks(ms(300), "stop");
    world.run_for(ms(400));
    world.caller_speaks(ms(3_000), "I said stop, and now let me tell you");
    let spoke_from = world.now;
    world.run_for(ms(3_010));
    assert_eq!(world.creates(), 1, "nothing is asked for while the caller speaks");
    world.run_for(secs(6));
    assert!(world.phone.played(world.model.last_tag()) > 0);
    assert!(world.phone.last_sound(world.model.last_tag()).unwrap() > spoke_from + secs(3));
}

#[test]
fn where_turns_belong_to_the_model_the_phone_is_cleared_all_the_same() {
    let mut world = speaking_by_itself(Plan::default());
    world.caller_speaks(ms(900), "stop");
    world.run_for(ms(30));
    let played = world.phone.played(1);
    world.run_for(secs(3));
    assert_eq!(world.phone.played(1), played);
    assert_eq!(world.clears(), 1);
}
