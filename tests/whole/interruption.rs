//! The caller speaks while the agent does: the phone stops, the model learns
//! what was heard, and nothing of the rest is ever played.

use serde_json::Value;
use trunkline_simulator::carrier::CallReport;
use trunkline_simulator::providers::{Knobs, ResponseRecord};

use crate::support::{World, agent_line, fact, heard, response, stream};

/// The caller interrupts the longest answer two seconds into it.
const CALLER: &str = "wait greeting
    say Tell me about your services.
    wait speaking 2s
    say Sorry, that is all I needed, thank you. Goodbye!
    expect hangup within 20s";
/// How long the phone may go on after the caller's first sound, in milliseconds.
///
/// The product's promise is 300 ms. It needs 40 to 60 of them, and this is ten
/// times that: the caller, the model and a debug build of the server share one
/// machine with other tests here. The promise itself is measured by the load
/// tool, `trunkline simulate calls --threshold interruption_p99_ms=300`.
const STOPS_WITHIN_MS: u64 = 600;
/// Words of that answer.
const ANSWER: &str = "We look after homes";

async fn interrupted(dialect: &str, change: impl FnOnce(&mut Knobs)) -> (World, CallReport) {
    let plan = World::plan().env("OPENAI_REALTIME_DIALECT", dialect).knobs(change);
    let world = plan.start().await;
    let report = world.place(CALLER).await;
    assert_eq!(report.failure(), None, "{report:?}");
    (world, report)
}

/// The whole sentence of the specification, and the record of it.
async fn judge(world: &World, report: &CallReport) -> ResponseRecord {
    let session = world.sessions().remove(0);
    let cut = response(&session, ANSWER).clone();
    let played = heard(report, &cut);
    let interruption = &stream(report).interruptions[0];

    // From the caller's first sound, which is before the model's speech event.
    let stopped_after_ms = interruption.cleared_after_ms.expect("the phone was cleared");
    assert!(stopped_after_ms <= STOPS_WITHIN_MS, "{interruption:?}");
    let told_ms = cut.truncated_ms.expect("the model was told");
    assert!(told_ms.abs_diff(played.frames * 20) <= 100, "told {told_ms} ms, played {played:?}");
    assert_eq!(stream(report).playback.stale_frames, 0);
    assert!(played.last_ms <= interruption.at_ms + stopped_after_ms, "{played:?} {interruption:?}");
    assert!(played.cleared && played.skips == 0, "{played:?}");
    // A lead of a second lay in the phone's buffer; the rest had not been sent.
    let clear = &stream(report).playback.clears[0];
    assert!((800..9_600).contains(&clear.dropped_bytes), "{clear:?}");
    assert_eq!(session.errors, Vec::<String>::new());

    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["barge_in_count"], 1, "{stored:#}");
    assert_eq!(stored["call"]["outcome"], "completed");
    assert_eq!(fact(&stored, "barge_in")["heard_ms"], told_ms);
    assert_cut(agent_line(&stored, "Of course."));
    let metrics = world.metrics().await;
    assert_eq!(metrics.sum("trunkline_barge_in_stop_seconds_count"), 1.0);
    // From the model's report on, which is the server's own part.
    assert!(metrics.sum("trunkline_barge_in_stop_seconds_sum") < 0.3);
    cut
}

/// What was heard is the beginning of what was said, and not all of it.
fn assert_cut(line: &Value) {
    let (all, part) = (line["generated"].as_str().unwrap(), line["heard"].as_str().unwrap());
    assert_eq!(line["interrupted"], true, "{line}");
    assert!(all.starts_with(part) && !part.is_empty() && part.len() < all.len(), "{line}");
}

#[actix_rt::test]
async fn the_phone_stops_and_the_model_is_told_what_was_heard() {
    let (world, report) = interrupted("ga", |_| ()).await;
    let cut = judge(&world, &report).await;
    assert_eq!(
        (cut.status.as_str(), cut.reason.as_deref()),
        ("cancelled", Some("client_cancelled"))
    );
}

#[actix_rt::test]
async fn the_same_in_the_beta_dialect() {
    let (world, report) = interrupted("beta", |_| ()).await;
    let cut = judge(&world, &report).await;
    assert_eq!(world.sessions()[0].dialect, "beta");
    assert_eq!(cut.status, "cancelled");
}

#[actix_rt::test]
async fn audio_that_arrives_after_the_cancellation_is_never_played() {
    for dialect in ["ga", "beta"] {
        let late = |knobs: &mut Knobs| {
            knobs.late_deltas = 5;
            knobs.rate = 2.0;
        };
        let (world, report) = interrupted(dialect, late).await;
        judge(&world, &report).await;
        let stale =
            world.metrics().await.with("trunkline_stale_events_total", &[("kind", "audio")]);
        assert!(stale >= 5.0, "{stale} late deltas were thrown away in {dialect}");
    }
}

#[actix_rt::test]
async fn a_jittery_model_changes_nothing() {
    let (world, report) = interrupted("ga", |knobs| knobs.jitter_ms = 150).await;
    judge(&world, &report).await;
}

#[actix_rt::test]
async fn an_answer_that_is_complete_at_the_model_is_cut_as_well() {
    let (world, report) = interrupted("ga", |knobs| knobs.rate = 50.0).await;
    let cut = judge(&world, &report).await;
    assert_eq!(cut.status, "completed", "it was all here when the caller spoke");
}

#[actix_rt::test]
async fn an_answer_that_was_not_heard_yet_is_not_heard_at_all() {
    let world = World::plan().knobs(|knobs| knobs.first_audio_ms = 1_500).start().await;
    let report = world
        .place(
            "wait greeting
             say Tell me about your services.
             wait 1200ms
             say Yes, please.
             wait reply
             hangup",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    let session = world.sessions().remove(0);
    let never = &session.responses[1];
    assert_eq!((never.status.as_str(), never.audio_ms), ("cancelled", 0), "{never:?}");
    let heard = &stream(&report).playback.responses;
    assert!(heard.iter().all(|heard| heard.response != never.number), "{heard:?}");
    let answer = response(&session, "Wonderful");
    crate::support::assert_heard_whole(&report, answer);

    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["barge_in_count"], 0, "there was nothing to interrupt: {stored:#}");
    let said = crate::support::lines_of(&stored, "agent");
    assert_eq!(said.len(), 2, "the greeting and one answer: {said:?}");
}

#[actix_rt::test]
async fn the_greeting_can_be_interrupted_while_the_model_speaks_it() {
    let world = World::plan().knobs(|knobs| knobs.rate = 1.5).start().await;
    let report = world
        .place(
            "wait speaking 500ms
             say Sorry, that is all I needed, thank you. Goodbye!
             expect hangup within 20s",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    let session = world.sessions().remove(0);
    let greeting = response(&session, "Hello, this is Robin");
    let played = heard(&report, greeting).frames * 20;
    assert!(greeting.truncated_ms.unwrap().abs_diff(played) <= 100, "{greeting:?}, {played} ms");
    let stored = world.stored(&report.call_sid).await;
    assert_cut(agent_line(&stored, "Hello, this is Robin"));

    // Half a greeting is not kept for the next call.
    let next = world.place("wait greeting\nhangup").await;
    let stored = world.stored(&next.call_sid).await;
    assert_eq!(fact(&stored, "call_started")["greeting_cached"], false);
    assert_eq!(agent_line(&stored, "Hello, this is Robin")["interrupted"], false);
}

#[actix_rt::test]
async fn the_kept_greeting_can_be_interrupted_too() {
    let world = World::start().await;
    // Without watermarks, whose numbers would repeat those of the next session.
    world.model(|knobs| knobs.watermark = false);
    let first = world.place("wait greeting\nhangup").await;
    world.stored(&first.call_sid).await;
    world.model(|_| ());

    let report = world
        .place(
            "wait speaking 1500ms
             say Sorry, that is all I needed, thank you. Goodbye!
             expect hangup within 20s",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    let interruption = &stream(&report).interruptions[0];
    let stopped_after_ms = interruption.cleared_after_ms.expect("the phone was cleared");
    assert!(stopped_after_ms <= STOPS_WITHIN_MS, "{interruption:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(fact(&stored, "call_started")["greeting_cached"], true);
    assert_eq!(stored["call"]["barge_in_count"], 1);
    let line = agent_line(&stored, "Hello, this is Robin");
    assert_cut(line);

    // The model was told the whole greeting; now it is told what was heard of it.
    let session = world.sessions().remove(1);
    let deleted = session.events.iter().position(|e| e.kind == "conversation.item.delete");
    let after = &session.events[deleted.expect("the whole greeting was taken back") + 1];
    assert_eq!(after.kind, "conversation.item.create");
    let told = after.fields.to_string();
    assert!(told.contains(line["heard"].as_str().unwrap()), "{told} is not {line}");
    assert!(!told.contains("How can I help"), "{told}");
    assert_eq!(session.errors, Vec::<String>::new());
}

#[actix_rt::test]
async fn a_caller_who_waits_interrupts_nobody() {
    let world = World::start().await;
    let report = world
        .place(
            "wait greeting
             say Yes, please.
             wait reply
             hangup",
        )
        .await;
    assert_eq!(report.failure(), None);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["barge_in_count"], 0);
    assert_eq!(stream(&report).playback.clears, []);
    assert_eq!(stream(&report).playback.underruns, 0);
}
