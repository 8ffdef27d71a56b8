//! Calls that a recogniser, a language model and a voice answer in place of a
//! speech model: from the outside they are the same.

use trunkline_simulator::carrier::CallReport;
use trunkline_simulator::providers::{Knobs, Provider};

use crate::support::{HUMAN, World, agent_line, fact, kinds, lines_of, stream};

/// The call of the whole-conversation test, word for word.
const CALLER: &str = "wait greeting
    say Hello, what are your opening hours on Saturday?
    wait reply
    say Sorry, that is all I needed, thank you. Goodbye!
    expect hangup within 20s";

async fn placed(world: &World, script: &str) -> CallReport {
    let report = world.place(script).await;
    let services = (world.providers.hearings(), world.providers.chats(), world.providers.spoken());
    assert_eq!(report.failure(), None, "{report:?}\n{services:?}");
    report
}

/// The texts that the voices of one service spoke.
fn spoken_by(world: &World, service: &str) -> Vec<String> {
    let spoken = world.providers.spoken();
    spoken.into_iter().filter(|s| s.provider == service).map(|s| s.text).collect()
}

#[actix_rt::test]
async fn a_caller_is_greeted_answered_and_the_call_is_stored() {
    let world = World::plan().pipeline().start().await;
    let report = placed(&world, CALLER).await;
    assert_eq!(report.verbs.last().map(String::as_str), Some("Hangup"));
    world.assert_not_dialled();

    let stored = world.stored(&report.call_sid).await;
    let call = &stored["call"];
    assert_eq!(call["outcome"], "completed", "{stored:#}");
    assert_eq!(call["mode"], "pipeline");
    assert_eq!(call["model"], "first-model");
    assert_eq!(call["voice"], "en-US-AvaNeural");
    assert_eq!(call["turn_count"], 2);
    assert_eq!(call["tool_call_count"], 2);
    assert_eq!(call["handoff"], false);
    let said = lines_of(&stored, "caller");
    assert_eq!(said[0]["heard"], "Hello, what are your opening hours on Saturday?");
    assert_eq!(agent_line(&stored, "Let me look that up")["interrupted"], false);
    let told = lines_of(&stored, "agent");
    let result = told.iter().any(|line| line["heard"].as_str().unwrap().contains("Nine to five"));
    assert!(result, "the tool's result reached the caller: {told:?}");
    for kind in ["model_ready", "first_audio", "turn_ended", "tool_called", "call_ended"] {
        assert!(kinds(&stored).iter().any(|k| k == kind), "{kind} is missing: {stored:#}");
    }
    assert_eq!(stream(&report).playback.stale_frames, 0);

    // The language model was told of the tool's result behind its call.
    let chats = world.providers.chats();
    assert!(chats.iter().all(|chat| chat.model == "first-model"), "{chats:?}");
    let after = chats[1].messages.as_array().unwrap();
    let roles: Vec<&str> = after.iter().map(|m| m["role"].as_str().unwrap()).collect();
    assert!(roles.ends_with(&["user", "assistant", "tool"]), "{roles:?}");

    world.assert_idle().await;
    let history = world.get(&format!("/ops/actors?call={}", report.call_sid)).await;
    let ended = history["ended"].as_array().unwrap();
    for kind in ["call", "pipeline_session", "barge_in", "turn_manager", "tool_runner"] {
        let actor = ended.iter().find(|actor| actor["kind"] == kind).expect(kind);
        assert_eq!(actor["last_exit"], "normal", "{actor}");
    }
}

#[actix_rt::test]
async fn an_interrupted_answer_is_remembered_as_it_was_heard() {
    let world = World::plan().pipeline().start().await;
    let report = placed(
        &world,
        "wait greeting
         say Tell me about your services.
         wait speaking 2s
         say Sorry, that is all I needed, thank you. Goodbye!
         expect hangup within 20s",
    )
    .await;
    assert!(stream(&report).interruptions[0].cleared_after_ms.is_some(), "{report:?}");
    assert_eq!(stream(&report).playback.stale_frames, 0);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["barge_in_count"], 1, "{stored:#}");
    assert_eq!(stored["call"]["outcome"], "completed");
    assert!(fact(&stored, "barge_in")["heard_ms"].as_u64().unwrap() > 500);
    let line = agent_line(&stored, "Of course.");
    assert_eq!(line["interrupted"], true);
    let heard = line["heard"].as_str().unwrap();

    // What the model was told next that it had said is what was heard.
    let chats = world.providers.chats();
    let messages = chats[1].messages.as_array().unwrap();
    let texts: Vec<&str> = messages.iter().filter_map(|m| m["content"].as_str()).collect();
    let remembered = texts.iter().find(|text| text.starts_with("Of course.")).expect("the answer");
    assert!(!remembered.contains("arrange a first visit"), "{remembered}");
    let (short, long) = (heard.len().min(remembered.len()), heard.len().max(remembered.len()));
    assert!(long - short <= 40, "heard {heard:?}, remembered {remembered:?}");
    // Nobody spoke far ahead of the caller's ear.
    let spoken = spoken_by(&world, "azure");
    assert!(!spoken.iter().any(|text| text.contains("arrange a first visit")), "{spoken:?}");
}

#[actix_rt::test]
async fn the_second_call_is_greeted_without_asking_a_voice() {
    let world = World::plan().pipeline().start().await;
    let first = placed(&world, "wait greeting\nhangup").await;
    world.stored(&first.call_sid).await;
    // Other set sentences may be rendered ahead meanwhile.
    let greetings = || {
        let spoken = spoken_by(&world, "azure");
        spoken.iter().filter(|text| text.contains("How can I help")).count()
    };
    let before = greetings();
    assert!(before > 0);
    let second = placed(&world, "wait greeting\nhangup").await;
    let stored = world.stored(&second.call_sid).await;
    assert_eq!(fact(&stored, "call_started")["greeting_cached"], true);
    assert_eq!(greetings(), before);
}

/// Has one provider refuse everything.
fn refuse(world: &World, provider: Provider) {
    let knobs = Knobs { watermark: true, refuse: Some(503), ..Knobs::default() };
    world.providers.set_knobs_of(provider, Some(knobs));
}

#[actix_rt::test]
async fn another_voice_takes_over() {
    let world = World::plan().pipeline().start().await;
    refuse(&world, Provider::Azure);
    let report = placed(&world, CALLER).await;
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    let spoken = spoken_by(&world, "elevenlabs");
    assert!(spoken.iter().any(|text| text.contains("Nine to five")), "{spoken:?}");
}

#[actix_rt::test]
async fn another_recogniser_takes_over() {
    let world = World::plan().pipeline().start().await;
    refuse(&world, Provider::Recogniser);
    let report = placed(&world, CALLER).await;
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    let said = lines_of(&stored, "caller");
    assert_eq!(said[0]["heard"], "Hello, what are your opening hours on Saturday?");
}

#[actix_rt::test]
async fn a_caller_whom_no_language_model_answers_reaches_a_human() {
    let world = World::plan().pipeline().start().await;
    refuse(&world, Provider::Chat);
    let script = "wait greeting\nsay Hello, what are your opening hours on Saturday?";
    let report = placed(&world, &format!("{script}\nexpect dial {HUMAN} within 20s")).await;
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["handoff"], true, "{stored:#}");
    assert_eq!(stored["call"]["handoff_reason"], "model_failed");
}

#[actix_rt::test]
async fn a_pipeline_goes_on_where_the_speech_model_cannot() {
    let lines = "[pipeline]\ntakes_over = true\n[pipeline.recogniser]\nurl = \"ws://services\"\n\
        [pipeline.agent]\nurl = \"http://services/v1\"\n[pipeline.voice]\nurl = \"http://services\"";
    let keys = |plan: crate::support::WorldPlan| {
        plan.env("DEEPGRAM_API_KEY", "key").env("AZURE_SPEECH_KEY", "key")
    };
    let world = keys(World::plan()).shop(lines).start().await;
    refuse(&world, Provider::Realtime);
    let report = placed(&world, CALLER).await;
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    assert!(world.providers.refused() > 0);
    assert!(!world.providers.chats().is_empty());
}
