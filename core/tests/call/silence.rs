//! The caller says nothing.

use trunkline_core::call::{Disposition, Input, Outcome, PhaseName, Sentence, ToolEffect};
use trunkline_core::tenant::Limits;
use trunkline_core::time::Micros;
use trunkline_core::turn::silence::{AfterSilence, SilenceSettings};
use trunkline_core::wire::realtime::{ClientEvent, Item};

use crate::support::{
    Dial, GREETING_TAG, NUDGE, Plan, Reply, SENTENCE_BYTES, SENTENCE_TAG, World, ms, secs,
};

fn conversation(plan: &Plan) -> World {
    let mut world = World::started(plan);
    world.model.replies.push_back(Reply::says("Are you still there?"));
    world.past_greeting();
    world
}

fn assert_about(at: Option<Micros>, wanted: Micros) {
    let at = at.expect("it happened");
    let off = at.since(wanted).max(wanted.since(at));
    assert!(off <= ms(100), "{at:?}, not {wanted:?}");
}

#[test]
fn six_seconds_of_it_bring_a_question_and_three_more_a_goodbye() {
    let mut world = conversation(&Plan::default());
    let greeted_at = world.phone.last_sound(GREETING_TAG).unwrap();
    world.run_for(secs(30));
    assert!(world.asked_to_say(NUDGE));
    assert_about(world.event_at("silence"), greeted_at + secs(6));
    let asked_at = world.phone.last_sound(1).expect("the question is heard");
    assert_about(world.event_at("goodbye"), asked_at + secs(3));
    assert!(world.asked_to_say("Goodbye and thank you."));
    assert_eq!(world.phone.played(2), world.received[&2], "the goodbye is heard whole");
    assert_eq!(world.ended().outcome, Outcome::Timeout);
    assert_eq!(world.reason(), Some("silence"));
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
}

#[test]
fn a_kept_question_is_asked_without_the_model_which_is_told_of_it() {
    let plan = Plan { kept: vec![Sentence::Nudge], ..Plan::default() };
    let mut world = conversation(&plan);
    world.run_for(secs(7));
    assert_eq!(world.creates(), 0);
    assert_eq!(world.phone.played(SENTENCE_TAG), SENTENCE_BYTES);
    let told = world.told_model().any(|event| match event {
        ClientEvent::CreateItem(Item::AssistantText { id: Some(id), text }) => {
            id.as_str() == "sentence_1" && text == NUDGE
        }
        _ => false,
    });
    assert!(told);
}

#[test]
fn a_caller_who_answers_the_question_has_all_the_time_again() {
    let mut world = conversation(&Plan::default());
    world.run_for(secs(8));
    assert_eq!(world.events("silence"), 1);
    world.caller_speaks(ms(600), "yes, one moment");
    world.run_for(secs(4));
    let heard_until = world.phone.last_sound(2).expect("an answer");
    world.run_until(heard_until + ms(5_900));
    assert_eq!(world.events("silence"), 1);
    world.run_for(ms(400));
    assert_eq!(world.events("silence"), 2, "a question again, not the end");
    assert_ne!(world.call.phase(), PhaseName::Goodbye);
}

#[test]
fn a_key_is_a_sign_of_life() {
    let mut world = conversation(&Plan::default());
    world.run_for(secs(3));
    world.press('5');
    world.run_for(secs(5));
    assert_eq!(world.events("silence"), 0);
    world.run_for(secs(5));
    assert_eq!(world.events("silence"), 1);
    world.press('5');
    world.run_for(secs(7));
    assert_eq!(world.events("silence"), 1, "the question is forgotten");
    assert_ne!(world.call.phase(), PhaseName::Goodbye);
}

#[test]
fn a_tool_that_runs_is_no_silence() {
    let limits = Limits { tool_timeout_ms: 60_000, ..Limits::default() };
    let mut world = World::started(&Plan { limits, filler: None, ..Plan::default() });
    world.past_greeting();
    world.tools.insert("book", (secs(20), ToolEffect::GoOn));
    world.model.replies.push_back(Reply::calls(&[("book", "{}")]));
    world.caller_speaks(ms(500), "book it");
    world.run_for(secs(20));
    assert_eq!(world.events("silence"), 0);
}

#[test]
fn a_long_sentence_is_no_silence() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    let long = "one two three four five six seven eight nine ten eleven twelve thirteen \
                fourteen fifteen sixteen seventeen eighteen nineteen twenty and so on and on \
                until the caller has nearly forgotten what it was about";
    world.model.replies.push_back(Reply::says(long));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(secs(9));
    assert_eq!(world.events("silence"), 0);
    assert!(!world.phone.is_silent());
    while world.events("silence") == 0 {
        world.run_for(ms(50));
    }
    assert_about(world.event_at("silence"), world.phone.last_sound(1).unwrap() + secs(6));
}

#[test]
fn a_caller_who_speaks_for_long_is_not_silent() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(secs(20), "a long story");
    world.run_for(secs(20));
    assert_eq!(world.events("silence"), 0);
}

#[test]
fn lost_marks_do_not_hide_it() {
    let mut world = World::new(&Plan::default());
    world.loses_marks = true;
    world.tell(Input::Started);
    world.run_for(secs(9));
    assert_eq!(world.events("silence"), 1);
}

#[test]
fn while_the_model_is_away_silence_is_ours() {
    let mut world = conversation(&Plan::default());
    world.run_for(ms(3_000));
    world.model.dials.push_back(Dial::Ready(ms(2_500)));
    world.lose_model(true);
    world.run_for(secs(3));
    assert_eq!(world.events("silence"), 0);
}

#[test]
fn the_second_step_is_the_tenants_choice() {
    let human = SilenceSettings { then: AfterSilence::Human, ..SilenceSettings::default() };
    let mut world = conversation(&Plan { silence: human, ..Plan::default() });
    world.run_for(secs(30));
    assert_eq!(world.disposition(), Some(Disposition::Transfer));
    assert_eq!(world.reason(), Some("silence"));
    assert_eq!(world.ended().outcome, Outcome::Transferred);

    let mut world = conversation(&Plan { silence: human, human: false, ..Plan::default() });
    world.run_for(secs(30));
    assert_eq!(world.disposition(), Some(Disposition::HangUp), "there is nobody");
    assert_eq!(world.ended().outcome, Outcome::Timeout);
}

#[test]
fn after_a_text_message_the_line_is_kept_for_half_a_minute() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tools.insert("send_sms", (ms(200), ToolEffect::TextSent));
    world.model.replies.push_back(Reply::calls(&[("send_sms", "{}")]));
    world.model.replies.push_back(Reply::says("I have sent you a link."));
    world.caller_speaks(ms(500), "send it to me");
    world.run_for(secs(5));
    let said_at = world.phone.last_sound(2).expect("the agent says what it did");
    world.run_until(said_at + secs(29));
    assert_eq!(world.events("silence"), 0);
    world.run_for(secs(10));
    assert_about(world.event_at("goodbye"), said_at + secs(30));
    assert_eq!(world.ended().outcome, Outcome::Handoff);
    assert_eq!(world.disposition(), Some(Disposition::HangUp));
}

#[test]
fn a_question_that_the_model_does_not_ask_leads_to_another_model_or_a_human() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(500), "hello");
    world.run_for(secs(4));
    assert!(world.phone.played(1) > 0);
    world.model.replies.extend(vec![Reply { mute: true, ..Reply::default() }; 9]);
    world.run_for(secs(40));
    assert_eq!(world.reason(), Some("model_mute"));
    assert_eq!(world.disposition(), Some(Disposition::Bridge));
}
