//! Who decides when a turn is over: we, or the model by itself.

use crate::support::{World, assert_heard_whole, fact, heard, lines_of, response, sent, stream};

fn created(session: &trunkline_simulator::providers::SessionRecord) -> usize {
    sent(session).iter().filter(|kind| **kind == "response.create").count()
}

#[actix_rt::test]
async fn a_model_that_decides_for_itself_is_let() {
    let world = World::plan().shop("turns = \"model\"").start().await;
    let report = world
        .place(
            "wait greeting
             say Yes, please.
             wait reply
             say Hello, what are your opening hours on Saturday?
             wait reply
             say Sorry, that is all I needed, thank you. Goodbye!
             expect hangup within 20s",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    let session = world.sessions().remove(0);
    let detection = session.config.pointer("/audio/input/turn_detection").unwrap();
    assert_eq!(detection["create_response"], true);
    assert_eq!(detection["interrupt_response"], true);
    assert_eq!(created(&session), 2, "the greeting and the tool's answer: {:?}", sent(&session));
    assert_eq!(session.errors, Vec::<String>::new());
    assert_heard_whole(&report, response(&session, "Wonderful"));
    assert_heard_whole(&report, response(&session, "Nine to five."));
    assert_heard_whole(&report, response(&session, "Thank you for calling. Goodbye!"));
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    assert_eq!(stored["call"]["turn_count"], 3);
    assert_eq!(stored["call"]["mode"], "realtime");
}

#[actix_rt::test]
async fn it_is_interrupted_all_the_same() {
    let world = World::plan().shop("turns = \"model\"").knobs(|k| k.late_deltas = 3).start().await;
    let report = world
        .place(
            "wait greeting
             say Tell me about your services.
             wait speaking 2s
             say Sorry, that is all I needed, thank you. Goodbye!
             expect hangup within 20s",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    let session = world.sessions().remove(0);
    let cut = response(&session, "We look after homes");
    assert_eq!((cut.status.as_str(), cut.reason.as_deref()), ("cancelled", Some("turn_detected")));
    let played_ms = heard(&report, cut).frames * 20;
    assert!(cut.truncated_ms.unwrap().abs_diff(played_ms) <= 100, "{cut:?}, {played_ms} ms");
    assert!(stream(&report).interruptions[0].cleared_after_ms.unwrap() <= 300);
    assert_eq!(stream(&report).playback.stale_frames, 0);
    assert_heard_whole(&report, response(&session, "Thank you for calling. Goodbye!"));
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["barge_in_count"], 1);
}

#[actix_rt::test]
async fn utterances_in_quick_succession_are_one_turn_with_one_answer() {
    // The second begins while the model still waits for the first one's silence.
    let world = World::start().await;
    let report = world
        .place(
            "wait greeting
             say Yes, please.
             wait 250ms
             say Hello, what are your opening hours on Saturday?
             wait reply
             hangup",
        )
        .await;
    assert_eq!(report.failure(), None, "{report:?}");
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["turn_count"], 1, "{stored:#}");
    assert_eq!(lines_of(&stored, "caller").len(), 1);
    assert_eq!(fact(&stored, "turn_ended")["turn"], 1);
    let session = world.sessions().remove(0);
    assert_eq!(session.heard.len(), 1, "{:?}", session.heard);
}

#[actix_rt::test]
async fn an_answer_follows_the_end_of_the_turn_at_once() {
    let world = World::start().await;
    let report = world.place("wait greeting\nsay Yes, please.\nwait reply\nhangup").await;
    assert_eq!(report.failure(), None, "{report:?}");
    world.stored(&report.call_sid).await;
    let metrics = world.metrics().await;
    assert_eq!(metrics.sum("trunkline_turn_latency_seconds_count"), 1.0);
    let took = metrics.sum("trunkline_turn_latency_seconds_sum");
    // The simulated model takes a quarter of a second to its first audio.
    assert!((0.25..1.0).contains(&took), "{took} s");
}
