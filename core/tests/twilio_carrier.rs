//! Both ends of Media Streams against each other, and the carrier's strictness.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use trunkline_core::ids::{AccountSid, CallSid, StreamSid};
use trunkline_core::wire::twilio::carrier::{self, Command, CommandError, parse_command};
use trunkline_core::wire::twilio::stream::{
    self, Media, MediaFormat, StreamMessage, StreamStart, Track,
};

fn sid() -> StreamSid {
    StreamSid::parse("MZ0123456789abcdef0123456789abcdef").unwrap()
}

fn written(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}

#[test]
fn the_carrier_writes_what_twilio_writes() {
    let sid = StreamSid::parse("MZ1").unwrap();
    let connected = written(carrier::write_connected);
    assert_eq!(connected, r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#);
    let start = StreamStart {
        stream_sid: sid.clone(),
        account_sid: AccountSid::parse("AC1").unwrap(),
        call_sid: CallSid::parse("CA1").unwrap(),
        tracks: vec!["inbound".to_owned()],
        custom_parameters: [("a\"".to_owned(), "b".to_owned())].into(),
        media_format: MediaFormat::mulaw(),
    };
    assert_eq!(
        written(|out| carrier::write_start(out, 1, &start)),
        r#"{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"a\"":"b"}}}"#
    );
    assert_eq!(
        written(|out| carrier::write_media(out, 4, &sid, Track::Inbound, (2, 20), "AAAA")),
        r#"{"event":"media","sequenceNumber":"4","streamSid":"MZ1","media":{"track":"inbound","chunk":"2","timestamp":"20","payload":"AAAA"}}"#
    );
    assert_eq!(
        written(|out| carrier::write_dtmf(out, 5, &sid, '#')),
        r##"{"event":"dtmf","sequenceNumber":"5","streamSid":"MZ1","dtmf":{"track":"inbound_track","digit":"#"}}"##
    );
    assert_eq!(
        written(|out| carrier::write_mark(out, 6, &sid, "m")),
        r#"{"event":"mark","sequenceNumber":"6","streamSid":"MZ1","mark":{"name":"m"}}"#
    );
    assert_eq!(
        written(|out| carrier::write_stop(out, 7, &sid, &start.account_sid, &start.call_sid)),
        r#"{"event":"stop","sequenceNumber":"7","streamSid":"MZ1","stop":{"accountSid":"AC1","callSid":"CA1"}}"#
    );
}

#[test]
fn the_carrier_is_not_liberal() {
    let good = r#"{"event":"clear","streamSid":"MZ1"}"#;
    assert_eq!(parse_command(good), Ok(Command::Clear { stream_sid: "MZ1".into() }));
    for text in [
        "",
        "clear",
        "[]",
        r#"["clear","MZ1"]"#,
        r#"{"event":"clear"}"#,
        r#"{"streamSid":"MZ1"}"#,
        r#"{"event":"clear","streamSid":7}"#,
        r#"{"event":"clear","streamSid":"MZ1","extra":1}"#,
        r#"{"event":"media","streamSid":"MZ1","media":{"payload":"AAAA","track":"outbound"}}"#,
        r#"{"event":"media","streamSid":"MZ1","media":["AAAA"]}"#,
        r#"{"event":"media","streamSid":"MZ1","media":{}}"#,
        r#"{"event":"media","streamSid":"MZ1","media":null}"#,
        r#"{"event":"media","streamSid":"MZ1","media":{"payload":7}}"#,
        r#"{"event":"mark","streamSid":"MZ1","mark":{"name":7}}"#,
        r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"m","x":1}}"#,
        r#"{"event":"mark","streamSid":"MZ1","mark":"m"}"#,
        r#"{"event":"clear","streamSid":"MZ1"}{}"#,
    ] {
        let result = parse_command(text);
        assert!(matches!(result, Err(CommandError::Malformed { .. })), "{text}: {result:?}");
    }
    for text in [
        r#"{"event":"media","streamSid":"MZ1"}"#,
        r#"{"event":"mark","streamSid":"MZ1"}"#,
        r#"{"event":"clear","streamSid":"MZ1","mark":null}"#,
        r#"{"event":"clear","streamSid":"MZ1","mark":{"name":"m"}}"#,
        r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"m"},"media":{"payload":"AAAA"}}"#,
    ] {
        assert_eq!(parse_command(text), Err(CommandError::Fields), "{text}");
    }
    let unknown = parse_command(r#"{"event":"stop","streamSid":"MZ1"}"#);
    assert_eq!(unknown, Err(CommandError::UnknownEvent));
    let noise = r#"{"event":"media","streamSid":"MZ1","media":{"payload":"no base64"}}"#;
    assert_eq!(parse_command(noise), Err(CommandError::Payload));
    assert!(parse_command(noise).unwrap_err().to_string().contains("31951"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_we_write_the_carrier_reads(
        audio in prop::collection::vec(any::<u8>(), 1..2_000),
        mark in any::<String>(),
    ) {
        let (sid, payload) = (sid(), STANDARD.encode(audio));
        let stream_sid = || sid.as_str().into();

        let text = written(|out| stream::write_media(out, &sid, &payload));
        let expected = Command::Media { stream_sid: stream_sid(), payload: payload.as_str().into() };
        prop_assert_eq!(parse_command(&text), Ok(expected));

        let text = written(|out| stream::write_mark(out, &sid, &mark));
        let expected = Command::Mark { stream_sid: stream_sid(), name: mark.as_str().into() };
        prop_assert_eq!(parse_command(&text), Ok(expected));

        let text = written(|out| stream::write_clear(out, &sid));
        prop_assert_eq!(parse_command(&text), Ok(Command::Clear { stream_sid: stream_sid() }));
    }

    #[test]
    fn what_the_carrier_writes_we_read(
        audio in prop::collection::vec(any::<u8>(), 1..400),
        (sequence, chunk, timestamp_ms) in any::<(u64, u64, u64)>(),
        name in any::<String>(),
        digit in prop::sample::select("0123456789*#ABCD".chars().collect::<Vec<_>>()),
        custom_parameters in prop::collection::btree_map(any::<String>(), any::<String>(), 0..6),
    ) {
        let (sid, payload) = (sid(), STANDARD.encode(audio));
        let position = (chunk, timestamp_ms);
        let text = written(|out| {
            carrier::write_media(out, sequence, &sid, Track::Inbound, position, &payload);
        });
        let payload = payload.as_str().into();
        let media = Media { track: Track::Inbound, chunk, timestamp_ms, sequence, payload };
        prop_assert_eq!(stream::parse(&text), Ok(StreamMessage::Media(media)));

        let text = written(|out| carrier::write_mark(out, sequence, &sid, &name));
        let name = name.as_str().into();
        prop_assert_eq!(stream::parse(&text), Ok(StreamMessage::Mark { name }));

        let text = written(|out| carrier::write_dtmf(out, sequence, &sid, digit));
        prop_assert_eq!(stream::parse(&text), Ok(StreamMessage::Dtmf { digit }));

        let start = StreamStart {
            stream_sid: sid.clone(),
            account_sid: AccountSid::parse("AC1").unwrap(),
            call_sid: CallSid::parse("CA1").unwrap(),
            tracks: vec!["inbound".to_owned()],
            custom_parameters,
            media_format: MediaFormat::mulaw(),
        };
        let text = written(|out| carrier::write_start(out, 1, &start));
        prop_assert_eq!(stream::parse(&text), Ok(StreamMessage::Start(start)));
    }

    #[test]
    fn no_text_makes_the_carrier_panic(text in any::<String>()) {
        parse_command(&text).ok();
        let inside = format!(r#"{{"event":"media","streamSid":"MZ1","media":{text}}}"#);
        parse_command(&inside).ok();
    }
}
