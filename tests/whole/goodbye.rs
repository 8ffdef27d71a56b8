//! Calls end after the last word, never in it.

use std::time::Duration;

use trunkline_simulator::carrier::{CallReport, EventKind, StreamEnd};

use crate::support::{
    World, agent_line, assert_heard_whole, fact, heard, response, stream, wait_for,
};

const BYE: &str = "wait greeting
    say Sorry, that is all I needed, thank you. Goodbye!
    expect hangup within 20s";

fn assert_ended_by_us(report: &CallReport) {
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(stream(report).end, StreamEnd::ServerClosed);
    assert_eq!(stream(report).playback.unplayed_bytes, 0, "something was left unheard");
    assert_eq!(report.verbs.last().map(String::as_str), Some("Hangup"));
}

#[actix_rt::test]
async fn the_agents_own_farewell_is_heard_to_its_end() {
    let world = World::start().await;
    let report = world.place(BYE).await;
    assert_ended_by_us(&report);
    let session = world.sessions().remove(0);
    let farewell = response(&session, "Goodbye!");
    assert_eq!(farewell.calls, ["end_call"]);
    assert_heard_whole(&report, farewell);
    let stored = world.stored(&report.call_sid).await;
    let line = agent_line(&stored, "Thank you for calling.");
    assert_eq!(line["interrupted"], false);
    assert_eq!(line["heard"], line["generated"]);
    assert_eq!(session.responses.len(), 2, "nothing is said after it: {:?}", session.responses);
}

#[actix_rt::test]
async fn an_agent_that_hangs_up_without_a_word_is_made_to_say_goodbye() {
    let dialogue = r#"
        greeting = "Hello."
        default = ["I see."]
        [[rule]]
        heard = ["goodbye"]
        call = [{ tool = "end_call", arguments = { reason = "done" } }]
    "#;
    let world = World::plan().dialogue(dialogue).start().await;
    let report = world.place(BYE).await;
    assert_ended_by_us(&report);
    let session = world.sessions().remove(0);
    assert_heard_whole(&report, response(&session, "Thank you for calling. Goodbye!"));
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed");
}

#[actix_rt::test]
async fn a_caller_who_speaks_over_the_farewell_does_not_cut_it() {
    let world = World::start().await;
    let report = world
        .place(
            "wait greeting
             say Sorry, that is all I needed, thank you. Goodbye!
             wait speaking 1s
             say Yes, please.
             expect hangup within 20s",
        )
        .await;
    assert_ended_by_us(&report);
    assert_heard_whole(&report, response(&world.sessions()[0], "Goodbye!"));
    assert_eq!(stream(&report).playback.clears, []);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["barge_in_count"], 0);
}

#[actix_rt::test]
async fn an_operators_hang_up_lets_the_agent_finish_and_say_goodbye() {
    let world = World::start().await;
    let mut call = world
        .ongoing("wait greeting\nsay Yes, please.\nwait speaking 500ms\nexpect hangup within 20s")
        .await;
    // Once for the greeting, once for the answer.
    call.until(EventKind::AgentSpeaks).await;
    call.until(EventKind::AgentSpeaks).await;
    let path = format!("/api/v1/calls/{}/hangup", call.sid);
    let (status, body) = world.server.send("POST", &path, &serde_json::json!({})).await;
    assert_eq!(status, 202, "{body}");
    let report = call.report().await;
    assert_ended_by_us(&report);
    let session = world.sessions().remove(0);
    assert_heard_whole(&report, response(&session, "Wonderful"));
    assert_heard_whole(&report, response(&session, "Thank you for calling. Goodbye!"));
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "completed");
    assert_eq!(stored["call"]["captured_fields"]["end_reason"], "command");
    assert_eq!(fact(&stored, "command")["command"], "Hangup");
}

/// It sends fifty frames a second, and learns of the end when it next reads.
#[actix_rt::test]
async fn a_carrier_that_does_not_know_of_the_end_yet_may_go_on_sending() {
    let world = World::start().await;
    let (call, mut stream) = world.live_by_hand().await;
    let path = format!("/api/v1/calls/{call}/hangup");
    assert_eq!(world.server.send("POST", &path, &serde_json::json!({})).await.0, 202);
    let mut since_the_end = 0;
    while since_the_end < 15 {
        stream.send_media(None).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        since_the_end += u32::from(!world.is_live(&call).await);
    }
    assert_eq!(stream.closed(Duration::from_secs(10)).await.0, 1000);
    drop(stream);
    world.stored(&call).await;
    world.assert_idle().await;
}

#[actix_rt::test]
async fn a_command_to_a_call_that_is_not_there_is_refused() {
    let world = World::start().await;
    for command in ["hangup", "transfer"] {
        let path = format!("/api/v1/calls/CA{:032}/{command}", 7);
        let (status, body) = world.server.send("POST", &path, &serde_json::json!({})).await;
        assert_eq!(status, 404, "{body}");
    }
}

#[actix_rt::test]
async fn a_call_that_runs_too_long_ends_with_the_wrap_up() {
    let world = World::plan().env("VOICE_MAX_CALL_DURATION_MS", 8_000).start().await;
    let report = world
        .place("wait greeting\nsay Tell me about your services.\nexpect hangup within 20s")
        .await;
    assert_ended_by_us(&report);
    let session = world.sessions().remove(0);
    assert!(heard(&report, response(&session, "We look after homes")).cleared, "it cuts in");
    assert_heard_whole(&report, response(&session, "I am sorry, our time is up. Goodbye!"));
    assert_eq!(stream(&report).playback.stale_frames, 0);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "timeout");
    assert_eq!(stored["call"]["captured_fields"]["end_reason"], "max_duration");
    let length = stored["call"]["duration_ms"].as_i64().unwrap();
    assert!((8_000..14_000).contains(&length), "{length}");
    let metrics = world.metrics().await;
    assert_eq!(metrics.with("trunkline_calls_total", &[("outcome", "timeout")]), 1.0);
}

#[actix_rt::test]
async fn a_caller_who_has_had_all_turns_hears_the_wrap_up() {
    let world = World::plan().env("VOICE_MAX_TURNS", 1).start().await;
    let report = world
        .place(
            "wait greeting
             say Yes, please.
             wait reply
             say Yes, please.
             expect hangup within 20s",
        )
        .await;
    assert_ended_by_us(&report);
    let session = world.sessions().remove(0);
    assert_heard_whole(&report, response(&session, "Wonderful"));
    assert_heard_whole(&report, response(&session, "I am sorry, our time is up. Goodbye!"));
    assert_eq!(session.responses.len(), 3, "{:?}", session.responses);
    let stored = world.stored(&report.call_sid).await;
    assert_eq!(stored["call"]["outcome"], "timeout");
    assert_eq!(stored["call"]["captured_fields"]["end_reason"], "max_turns");
}

#[actix_rt::test]
async fn everything_of_a_call_is_gone_once_it_is_over() {
    let world = World::start().await;
    let report = world.place(BYE).await;
    assert_ended_by_us(&report);
    world.assert_idle().await;
    wait_for("the model's session to be closed", async || {
        world.sessions()[0].ended.as_ref().map(|ended| assert_eq!(ended, "client closed"))
    })
    .await;
}
