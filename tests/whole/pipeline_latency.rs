//! Where a turn's time goes, as it is stored and measured; and how much of it is
//! ours when the services take none.

use serde_json::Value;
use trunkline_core::turn::waterfall::Stage;
use trunkline_simulator::carrier::CallReport;

use crate::support::{CALLS_AT_ONCE, Crowd, World, WorldPlan, wait_for};

const CALLER: &str = "wait greeting
    say Hi, I would like to book an appointment for next Tuesday.
    wait reply
    hangup";

/// Callers at once.
const CALLERS: usize = 8;

/// The recogniser's silence and the window in which utterances are merged.
const ENDPOINT_MS: u64 = 520;

/// Ten times what is ours to take at most, and the frames' own 20 ms.
const OURS_MS: u64 = 320;

fn no_latency(plan: WorldPlan) -> WorldPlan {
    plan.knobs(|knobs| {
        knobs.latency_ms = 0;
        knobs.transcript_ms = 0;
        knobs.first_token_ms = 0;
        knobs.token_ms = 0;
        knobs.first_audio_ms = 0;
    })
}

fn turns(stored: &Value) -> Vec<Value> {
    stored["turns"].as_array().expect("turns").clone()
}

fn at(turn: &Value, stage: Stage) -> Option<u64> {
    turn["stages_ms"][stage.as_str()].as_u64()
}

/// The stages of a turn that were reached, in their order, with their times.
fn reached(turn: &Value) -> Vec<(Stage, u64)> {
    Stage::ALL.iter().filter_map(|stage| Some((*stage, at(turn, *stage)?))).collect()
}

/// What it takes where nothing else of the machine is in the way, or the least.
fn least(values: impl Iterator<Item = u64>) -> u64 {
    values.min().expect("a value")
}

async fn all_of(world: &World) -> (Vec<CallReport>, Vec<Value>) {
    let crowd = Crowd::at_once(world.calls(CALLERS, CALLER));
    let reports: Vec<_> = crowd.reports().await.into_iter().map(|past| past.report).collect();
    let mut told = Vec::new();
    for report in &reports {
        assert_eq!(report.failure(), None, "{report:?}");
        told.extend(turns(&world.stored(&report.call_sid).await));
    }
    (reports, told)
}

#[actix_rt::test]
async fn services_that_take_no_time_leave_little_more_than_the_endpoint() {
    let plan = World::plan().shop("limits.concurrent_calls = 0").pipeline();
    let plan = plan.env("WARM_PHRASES", true).env(CALLS_AT_ONCE, CALLERS);
    let world = no_latency(plan).start().await;
    // A greeting with a gap in it would be spoken over.
    wait_for("the greeting to be rendered ahead", async || {
        world.server.log().contains("set sentences were rendered ahead").then_some(())
    })
    .await;
    let (reports, told) = all_of(&world).await;
    // On a machine that is busy some callers take a gap for the answer's end.
    let whole = |turn: &&Value| reached(turn).len() == Stage::ALL.len();
    assert!(told.iter().filter(whole).count() >= CALLERS / 2, "{told:?}");
    for turn in told.iter().filter(whole) {
        assert_eq!(turn["mode"], "pipeline");
        let reached = reached(turn);
        assert!(reached.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{turn}");
        assert!(at(turn, Stage::TurnDecided).unwrap() >= 480, "{turn}");
    }
    // What the carrier's side saw, from the audio alone.
    let replies = reports.iter().flat_map(|report| &report.streams[0].replies);
    // What comes before the endpoint is the rest of what was said before.
    let waited = least(replies.map(|reply| reply.after_us / 1_000).filter(|ms| *ms >= 480));
    assert!(waited <= ENDPOINT_MS + OURS_MS, "{waited} ms");
    let ours = told
        .iter()
        .filter(whole)
        .map(|turn| at(turn, Stage::OnTheWire).unwrap() - at(turn, Stage::TurnDecided).unwrap());
    let ours = least(ours);
    assert!(ours <= OURS_MS, "{ours} ms: {told:?}");

    let metrics = world.metrics().await;
    for stage in Stage::ALL {
        let labels = [("mode", "pipeline"), ("stage", stage.as_str())];
        let counted = metrics.with("trunkline_turn_stage_seconds_count", &labels);
        let reached = told.iter().filter(|turn| at(turn, stage).is_some()).count();
        assert_eq!(counted, reached as f64, "{stage:?}");
    }
}

#[actix_rt::test]
async fn a_services_own_time_is_in_its_stage() {
    let world = no_latency(World::plan().pipeline())
        .knobs(|knobs| {
            knobs.transcript_ms = 150;
            knobs.first_token_ms = 350;
            knobs.first_audio_ms = 120;
        })
        .start()
        .await;
    let report = world.place(CALLER).await;
    assert_eq!(report.failure(), None, "{report:?}");
    for turn in turns(&world.stored(&report.call_sid).await) {
        let spent = |from: Stage, to: Stage| at(&turn, to).unwrap() - at(&turn, from).unwrap();
        assert!(at(&turn, Stage::FinalTranscript).unwrap() >= 500 + 150 - 40, "{turn}");
        assert!(spent(Stage::ResponseCreated, Stage::FirstToken) >= 350, "{turn}");
        assert!(spent(Stage::FirstSentence, Stage::FirstAudio) >= 120, "{turn}");
    }
}

#[actix_rt::test]
async fn a_speech_models_turns_have_the_stages_that_there_are() {
    let world = World::start().await;
    let report = world.place("wait greeting\nsay Hello, what are your opening hours on Saturday?\nwait reply\nwait 1s\nhangup").await;
    assert_eq!(report.failure(), None, "{report:?}");
    let told = turns(&world.stored(&report.call_sid).await);
    assert_eq!(told.len(), 1, "{told:?}");
    let turn = &told[0];
    assert_eq!(turn["mode"], "realtime");
    assert!(turn["tool_ms"].is_u64(), "the tool ran: {turn}");
    let stages: Vec<_> = reached(turn).into_iter().map(|(stage, _)| stage).collect();
    let there = [
        Stage::FinalTranscript,
        Stage::TurnDecided,
        Stage::ResponseCreated,
        Stage::FirstAudio,
        Stage::OnTheWire,
        Stage::Heard,
    ];
    assert_eq!(stages, there, "{turn}");
    assert!(at(turn, Stage::FirstAudio) <= at(turn, Stage::OnTheWire), "{turn}");
    assert!(at(turn, Stage::OnTheWire) <= at(turn, Stage::Heard), "{turn}");
}
