//! The caller is gone, or the stream is.

use trunkline_core::call::{
    Child, Disposition, Exit, Input, Outcome, Output, PhaseName, ToolEffect,
};

use crate::scenes::in_last_words;
use crate::support::{Dial, Plan, Reply, World, ms, secs};

fn assert_all_freed(world: &World) {
    assert_eq!(world.ended_at(), world.now, "at once");
    assert_eq!(world.call.poll_timeout(), None);
    let position = |is_it: fn(&Output) -> bool| {
        world.outputs.iter().position(|(_, o)| is_it(o)).expect("done")
    };
    let disposition = position(|o| matches!(o, Output::Disposition(_)));
    let close = position(|o| matches!(o, Output::CloseStream));
    assert!(disposition < close, "the carrier may ask as soon as its stream closes");
    position(|o| matches!(o, Output::StopModel));
}

#[test]
fn before_a_word_was_said_the_call_was_abandoned() {
    let mut world = World::new(&Plan::uncached());
    world.model.dials.push_back(Dial::Hangs);
    world.tell(Input::Started);
    world.run_for(ms(500));
    world.hang_up();
    assert_all_freed(&world);
    assert_eq!(world.ended().outcome, Outcome::Abandoned);
    assert_eq!(world.disposition(), Some(Disposition::CallerGone));
    assert_eq!(world.reason(), Some("caller_hung_up"));
}

#[test]
fn during_the_greeting_too_and_the_record_says_what_was_heard() {
    let mut world = World::started(&Plan::default());
    world.run_for(ms(900));
    world.hang_up();
    assert_all_freed(&world);
    assert_eq!(world.ended().outcome, Outcome::Abandoned);
    let said = world.transcripts(trunkline_core::call::Speaker::Agent);
    assert!(said[0].interrupted && said[0].heard.expose().len() < said[0].generated.expose().len());
}

#[test]
fn after_a_turn_it_was_a_conversation() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.hang_up();
    assert_all_freed(&world);
    assert_eq!(world.ended().outcome, Outcome::Completed);
}

#[test]
fn while_a_tool_runs_and_while_the_model_is_away() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.replies.push_back(Reply::calls(&[("never_ends", "{}")]));
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(1_200));
    world.hang_up();
    assert_all_freed(&world);

    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.model.dials.push_back(Dial::Hangs);
    world.lose_model(true);
    world.hang_up();
    assert_all_freed(&world);
}

#[test]
fn during_the_last_words_the_call_came_to_what_they_were_about() {
    let mut world = in_last_words();
    world.hang_up();
    assert_all_freed(&world);
    assert_eq!(world.ended().outcome, Outcome::Completed);
    assert_eq!(world.reason(), None);
}

#[test]
fn a_caller_who_does_not_wait_for_the_human_was_not_transferred() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.tools.insert("transfer_to_human", (ms(5), ToolEffect::Transfer));
    let reply = Reply::says("I will put you through to one of us now.");
    world.model.replies.push_back(reply.with_tools(&[("transfer_to_human", "{}")]));
    world.caller_speaks(ms(500), "a human please");
    world.run_for(ms(1_700));
    assert_eq!(world.call.phase(), PhaseName::Goodbye);
    world.hang_up();
    assert_all_freed(&world);
    assert_eq!(world.ended().outcome, Outcome::Completed);
    assert!(!world.ended().handoff);
    assert_eq!(world.disposition(), Some(Disposition::Transfer), "should the line be up after all");
}

#[test]
fn a_lost_stream_leads_to_the_human() {
    let ways = [
        Input::StreamLost { reason: "reset by peer".to_owned() },
        Input::ChildExited { child: Child::TwilioStream, exit: Exit::Panicked },
    ];
    for way in ways {
        let mut world = World::started(&Plan::default());
        world.past_greeting();
        world.run_until(secs(6));
        world.tell(way);
        assert_all_freed(&world);
        assert_eq!(world.disposition(), Some(Disposition::Bridge));
        assert_eq!(world.reason(), Some("stream_lost"));
        assert!(world.ended().bridged);
    }
}

#[test]
fn after_the_end_everything_is_stale_and_nothing_happens() {
    let mut world = World::started(&Plan::default());
    world.past_greeting();
    world.hang_up();
    let so_far = world.outputs.len();
    world.press('0');
    world.hang_up();
    world.tell(Input::Started);
    world.tell(Input::Model(trunkline_core::call::ModelEvent::SpeechStarted));
    world.tell(Input::TurnEnded { utterances: 1 });
    world.tell(Input::ChildExited { child: Child::BargeIn, exit: Exit::Normal });
    world.recording.timeout(&world.call, secs(4_000));
    world.call.handle_timeout(secs(4_000));
    world.run_until(secs(4_000));
    assert_eq!(world.outputs.len(), so_far + 6);
    assert_eq!(world.stale("after_end"), 6);
}
