//! The connection to the speech model is cut in the middle of a sentence: the
//! next session is told the conversation, and the caller is answered.

use serde_json::Value;

use crate::support::{World, assert_whole, event, wait_for};

const LONG: &str = r#"
company = "Long"
numbers = ["+15550170002"]
persona = "shop"
human_number = "+15550170099"
tools = ["end_call", "look_up", "transfer_to_human"]
[facts]
"opening hours" = "On Monday we are open from nine to five, on Tuesday from ten to six, on Wednesday not at all, on Thursday from nine to five, on Friday from nine to one, and on Saturday by appointment."
"#;

/// Greeting and "Let me look that up" are 14 pieces of 400 ms; the answer is 34.
const INTO_THE_ANSWER: u64 = 22;

#[actix_rt::test]
async fn a_conversation_goes_on_in_a_new_session() {
    let plan = World::plan().tenant("long", LONG);
    let world = plan.knobs(|k| k.drop_after_deltas = Some(INTO_THE_ANSWER)).start().await;
    let mut plan = world.call(
        "wait greeting
         say Hello, what are your opening hours on Saturday?
         wait speaking 4s
         say Sorry, that is all I needed, thank you. Goodbye!
         expect hangup within 20s",
    );
    plan.to = "+15550170002".to_owned();
    let call = crate::support::Ongoing::place(plan).await;
    wait_for("the first session", async || (!world.sessions().is_empty()).then_some(())).await;
    world.model(|_| {});
    let report = call.report().await;
    assert_eq!(report.failure(), None, "{report:?}");

    let sessions = world.sessions();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].ended.as_deref(), Some("dropped"));
    let told: Vec<&Value> = sessions[1]
        .events
        .iter()
        .take_while(|e| e.kind != "response.create")
        .filter(|e| e.kind == "conversation.item.create")
        .map(|e| &e.fields["item"])
        .collect();
    let types: Vec<&str> = told.iter().map(|item| item["type"].as_str().unwrap()).collect();
    let call_at = types.iter().position(|t| *t == "function_call").expect("the tool's call");
    let result_at = types.iter().position(|t| *t == "function_call_output").expect("its result");
    assert!(call_at < result_at, "{types:?}");
    assert_eq!(told[call_at]["call_id"], told[result_at]["call_id"]);
    let words = serde_json::to_string(&told).unwrap();
    assert!(words.contains("this is Robin at Long"), "{words}");
    assert!(words.contains("opening hours on Saturday"), "{words}");
    assert!(words.contains("Monday we are open"), "{words}");
    let answered = sessions[1].responses.iter().any(|r| r.audio_ms > 0);
    assert!(answered, "the caller is answered: {:?}", sessions[1].responses);

    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "realtime", "{stored:#}");
    assert_eq!(stored["call"]["outcome"], "completed");
    assert_eq!(event(&stored, "model_lost")["data"]["ready"], true);
    event(&stored, "model_restored");
    assert_whole(&stored);
    assert_eq!(world.metrics().await.sum("trunkline_model_redials_total"), 1.0);
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_model_that_dies_in_its_first_sentence_greets_again() {
    let world = World::plan().knobs(|k| k.drop_after_deltas = Some(2)).start().await;
    let call = world.ongoing("wait greeting\nhangup").await;
    wait_for("the first session", async || (!world.sessions().is_empty()).then_some(())).await;
    world.model(|_| {});
    let report = call.report().await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "realtime", "{stored:#}");
    let greeting = "Hello, this is Robin at The Test Shop. How can I help you?";
    assert_eq!(world.sessions()[1].responses[0].text, greeting);
    let heard = stored["transcript"].as_array().unwrap().iter().any(|l| l["heard"] == greeting);
    assert!(heard, "all of it is heard in the end: {stored:#}");
}

#[actix_rt::test]
async fn a_model_that_always_dies_leads_to_the_human() {
    let world = World::plan().knobs(|k| k.drop_after_deltas = Some(1)).start().await;
    let report = world.place("hold 30").await;
    crate::support::assert_human(&report);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["mode"], "bridge", "{stored:#}");
    assert_eq!(stored["call"]["handoff_reason"], "model_lost");
    assert_eq!(world.sessions().len(), 4);
    assert_whole(&stored);
    world.assert_idle().await;
}
