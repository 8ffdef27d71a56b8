//! Finding one's way in what the simulated peers saw and what was stored.

use serde_json::Value;
use trunkline_simulator::carrier::{CallReport, Heard, StreamReport};
use trunkline_simulator::providers::{ResponseRecord, SessionRecord};

/// The call's one media stream.
pub fn stream(report: &CallReport) -> &StreamReport {
    assert_eq!(report.streams.len(), 1, "{report:?}");
    &report.streams[0]
}

/// The model's response that says these words.
pub fn response<'a>(session: &'a SessionRecord, words: &str) -> &'a ResponseRecord {
    let found = session.responses.iter().find(|response| response.text.contains(words));
    found.unwrap_or_else(|| panic!("the model never said {words:?}: {:?}", session.responses))
}

/// What the phone played of a response, known by its watermark.
pub fn heard<'a>(report: &'a CallReport, response: &ResponseRecord) -> &'a Heard {
    let all = &stream(report).playback.responses;
    let found = all.iter().find(|heard| heard.response == response.number);
    found.unwrap_or_else(|| panic!("nothing was heard of {response:?}: {all:?}"))
}

/// Fails unless the phone played a response from its first frame to its last.
pub fn assert_heard_whole(report: &CallReport, response: &ResponseRecord) {
    let heard = heard(report, response);
    assert!(!heard.cleared && heard.skips == 0, "{heard:?} of {response:?}");
    assert_eq!(heard.frames * 20, response.audio_ms, "{heard:?} of {response:?}");
    assert_eq!(response.status, "completed", "{response:?}");
}

/// The stored lines of one side, in order.
pub fn lines_of<'a>(stored: &'a Value, speaker: &str) -> Vec<&'a Value> {
    let lines = stored["transcript"].as_array().expect("a list of lines");
    lines.iter().filter(|line| line["speaker"] == speaker).collect()
}

/// The stored line of the agent that begins with these words.
pub fn agent_line<'a>(stored: &'a Value, words: &str) -> &'a Value {
    let begins = |line: &&&Value| line["generated"].as_str().is_some_and(|t| t.starts_with(words));
    let lines = lines_of(stored, "agent");
    lines.iter().find(begins).unwrap_or_else(|| panic!("no line begins with {words:?}: {lines:?}"))
}

/// The data of the call's first stored event of this kind.
pub fn fact<'a>(stored: &'a Value, kind: &str) -> &'a Value {
    let events = stored["events"].as_array().expect("a list of events");
    let found = events.iter().find(|event| event["kind"] == kind);
    &found.unwrap_or_else(|| panic!("no event {kind}: {events:?}"))["data"]
}

/// The types of what the client sent in a session, audio aside, in order.
pub fn sent(session: &SessionRecord) -> Vec<&str> {
    session.events.iter().map(|event| event.kind.as_str()).collect()
}
