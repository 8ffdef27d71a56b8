//! The caller is heard by our own ears: stopping, and then taking the floor or not.

use trunkline_core::call::{Metric, Output, Speaker, ToolEffect};
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::ClientEvent;

use crate::scenes::{self, LONG, speaking_by_itself};
use crate::support::{Plan, Reply, Wire, World, ms, secs};

/// A call with ears in which the agent has been audible for `time`.
fn speaking(plan: &Plan, text: &'static str, time: Micros) -> World {
    scenes::speaking(plan, ms(20), text, time)
}

fn mid_sentence() -> World {
    speaking(&Plan::with_ears(), LONG, ms(2_000))
}

fn stops(world: &World) -> usize {
    world.events("barge_in_stop")
}

/// All of the first response came out of the loudspeaker, and as good as nothing
/// twice.
fn heard_whole(world: &World, resumes: u64) {
    assert_eq!(world.phone.played(1), world.received[&1]);
    assert_eq!(world.phone.skipped(), 0);
    let repeated_ms = world.phone.repeated(1) / 8;
    assert!(repeated_ms <= resumes * 200, "{repeated_ms} ms were heard twice");
    let said = world.transcripts(Speaker::Agent).into_iter().find(|t| t.turn == 1).unwrap();
    assert!(!said.interrupted);
    assert_eq!(said.heard.expose(), said.generated.expose());
}

fn nothing_was_taken_back(world: &World) {
    assert_eq!(world.cancels(), 0);
    let takes_back = |e: &ClientEvent| {
        matches!(e, ClientEvent::TruncateItem { .. } | ClientEvent::DeleteItem { .. })
    };
    assert!(!world.told_model().any(takes_back));
}

#[test]
fn a_cough_costs_a_third_of_a_second() {
    let mut world = mid_sentence();
    world.caller_sounds(ms(250), true);
    world.run_for(ms(400));
    assert!(world.is_held());
    assert!(world.phone.is_silent(), "the carrier was cleared");
    world.run_for(secs(12));
    assert_eq!(world.pauses(), [330]);
    heard_whole(&world, 1);
    nothing_was_taken_back(&world);
    assert_eq!(world.creates(), 1, "nobody answers a cough");
    world.hang_up();
    let summary = world.ended();
    assert_eq!((summary.barge_ins, summary.turns), (0, 1));
}

#[test]
fn a_backchannel_is_neither_obeyed_nor_answered() {
    for words in ["mm-hm", "Yeah.", "okay, right"] {
        let mut world = mid_sentence();
        world.caller_says(ms(300), words);
        world.run_for(secs(12));
        assert_eq!(world.pauses().len(), 1, "{words}");
        heard_whole(&world, 1);
        nothing_was_taken_back(&world);
        assert_eq!(world.creates(), 1, "{words} is not answered");
        assert_eq!(world.events("aside"), 1);
        world.hang_up();
        assert_eq!(world.ended().turns, 1);
    }
}

#[test]
fn who_goes_on_speaking_is_believed() {
    for (delay, time) in [(0, 900), (20, 2_000), (60, 3_000), (150, 2_000)] {
        let mut world = scenes::speaking(&Plan::with_ears(), ms(delay), LONG, ms(time));
        let spoke_at = world.now;
        world.caller_says(ms(1_500), "no, wait a moment");
        world.run_for(ms(400));
        assert!(world.is_held());
        nothing_was_taken_back(&world);
        world.run_for(ms(600));
        assert!(!world.is_held());
        let (cut_ms, played_ms) = (world.truncated_at(1).unwrap(), world.phone.played(1) / 8);
        assert!(cut_ms.abs_diff(played_ms) <= 100, "told {cut_ms}, played {played_ms}");
        assert_eq!(world.cancels(), usize::from(!has_all(&world)));
        let stopped = world.phone.last_sound(1).unwrap().since(spoke_at);
        assert!(stopped <= ms(160 + delay), "the phone stopped after {stopped:?}");
        world.run_for(secs(8));
        assert_eq!(world.clears(), 1);
        assert_eq!(world.creates(), 2);
        assert_eq!(world.phone.played(2), world.received[&2], "and is answered");
        world.hang_up();
        assert_eq!((world.ended().barge_ins, world.ended().turns), (1, 2));
    }
}

fn has_all(world: &World) -> bool {
    world.received[&1] == 2_400 * LONG.split(' ').count() as u64
}

#[test]
fn a_word_that_is_known_only_later_still_counts() {
    let mut world = mid_sentence();
    world.caller_says(ms(300), "stop");
    world.run_for(ms(900));
    assert_eq!(world.pauses().len(), 1, "it might have been mm-hm");
    world.run_for(ms(200));
    assert_eq!(world.events("barge_in"), 1);
    let (cut_ms, played_ms) = (world.truncated_at(1).unwrap(), world.phone.played(1) / 8);
    assert!(cut_ms.abs_diff(played_ms) <= 100, "told {cut_ms}, played {played_ms}");
    world.run_for(secs(8));
    assert_eq!(world.creates(), 2, "answered once");
    assert!(world.phone.played(2) > 0);
    assert_eq!(world.phone.skipped(), 0);
    assert_eq!(world.model.overlaps, 0);
}

#[test]
fn what_is_heard_after_going_on_is_what_the_transcript_says() {
    for marks in [true, false] {
        let mut world = mid_sentence();
        world.loses_marks = !marks;
        world.caller_sounds(ms(250), true);
        world.run_for(ms(1_600));
        world.caller_says(ms(1_500), "no, wait");
        world.run_for(ms(1_000));
        let played_ms = world.phone.played(1) / 8;
        assert!((2_500..4_000).contains(&played_ms));
        let cut_ms = world.truncated_at(1).unwrap();
        assert!(cut_ms.abs_diff(played_ms) <= 100, "told {cut_ms}, played {played_ms}");
        let cut = world.transcripts(Speaker::Agent).into_iter().find(|t| t.turn == 1).unwrap();
        let words = cut.heard.expose().split(' ').count() as u64;
        assert!(words.abs_diff(played_ms / 300) <= 2, "{words} words in {played_ms} ms");
        assert!(cut.interrupted);
    }
}

#[test]
fn a_sound_that_is_not_sustained_stops_nobody() {
    let mut world = mid_sentence();
    world.caller_sounds(ms(120), true);
    world.caller_sounds(ms(3_000), false);
    world.run_for(secs(12));
    assert_eq!((stops(&world), world.clears()), (0, 0));
    heard_whole(&world, 0);
}

#[test]
fn a_second_cough_within_the_cooldown_is_spoken_over() {
    let mut world = mid_sentence();
    world.caller_sounds(ms(200), true);
    world.run_for(ms(700));
    world.caller_sounds(ms(200), true);
    world.run_for(ms(1_500));
    assert_eq!((stops(&world), world.pauses().len()), (1, 1));
    world.caller_sounds(ms(200), true);
    world.run_for(ms(1_000));
    assert_eq!(stops(&world), 2, "the cooldown is over");
    world.caller_sounds(ms(200), true);
    world.run_for(ms(500));
    assert_eq!(stops(&world), 2, "and twice as long the second time");
    world.run_for(secs(12));
    heard_whole(&world, 2);
}

#[test]
fn a_word_is_heard_in_the_cooldown_too() {
    let mut world = mid_sentence();
    world.caller_sounds(ms(200), true);
    world.run_for(ms(500));
    world.caller_says(ms(300), "stop");
    world.run_for(ms(1_000));
    assert_eq!((stops(&world), world.events("barge_in")), (1, 1));
}

#[test]
fn an_echo_of_what_the_agent_says_is_neither_obeyed_nor_answered() {
    let mut world = mid_sentence();
    world.model_hears(ms(900), "quite a few things");
    world.run_for(secs(12));
    assert_eq!((stops(&world), world.clears()), (0, 0));
    heard_whole(&world, 0);
    assert_eq!(world.creates(), 1);
}

#[test]
fn a_caller_whom_our_ears_miss_is_heard_by_his_words() {
    let mut world = mid_sentence();
    world.model_hears(ms(900), "could you stop please");
    world.run_for(ms(1_700));
    assert_eq!((stops(&world), world.events("barge_in")), (0, 1));
    world.run_for(secs(6));
    assert_eq!(world.creates(), 2);
    assert!(world.phone.played(2) > 0);
}

#[test]
fn a_yes_to_the_end_of_a_question_is_an_answer() {
    let mut world = speaking(&Plan::with_ears(), "shall I book you in for Monday", ms(1_500));
    world.caller_says(ms(300), "yes");
    world.run_for(secs(6));
    assert_eq!(world.creates(), 2);
    assert_eq!(world.phone.played(1), world.received[&1], "the question is said to its end");
    assert_eq!(world.phone.played(2), world.received[&2]);
}

#[test]
fn a_noise_that_was_taken_for_a_voice_is_made_up_for() {
    let mut world = mid_sentence();
    world.caller_sounds(ms(1_500), true);
    world.run_for(ms(1_000));
    assert_eq!(world.events("barge_in"), 1);
    world.run_for(secs(6));
    assert_eq!(world.events("barge_in_false"), 1);
    assert_eq!(world.count(|o| matches!(o, Output::Metric(Metric::BargeInFalse))), 1);
    assert!(world.phone.played(2) > 0, "the agent goes on");
    world.hang_up();
    assert_eq!(world.ended().turns, 1);
}

#[test]
fn what_was_cut_for_a_backchannel_is_counted() {
    let mut world = mid_sentence();
    world.caller_says(ms(900), "mm-hm");
    world.run_for(secs(4));
    assert_eq!((world.events("barge_in"), world.events("barge_in_false")), (1, 1));
}

#[test]
fn the_stop_is_measured_from_the_first_sound() {
    let mut world = mid_sentence();
    world.caller_says(ms(1_500), "no, wait");
    world.run_for(secs(3));
    let stop = world.outputs.iter().find_map(|(_, o)| match o {
        Output::Metric(Metric::BargeInStop(took)) => Some(*took),
        _ => None,
    });
    assert_eq!(stop, Some(ms(160)));
}

#[test]
fn a_stop_at_the_very_beginning_begins_again() {
    let mut world = speaking(&Plan::with_ears(), LONG, Micros::ZERO);
    world.caller_sounds(ms(200), true);
    world.run_for(secs(14));
    assert_eq!(world.pauses().len(), 1);
    heard_whole(&world, 1);
}

#[test]
fn a_stop_when_all_has_been_heard_stops_nothing() {
    let text = "that is all";
    let mut world = scenes::speaking(&Plan::with_ears(), ms(150), text, ms(750));
    world.caller_sounds(ms(200), true);
    world.run_for(secs(5));
    assert_eq!((stops(&world), world.clears()), (0, 0));
    assert_eq!(world.phone.played(1), world.received[&1]);
}

/// Two items are in the carrier's buffer, the second of them whole.
fn two_items() -> World {
    let mut world = World::started(&Plan::with_ears());
    world.past_greeting();
    world.tools.insert("look_up", (ms(10), ToolEffect::GoOn));
    world
        .model
        .replies
        .push_back(Reply::says("one moment please").with_tools(&[("look_up", "{}")]));
    world.model.replies.push_back(Reply::says("ten o'clock"));
    world.caller_speaks(ms(800), "tell me");
    world.run_until_sent(2);
    world
}

#[test]
fn items_behind_the_one_that_was_stopped_follow_it_again() {
    let mut world = two_items();
    assert!(world.phone.played(1) < world.received[&1]);
    world.caller_sounds(ms(200), true);
    world.run_for(ms(300));
    assert!(world.is_held());
    world.run_for(secs(6));
    for tag in [1, 2] {
        assert_eq!(world.phone.played(tag), world.received[&tag]);
    }
    assert_eq!(world.phone.skipped(), 0);
    assert!(world.transcripts(Speaker::Agent).iter().all(|t| !t.interrupted));
}

#[test]
fn items_behind_the_one_that_was_stopped_are_deleted_whole() {
    let mut world = two_items();
    world.caller_says(ms(1_200), "no, wait");
    world.run_for(ms(1_000));
    assert!(world.truncated_at(1).is_some());
    assert!(world.deleted(2) && world.truncated_at(2).is_none());
    assert_eq!(world.model.wrong_truncations, 0);
    assert_eq!(world.phone.played(2), 0);
}

#[test]
fn marks_that_a_clear_returns_are_not_heard() {
    let mut world = mid_sentence();
    world.caller_says(ms(1_500), "no, wait");
    world.run_for(ms(1_000));
    let stale = world.downlink.stale().1;
    assert!(stale >= 5, "a second of marks came back at once, {stale}");
    assert!(world.truncated_at(1).unwrap() < 2_500);
}

#[test]
fn a_cough_every_three_hundred_milliseconds_for_a_minute() {
    let mut world = speaking(&Plan::with_ears(), LONG, ms(500));
    for _ in 0..200 {
        world.caller_sounds(ms(200), true);
        world.run_for(ms(300));
        assert_eq!(world.phone.skipped(), 0);
    }
    let resumed = world.pauses().len();
    assert!((1..=15).contains(&resumed), "{resumed} stops");
    world.run_for(secs(10));
    heard_whole(&world, resumed as u64);
    assert_eq!(world.cancels(), 0);
}

#[test]
fn a_word_every_three_hundred_milliseconds_for_a_minute() {
    let mut world = speaking(&Plan::with_ears(), LONG, ms(500));
    for round in 0..200 {
        if round % 2 == 0 {
            world.model.replies.push_back(Reply::says(LONG));
        }
        world.caller_sounds(ms(200), true);
        world.caller_speaks(ms(250), "stop");
        world.run_for(ms(300));
    }
    world.model.replies.clear();
    world.run_for(secs(10));
    assert_eq!(world.model.overlaps, 0);
    assert_eq!(world.model.wrong_truncations, 0);
    assert!(world.phone.played(world.model.last_tag()) > 0, "the last word is answered");
}

#[test]
fn a_model_that_owns_the_turns_is_believed_at_once() {
    let mut world = speaking_by_itself(Plan::with_ears());
    world.caller_says(ms(1_200), "stop it");
    world.run_for(ms(190));
    assert!(world.is_held(), "our ears were sooner");
    world.run_for(ms(30));
    assert!(!world.is_held());
    assert_eq!((world.clears(), world.events("barge_in")), (1, 1));
}

#[test]
fn the_clear_comes_before_all_else() {
    let mut world = mid_sentence();
    world.caller_says(ms(1_500), "no, wait");
    let from = world.wire.len();
    world.run_for(ms(165));
    assert_eq!(world.wire[from..].last().map(|(_, w)| w), Some(&Wire::Clear));
    world.run_for(ms(600));
    let after = world.wire[from..].iter().skip_while(|(_, w)| *w != Wire::Clear).count();
    assert_eq!(after, 1, "and nothing follows it");
}
