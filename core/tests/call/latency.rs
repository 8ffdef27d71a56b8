//! Where each turn's time goes, as the call tells it.

use serde_json::Value;
use trunkline_core::call::{Child, Metric, ModelEvent, Output, ToolEffect};
use trunkline_core::tenant::{Mode, Turns};
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;

use crate::support::{Plan, Reply, World, ms, response_of, secs};

fn conversation(plan: &Plan) -> World {
    let mut world = World::started(plan);
    world.past_greeting();
    world
}

/// What was stored of each turn, in order.
fn turns(world: &World) -> Vec<Value> {
    let events = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Event { kind: "turn_latency", data } => Some(data.clone()),
        _ => None,
    });
    events.collect()
}

fn stage(turn: &Value, stage: Stage) -> Option<u64> {
    turn["stages_ms"][stage.as_str()].as_u64()
}

fn measured(world: &World) -> Vec<(Mode, Stage, u64)> {
    let metrics = world.outputs.iter().filter_map(|(_, output)| match output {
        Output::Metric(Metric::TurnStage { mode, stage, after }) => {
            Some((*mode, *stage, after.as_millis()))
        }
        _ => None,
    });
    metrics.collect()
}

#[test]
fn a_turn_is_told_once_its_answer_was_heard() {
    let mut world = conversation(&Plan::default());
    let began = world.now;
    world.caller_speaks(ms(1_200), "when are you open");
    world.run_for(ms(2_000));
    assert!(turns(&world).is_empty(), "the answer goes on");
    world.run_for(secs(8));
    let told = turns(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    let turn = &told[0];
    assert_eq!((turn["turn"].as_u64(), turn["mode"].as_str()), (Some(1), Some("realtime")));
    // The model's own window of silence lies between the last sound and its report.
    let ended = began + ms(1_200 - 500);
    assert_eq!(turn["speech_ended_at_ms"].as_u64(), Some(ended.as_millis()));
    assert_eq!(stage(turn, Stage::TurnDecided), Some(520));
    assert_eq!(stage(turn, Stage::FinalTranscript), Some(650));
    let [created, wire, heard] = [Stage::ResponseCreated, Stage::OnTheWire, Stage::Heard]
        .map(|s| stage(turn, s).expect("a stage"));
    assert!(520 <= created && created < wire && wire <= heard, "{turn}");
    assert_eq!(stage(turn, Stage::FirstToken), None, "no pipeline");
    assert_eq!((&turn["tool_ms"], &turn["interrupted"]), (&Value::Null, &Value::Bool(false)));
    assert!(measured(&world).contains(&(Mode::Realtime, Stage::OnTheWire, wire)));
}

#[test]
fn heard_is_what_the_carriers_mark_says_and_else_the_clock() {
    let heard = |loses_marks: bool| {
        let mut world = conversation(&Plan::default());
        world.line_delay = ms(80);
        world.loses_marks = loses_marks;
        world.caller_speaks(ms(800), "when are you open");
        world.run_for(secs(8));
        world.hang_up();
        let turn = turns(&world).remove(0);
        stage(&turn, Stage::Heard).unwrap() - stage(&turn, Stage::OnTheWire).unwrap()
    };
    // There and back.
    assert_eq!(heard(false), 160);
    assert_eq!(heard(true), 0);
}

#[test]
fn a_tool_and_the_filler_beside_it_are_told() {
    let mut world = conversation(&Plan::default());
    world.tools.insert("slow", (secs(3), ToolEffect::GoOn));
    world.model.replies.push_back(Reply::calls(&[("slow", "{}")]));
    world.caller_speaks(ms(500), "when are you open");
    world.run_for(secs(15));
    let told = turns(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["tool_ms"], 3_000);
    let filler = told[0]["filler_ms"].as_u64().expect("the caller was told to wait");
    let wire = stage(&told[0], Stage::OnTheWire).unwrap();
    assert!(filler < wire && wire > 3_000, "the filler is no answer: {}", told[0]);
}

#[test]
fn an_answer_that_is_cut_short_is_told_as_interrupted() {
    let mut world = conversation(&Plan::default());
    world.model.replies.push_back(Reply::says("This is a long answer, and it goes on and on."));
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    world.run_for(ms(500));
    world.caller_speaks(ms(700), "no, wait");
    world.run_for(secs(10));
    let told = turns(&world);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((&told[0]["interrupted"], &told[1]["interrupted"]), (&true.into(), &false.into()));
    assert!(stage(&told[0], Stage::Heard).is_some());
}

#[test]
fn a_call_that_ends_in_its_answer_tells_the_turn() {
    let mut world = conversation(&Plan::default());
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    world.hang_up();
    let told = turns(&world);
    assert_eq!(told.len(), 1);
    assert_eq!(stage(&told[0], Stage::OnTheWire), None, "it had not come");
}

#[test]
fn what_a_pipeline_tells_of_its_response_is_the_turns_and_of_another_is_not() {
    let mut world = conversation(&Plan::default());
    world.caller_speaks(ms(500), "tell me");
    world.run_until_sent(1);
    let stopped = world.now;
    for (tag, stage, at) in
        [(9, Stage::FirstToken, 1), (1, Stage::FirstToken, 2), (1, Stage::FirstToken, 3)]
    {
        let at = Micros(stopped.0 + at * 1_000);
        world.model_says_in(ms(0), ModelEvent::Reached { response: response_of(tag), stage, at });
    }
    world.run_for(secs(8));
    let told = turns(&world);
    assert_eq!(told[0]["mode"], "pipeline");
    let token = stage(&told[0], Stage::FirstToken).unwrap();
    let began = told[0]["speech_ended_at_ms"].as_u64().unwrap();
    assert_eq!(began + token, stopped.as_millis() + 2);
}

#[test]
fn speech_ends_when_the_session_knows_that_it_did_but_not_later_than_was_thought() {
    let ended = |at: i64| {
        let mut world = conversation(&Plan::default());
        let thought = world.now.as_millis() + 1_000 - 500;
        let at = Micros::from_millis(thought.saturating_add_signed(at));
        world.caller_speaks(ms(1_000), "tell me");
        world.model_says_in(ms(1_000), ModelEvent::SpeechEnded { at });
        world.run_for(secs(9));
        turns(&world)[0]["speech_ended_at_ms"].as_i64().unwrap() - i64::try_from(thought).unwrap()
    };
    assert_eq!((ended(-150), ended(150)), (-150, 0));
}

#[test]
fn a_model_that_takes_its_own_turns_has_decided_when_it_answers() {
    let mut world = conversation(&Plan { turns: Turns::Model, ..Plan::default() });
    world.model.decides = true;
    world.caller_speaks(ms(800), "when are you open");
    world.run_for(secs(8));
    world.hang_up();
    let told = turns(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    let decided = stage(&told[0], Stage::TurnDecided).unwrap();
    assert!(Some(decided) <= stage(&told[0], Stage::ResponseCreated), "{}", told[0]);
    assert!(stage(&told[0], Stage::OnTheWire).is_some(), "{}", told[0]);
}

#[test]
fn a_turn_whose_session_is_lost_is_told_of_the_next_one() {
    let mut world = conversation(&Plan::default());
    world.caller_speaks(ms(500), "tell me");
    world.run_for(ms(600));
    world.kill(Child::RealtimeSession);
    world.run_for(secs(12));
    let told = turns(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(stage(&told[0], Stage::Heard).is_some(), "{}", told[0]);
}
