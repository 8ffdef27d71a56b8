//! TwiML as Twilio wants it, whatever texts are put into it.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;
use roxmltree::{Document, Node};
use trunkline_core::pii::PhoneNumber;
use trunkline_core::wire::twilio::{
    ConnectStream, Dial, Gather, GatherInput, Record, RejectReason, Twiml, TwimlError,
};

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#;

fn body(twiml: Twiml) -> String {
    let xml = twiml.to_xml();
    let body = xml.strip_prefix(HEAD).unwrap().strip_suffix("</Response>").unwrap();
    body.to_owned()
}

#[test]
fn a_stream_with_a_consent_line() {
    let connect = ConnectStream {
        action: Some("https://h/twilio/connect-action".to_owned()),
        url: "wss://h/twilio/stream".to_owned(),
        name: Some("CA1".to_owned()),
        status_callback: None,
        parameters: vec![("token".to_owned(), "a<b".to_owned())],
    };
    assert_eq!(connect.check(), Ok(()));
    let twiml = Twiml::new().say("Calls may be recorded & kept.").connect_stream(connect);
    assert_eq!(
        body(twiml),
        r#"<Say voice="Polly.Joanna">Calls may be recorded &amp; kept.</Say><Connect action="https://h/twilio/connect-action"><Stream url="wss://h/twilio/stream" name="CA1"><Parameter name="token" value="a&lt;b"/></Stream></Connect>"#
    );
}

#[test]
fn the_way_to_a_human() {
    let dial = Dial {
        caller_id: Some(PhoneNumber::new("+14155550111")),
        record: true,
        action: Some("/twilio/dial".to_owned()),
        timeout_s: Some(20),
        answer_on_bridge: true,
        ..Dial::to(PhoneNumber::new("+14155550100"))
    };
    assert_eq!(
        body(Twiml::new().voice("alice").say("Connecting you.").pause(1).dial(dial).hangup()),
        r#"<Say voice="alice">Connecting you.</Say><Pause length="1"/><Dial callerId="+14155550111" record="record-from-answer" action="/twilio/dial" timeout="20" answerOnBridge="true"><Number>+14155550100</Number></Dial><Hangup/>"#
    );
    let dial = |to: &str| body(Twiml::new().dial(Dial::to(PhoneNumber::new(to))));
    assert_eq!(dial("sip:a@b.example"), "<Dial><Sip>sip:a@b.example</Sip></Dial>");
    assert_eq!(dial("client:ann"), "<Dial><Client>ann</Client></Dial>");
}

#[test]
fn the_other_verbs() {
    let gather = Gather {
        input: GatherInput::DtmfSpeech,
        action: Some("/menu".to_owned()),
        timeout_s: Some(4),
        num_digits: Some(1),
        finish_on_key: Some(String::new()),
        action_on_empty_result: true,
        say: Some("Press 1".to_owned()),
        ..Gather::default()
    };
    assert_eq!(
        body(Twiml::new().gather(gather).redirect("/again?a=1&b=2")),
        r#"<Gather input="dtmf speech" action="/menu" timeout="4" numDigits="1" finishOnKey="" actionOnEmptyResult="true"><Say voice="Polly.Joanna">Press 1</Say></Gather><Redirect>/again?a=1&amp;b=2</Redirect>"#
    );
    let record = Record {
        action: Some("/done".to_owned()),
        max_length_s: Some(60),
        silent: true,
        ..Record::default()
    };
    assert_eq!(
        body(Twiml::new().play("https://h/a.wav").record(record)),
        r#"<Play>https://h/a.wav</Play><Record action="/done" maxLength="60" playBeep="false"/>"#
    );
    assert_eq!(body(Twiml::new().reject(RejectReason::Busy)), r#"<Reject reason="busy"/>"#);
    assert_eq!(body(Twiml::new().reject(RejectReason::Rejected)), r#"<Reject reason="rejected"/>"#);
    assert_eq!(body(Twiml::new()), "");
}

#[test]
fn a_stream_that_twilio_would_not_open_is_found() {
    let with = |value: usize| ConnectStream {
        url: "wss://h/s".to_owned(),
        parameters: vec![("name".to_owned(), "é".repeat(value))],
        ..ConnectStream::default()
    };
    assert_eq!(with(495).check(), Ok(()));
    let long = TwimlError::Parameter { name: "name".to_owned(), chars: 500 };
    assert_eq!(with(496).check(), Err(long));
    let query = ConnectStream { url: "wss://h/s?t=1".to_owned(), ..ConnectStream::default() };
    assert_eq!(query.check(), Err(TwimlError::Query));
}

#[test]
fn numbers_and_texts_are_not_printed() {
    let twiml = Twiml::new().say("Hello Ada").dial(Dial::to(PhoneNumber::new("+14155550100")));
    let printed = format!("{twiml:?}");
    assert!(!printed.contains("Ada") && !printed.contains("0100"), "{printed}");
}

/// A document with the text in every place that takes one.
fn full_of(text: &str) -> Twiml {
    let owned = || text.to_owned();
    let some = || Some(owned());
    let number = || PhoneNumber::new(&format!("x{text}"));
    Twiml::new()
        .voice(text)
        .say(text)
        .play(text)
        .connect_stream(ConnectStream {
            action: some(),
            url: text.replace('?', ""),
            name: some(),
            status_callback: some(),
            parameters: vec![(owned(), owned())],
        })
        .gather(Gather {
            action: some(),
            finish_on_key: some(),
            language: some(),
            hints: some(),
            say: some(),
            ..Gather::default()
        })
        .dial(Dial {
            caller_id: Some(number()),
            recording_status_callback: some(),
            action: some(),
            ..Dial::to(number())
        })
        .record(Record {
            action: some(),
            finish_on_key: some(),
            recording_status_callback: some(),
            ..Record::default()
        })
        .redirect(text)
}

/// Names of elements and attributes, in order and nested, without any text.
fn structure(node: Node<'_, '_>) -> String {
    let attributes: Vec<&str> = node.attributes().map(|a| a.name()).collect();
    let children: String = node.children().filter(Node::is_element).map(structure).collect();
    format!("{}{attributes:?}({children})", node.tag_name().name())
}

/// What is left of a text when the characters that XML cannot hold are gone.
fn legal(text: &str) -> String {
    let illegal =
        |c: char| (c < ' ' && !"\t\n\r".contains(c)) || ('\u{fffe}'..='\u{ffff}').contains(&c);
    text.chars().filter(|c| !illegal(*c)).collect()
}

fn hostile() -> impl Strategy<Value = String> {
    let pieces = [
        "</Say>",
        "<Dial>",
        "\"",
        "'",
        "&",
        "&amp;",
        "&#0;",
        "]]>",
        "<!--",
        "-->",
        "<?xml",
        "?>",
        "<![CDATA[",
        "\0",
        "\u{b}",
        "\r\n",
        "\t",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        " ",
        "é",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..12).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_text_changes_the_structure(text in prop_oneof![any::<String>(), hostile()]) {
        prop_assume!(text.chars().count() < 200);
        let plain = full_of("x").to_xml();
        let xml = full_of(&text).to_xml();
        let document = Document::parse(&xml).unwrap();
        let plain = Document::parse(&plain).unwrap();
        prop_assert_eq!(structure(document.root_element()), structure(plain.root_element()));

        let say = document.descendants().find(|n| n.has_tag_name("Say")).unwrap();
        prop_assert_eq!(say.text().unwrap_or_default(), legal(&text));
        let parameter = document.descendants().find(|n| n.has_tag_name("Parameter")).unwrap();
        let expected = legal(&text);
        prop_assert_eq!(parameter.attribute("value"), Some(expected.as_str()));
    }
}
