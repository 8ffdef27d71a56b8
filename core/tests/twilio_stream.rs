//! Media Streams, our end: what the carrier may send, and exactly what it is sent.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::borrow::Cow;

use proptest::prelude::*;
use trunkline_core::ids::StreamSid;
use trunkline_core::wire::twilio::stream::{
    MAX_MESSAGE_BYTES, StreamError, StreamMessage, Track, parse, write_clear, write_mark,
    write_media,
};

const START: &str = r#"{
  "event": "start", "sequenceNumber": "1",
  "start": {
    "accountSid": "AC0123456789abcdef0123456789abcdef",
    "streamSid": "MZ0123456789abcdef0123456789abcdef",
    "callSid": "CA0123456789abcdef0123456789abcdef",
    "tracks": ["inbound"],
    "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    "customParameters": {"token": "s3cret", "tenant": "acme"},
    "newThing": {"a": [1, 2]}
  },
  "streamSid": "MZ0123456789abcdef0123456789abcdef"
}"#;

#[test]
fn a_stream_from_its_beginning_to_its_end() {
    let connected = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
    let expected = StreamMessage::Connected { protocol: "Call".into(), version: "1.0.0".into() };
    assert_eq!(parse(connected), Ok(expected));

    let Ok(StreamMessage::Start(start)) = parse(START) else { panic!("no start") };
    assert_eq!(start.call_sid.as_str(), "CA0123456789abcdef0123456789abcdef");
    assert_eq!(start.custom_parameters.get("token").map(String::as_str), Some("s3cret"));
    assert!(start.media_format.is_mulaw());
    assert_eq!(start.tracks, ["inbound"]);

    let dtmf = r##"{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"#"}}"##;
    assert_eq!(parse(dtmf), Ok(StreamMessage::Dtmf { digit: '#' }));

    let mark =
        r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"g3/r\u00e9"}}"#;
    assert_eq!(parse(mark), Ok(StreamMessage::Mark { name: "g3/ré".into() }));

    let stop = r#"{"event":"stop","sequenceNumber":"9","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#;
    assert_eq!(parse(stop), Ok(StreamMessage::Stop { call_sid: Some("CA1".to_owned()) }));
    assert_eq!(parse(r#"{"event":"stop"}"#), Ok(StreamMessage::Stop { call_sid: None }));
}

#[test]
fn audio_in_any_order_of_fields_with_counters_of_either_kind() {
    for text in [
        r#"{"event":"media","sequenceNumber":"4","streamSid":"MZ1","media":{"track":"inbound","chunk":"2","timestamp":"5","payload":"f/8="}}"#,
        r#"{"media":{"payload":"f/8=","timestamp":5,"new":null,"chunk":2,"track":"inbound_track"},"sequenceNumber":4,"event":"media"}"#,
        r#" { "media" : {"payload":"f\/8=","timestamp":"5","chunk":"2","track":"inbound"} , "x":{"event":"stop"}, "sequenceNumber":"4", "event" : "media" } "#,
    ] {
        let Ok(StreamMessage::Media(media)) = parse(text) else { panic!("no media in {text}") };
        let counts = (media.track, media.chunk, media.timestamp_ms, media.sequence);
        assert_eq!(counts, (Track::Inbound, 2, 5, 4));
        assert_eq!(media.payload, "f/8=");
        assert_eq!(matches!(media.payload, Cow::Owned(_)), text.contains(r"\/"));
    }
}

#[test]
fn what_is_new_is_passed_over() {
    for text in [
        r#"{"event":"transcript","media":7,"start":[],"mark":"x","stop":null}"#,
        r#"{"event":"transcript","protocol":"x"}"#,
    ] {
        assert_eq!(parse(text), Ok(StreamMessage::Unknown { event: "transcript".into() }));
    }
}

#[test]
fn what_cannot_be_read_is_an_error_of_its_own() {
    let media =
        |fields: &str| format!(r#"{{"event":"media","sequenceNumber":"1","media":{{{fields}}}}}"#);
    let good = r#""track":"inbound","chunk":"1","timestamp":"0""#;
    let cases = [
        (media(good), StreamError::Missing("media.payload")),
        (media(r#""payload":"AAAA""#), StreamError::Missing("media.track")),
        (
            media(r#""payload":"AAAA","track":"inbound","chunk":1"#),
            StreamError::Missing("media.timestamp"),
        ),
        (media(&format!(r#"{good},"payload":"AAA""#)), StreamError::Payload),
        (media(&format!(r#"{good},"payload":"""#)), StreamError::Payload),
        (media(&format!(r#"{good},"payload":"AA\"A""#)), StreamError::Payload),
        (media(r#""track":"both","payload":"AAAA""#), StreamError::Track),
        (r#"{"event":"media"}"#.to_owned(), StreamError::Missing("media")),
        (r#"{"event":"mark","mark":{}}"#.to_owned(), StreamError::Missing("mark.name")),
        (r#"{"event":"dtmf","dtmf":{"digit":"12"}}"#.to_owned(), StreamError::Digit),
        (r#"{"event":"dtmf","dtmf":{"digit":"x"}}"#.to_owned(), StreamError::Digit),
        (r#"{"event":"start","start":{}}"#.to_owned(), StreamError::Missing("start.mediaFormat")),
    ];
    for (text, error) in cases {
        assert_eq!(parse(&text), Err(error), "{text}");
    }
    for text in [
        "",
        "[]",
        "null",
        "{",
        r#"{"event":7}"#,
        r#"{"Event":"stop"}"#,
        r#"["media"]"#,
        r#"{"event":"stop"} x"#,
        r#"{"event":"media","media":["inbound","1","2","AAAA"]}"#,
        r#"{"event":"media","sequenceNumber":"-1","media":{}}"#,
        r#"{"event":"media","sequenceNumber":1.5,"media":{}}"#,
        r#"{"event":"stop","event":"stop"}"#,
        &START.replace("8000", r#""much""#),
        &START.replace(r#""s3cret""#, "7"),
    ] {
        let result = parse(text);
        assert!(matches!(result, Err(StreamError::Malformed { .. })), "{text}: {result:?}");
    }
    let bad_id = START.replace("\"CA01", "\"CA 01");
    assert!(matches!(parse(&bad_id), Err(StreamError::Id(_))));
    let long = format!(r#"{{"event":"stop"}}{}"#, " ".repeat(MAX_MESSAGE_BYTES));
    assert_eq!(parse(&long), Err(StreamError::TooLong { bytes: long.len() }));
    assert!(parse(&long[..MAX_MESSAGE_BYTES]).is_ok());
}

#[test]
fn nothing_personal_or_secret_is_printed() {
    let start = format!("{:?}", parse(START).unwrap());
    assert!(start.contains("token") && !start.contains("s3cret"), "{start}");
    let dtmf = format!("{:?}", parse(r#"{"event":"dtmf","dtmf":{"digit":"7"}}"#));
    assert_eq!(dtmf, "Ok(Dtmf)");
    let error = parse(r#"{"event":"dtmf","dtmf":{"digit":["4929123"]}}"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("4929"));
}

#[test]
fn exactly_the_documented_fields_are_sent() {
    let sid = StreamSid::parse("MZ1").unwrap();
    let mut out = "before".to_owned();
    write_media(&mut out, &sid, "f/8=");
    assert_eq!(out, r#"before{"event":"media","streamSid":"MZ1","media":{"payload":"f/8="}}"#);
    out.clear();
    write_mark(&mut out, &sid, "a\"b\u{1}");
    assert_eq!(out, r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"a\"b\u0001"}}"#);
    out.clear();
    write_clear(&mut out, &sid);
    assert_eq!(out, r#"{"event":"clear","streamSid":"MZ1"}"#);
}

/// Text that is nearly a message: pieces of real ones in any order.
fn nearly_a_message() -> impl Strategy<Value = String> {
    let pieces = [
        "{",
        "}",
        "[",
        ",",
        ":",
        "\"",
        "\\",
        "\"event\"",
        "\"media\"",
        "\"start\"",
        "\"mark\"",
        "\"stop\"",
        "\"dtmf\"",
        "\"payload\"",
        "\"AAAA\"",
        "\"track\"",
        "\"inbound\"",
        "\"1\"",
        "1",
        "null",
        "{\"event\":\"media\",\"media\":{",
        "{\"event\":\"start\",\"start\":{",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..30).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![any::<String>(), nearly_a_message()]) {
        parse(&text).ok();
    }

    #[test]
    fn no_damage_to_a_message_makes_it_panic(at in 0..START.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = START.as_bytes().to_vec();
        if cut { bytes.truncate(at) } else if let Some(b) = bytes.get_mut(at) { *b = byte }
        parse(&String::from_utf8_lossy(&bytes)).ok();
    }

    #[test]
    fn any_event_of_unknown_name_is_passed_over(event in "[a-z]{1,12}") {
        prop_assume!(!["media", "mark", "dtmf", "start", "stop", "connected"].contains(&event.as_str()));
        let text = format!(r#"{{"event":"{event}"}}"#);
        prop_assert_eq!(parse(&text), Ok(StreamMessage::Unknown { event: Cow::Borrowed(&event) }));
    }
}
