//! The same conversation in both dialects of the model's protocol.

use serde_json::Value;
use trunkline_simulator::providers::SessionRecord;

use crate::support::{World, assert_heard_whole, heard, kinds, lines_of, response, stream};

const CALLER: &str = "wait greeting
    say Hello, what are your opening hours on Saturday?
    wait reply
    say Sorry, that is all I needed, thank you. Goodbye!
    expect hangup within 20s";

async fn converse(dialect: &str) -> SessionRecord {
    let world = World::plan().env("OPENAI_REALTIME_DIALECT", dialect).start().await;
    let report = world.place(CALLER).await;
    assert_eq!(report.failure(), None, "{report:?}");
    let session = world.sessions().remove(0);
    assert_eq!(session.dialect, dialect);
    assert_eq!(session.errors, Vec::<String>::new());
    assert_heard_whole(&report, response(&session, "Hello, this is Robin"));
    assert_heard_whole(&report, response(&session, "Let me look that up"));
    assert_heard_whole(&report, response(&session, "Nine to five."));
    assert_heard_whole(&report, response(&session, "Thank you for calling. Goodbye!"));
    assert_eq!(heard(&report, response(&session, "Nine to five.")).skips, 0);
    assert_eq!(stream(&report).playback.underruns, 0);

    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
    assert_eq!(stored["call"]["barge_in_count"], 0);
    let caller: Vec<&str> =
        lines_of(&stored, "caller").iter().map(|l| l["heard"].as_str().unwrap()).collect();
    assert_eq!(
        caller,
        [
            "Hello, what are your opening hours on Saturday?",
            "Sorry, that is all I needed, thank you. Goodbye!"
        ]
    );
    for line in lines_of(&stored, "agent") {
        assert_eq!(line["heard"], line["generated"], "{line}");
    }
    assert!(kinds(&stored).iter().any(|kind| kind == "response_done"));
    let usage = stored["events"].as_array().unwrap().iter().find_map(|e| e["data"].get("usage"));
    assert!(usage.is_some_and(|usage| !usage.is_null()), "what it cost is stored");
    world.assert_idle().await;
    session
}

fn at<'a>(session: &'a SessionRecord, path: &str) -> &'a Value {
    session.config.pointer(path).unwrap_or_else(|| panic!("no {path} in {:#}", session.config))
}

#[actix_rt::test]
async fn the_general_availability_dialect() {
    let session = converse("ga").await;
    assert!(!session.headers.contains_key("openai-beta"), "{:?}", session.headers);
    assert_eq!(at(&session, "/audio/input/format/type"), "audio/pcmu");
    assert_eq!(at(&session, "/audio/output/format/type"), "audio/pcmu");
    assert_eq!(at(&session, "/audio/output/voice"), "alloy");
    assert_eq!(at(&session, "/audio/input/turn_detection/create_response"), false);
    assert_eq!(at(&session, "/audio/input/turn_detection/interrupt_response"), false);
}

#[actix_rt::test]
async fn the_beta_dialect() {
    let session = converse("beta").await;
    assert_eq!(session.headers["openai-beta"], "realtime=v1");
    assert_eq!(at(&session, "/input_audio_format"), "g711_ulaw");
    assert_eq!(at(&session, "/output_audio_format"), "g711_ulaw");
    assert_eq!(at(&session, "/voice"), "alloy");
    assert_eq!(at(&session, "/turn_detection/create_response"), false);
    assert_eq!(at(&session, "/turn_detection/interrupt_response"), false);
}
