//! What must hold of a call, whatever happened beside it.

use serde_json::Value;
use trunkline_simulator::carrier::CallReport;

use super::{HUMAN, World, kinds};

/// A caller who listens to the greeting, says goodbye and is said goodbye to.
pub const GOODBYE: &str = "wait greeting
    say Sorry, that is all I needed, thank you. Goodbye!
    expect hangup within 20s";

impl World {
    /// A call of [`GOODBYE`] went as if nothing had been wrong with another one.
    pub async fn assert_undisturbed(&self, report: &CallReport) {
        assert_eq!(report.failure(), None, "{report:?}");
        assert_eq!(report.errors, [], "not even a warning");
        let stream = report.streams.last().expect("a stream");
        assert_eq!(stream.frames_discarded, 0);
        let stored = self.stored(&report.call_sid).await;
        // The watermark of a kept greeting is that of the call it was learnt in.
        if event(&stored, "call_started")["data"]["greeting_cached"] == false {
            assert_eq!(stream.playback.underruns, 0, "{:?}", stream.playback);
        }
        assert_eq!(stored["call"]["outcome"], "completed", "{stored:#}");
        assert_eq!(stored["call"]["mode"], "realtime");
        assert_eq!(stored["call"]["handoff"], false);
        assert!(!kinds(&stored).contains(&"child_exited".to_owned()), "{stored:#}");
        assert_whole(&stored);
    }
}

/// The carrier was made to dial the human, and did.
pub fn assert_human(report: &CallReport) {
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(report.numbers_dialled(), [HUMAN], "{report:?}");
}

/// Whether each of a call's events was stored: their numbers have no gap.
pub fn assert_whole(stored: &Value) {
    let events = stored["events"].as_array().expect("a list of events");
    let mut seqs: Vec<i64> = events.iter().filter_map(|event| event["seq"].as_i64()).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let wanted: Vec<i64> = (0..).take(seqs.len()).collect();
    assert_eq!(seqs, wanted, "{:?}", kinds(stored));
    assert_eq!(kinds(stored).first().map(String::as_str), Some("call_started"));
    assert_eq!(kinds(stored).last().map(String::as_str), Some("call_ended"));
}

/// The first stored event of this kind.
pub fn event<'a>(stored: &'a Value, kind: &str) -> &'a Value {
    let events = stored["events"].as_array().expect("a list of events");
    let found = events.iter().find(|event| event["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {:?}", kinds(stored)))
}
