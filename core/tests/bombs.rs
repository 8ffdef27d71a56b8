//! Small to send and large to read: every parser of outside text comes to an end
//! of it, without a deep stack and without much memory.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use trunkline_core::audio::chunk::is_plausible_base64;
use trunkline_core::audio::transcode::PcmuToPcm24k;
use trunkline_core::ids::CallSid;
use trunkline_core::wire::realtime;
use trunkline_core::wire::twilio::form::Form;
use trunkline_core::wire::twilio::stream;

const BYTES: usize = 10 << 20;

fn bombs() -> Vec<String> {
    let nested = |open: &str, close: &str| {
        let times = BYTES / (open.len() + close.len()).max(1);
        [open.repeat(times), close.repeat(times)].concat()
    };
    let value = |value: String| format!("{{\"type\":\"x\",\"event\":\"x\",\"x\":{value}}}");
    vec![
        nested("[", ""),
        nested("[", "]"),
        nested("{\"x\":", ""),
        nested("{\"type\":[", "]}"),
        value(nested("[", "]")),
        value(nested("{\"a\":", "}").replace("{\"a\":}", "{\"a\":1}")),
        value("9".repeat(BYTES)),
        value(format!("1e{}", "9".repeat(BYTES))),
        value(format!("-0.{}", "0".repeat(BYTES))),
        value(format!("\"{}\"", "\\u0000".repeat(BYTES / 6))),
        format!("{{\"{}\":1}}", "k".repeat(BYTES)),
        format!("{{{}\"type\":\"x\"}}", "\"type\":1,".repeat(BYTES / 9)),
        " ".repeat(BYTES),
        "\"".repeat(BYTES),
        "\\".repeat(BYTES),
    ]
}

#[test]
fn bombs_are_read_to_their_end_and_nothing_is_made_of_them() {
    for bomb in bombs() {
        stream::parse(&bomb).ok();
        realtime::parse(&bomb).ok();
        assert!(Form::parse(bomb.as_bytes()).is_err());
        CallSid::parse(&bomb).unwrap_err();
    }
}

#[test]
fn base64_that_is_none_is_no_audio() {
    for (payload, plausible) in [
        ("/".repeat(BYTES), true),
        (" ".repeat(BYTES), false),
        ("=".repeat(BYTES), false),
        ("A".repeat(BYTES + 1), false),
        (format!("{}\n", "A".repeat(BYTES)), false),
        ("é".repeat(BYTES / 2), false),
    ] {
        assert_eq!(is_plausible_base64(&payload), plausible, "{} bytes", payload.len());
        let mut out = String::new();
        let read = PcmuToPcm24k::new().unwrap().push(&payload, &mut out);
        assert!(plausible || read.is_err());
        assert!(out.len() < 10 * BYTES);
    }
}
