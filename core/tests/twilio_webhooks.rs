//! What webhooks say, from the bodies that Twilio sends.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use proptest::prelude::*;
use trunkline_core::call::AnsweredBy;
use trunkline_core::ids::IdError;
use trunkline_core::wire::twilio::recording::RecordingWebhook;
use trunkline_core::wire::twilio::{
    AmdWebhook, CarrierStatus, ConnectActionWebhook, DialActionWebhook, Direction, Form,
    StatusWebhook, StreamEvent, StreamStatusWebhook, VoiceWebhook, WebhookError,
};

fn form(body: &str) -> Form {
    Form::parse(body.as_bytes()).unwrap()
}

#[test]
fn a_call_comes_in() {
    let voice = VoiceWebhook::from_form(&form(
        "AccountSid=AC1&ApiVersion=2010-04-01&CallSid=CA1&CallStatus=ringing&CallToken=%257B%2522\
         &Called=%2B18005551212&Direction=inbound&From=%2B14158675309&FromCity=&ToZip=\
         &To=%2B1+800+555+1212&StirVerstat=TN-Validation-Passed-A&CallerName=ADA+L&ForwardedFrom=",
    ))
    .unwrap();
    assert_eq!(voice.call_sid.as_str(), "CA1");
    assert_eq!(voice.account_sid.unwrap().as_str(), "AC1");
    assert_eq!(voice.from.unwrap().expose(), "+14158675309");
    assert_eq!(voice.to.unwrap().expose(), "+18005551212");
    assert_eq!(voice.direction, Some(Direction::Inbound));
    assert_eq!(voice.call_status, Some(CarrierStatus::Ringing));
    assert_eq!(voice.caller_name.unwrap().expose(), "ADA L");
    assert_eq!(voice.stir_verstat.as_deref(), Some("TN-Validation-Passed-A"));
    assert_eq!((voice.forwarded_from, voice.error_code), (None, None));
}

#[test]
fn a_call_sid_alone_is_enough_and_nothing_else_is() {
    let bare = VoiceWebhook::from_form(&form("CallSid=CA1")).unwrap();
    assert_eq!((bare.account_sid, bare.from, bare.to), (None, None, None));
    let missing = Err(WebhookError::Missing("CallSid"));
    assert_eq!(VoiceWebhook::from_form(&form("From=%2B1")), missing);
    assert_eq!(VoiceWebhook::from_form(&form("CallSid=")), missing);
    let forged = VoiceWebhook::from_form(&form("CallSid=CA1%0Alevel%3DERROR"));
    assert_eq!(forged, Err(WebhookError::Id(IdError::BadCharacter("call SID"))));
}

#[test]
fn a_withheld_caller_and_words_of_the_future_are_taken() {
    let voice =
        VoiceWebhook::from_form(&form("CallSid=CA1&From=anonymous&To=client%3Aann&Direction=new"));
    let voice = voice.unwrap();
    assert_eq!(voice.from.unwrap().expose(), "anonymous");
    assert_eq!(voice.to.unwrap().expose(), "client:ann");
    assert_eq!(voice.direction, None);
}

#[test]
fn the_fallback_says_why() {
    let body = "CallSid=CA1&ErrorCode=11200&ErrorUrl=https%3A%2F%2Fh%2Fvoice";
    let voice = VoiceWebhook::from_form(&form(body)).unwrap();
    assert_eq!(voice.error_code, Some(11_200));
    assert_eq!(voice.error_url.as_deref(), Some("https://h/voice"));
}

#[test]
fn a_status_report() {
    let body = "CallSid=CA1&CallStatus=completed&CallDuration=17&Duration=1&SequenceNumber=3\
                &SipResponseCode=200&Timestamp=Thu%2C+01+Jan+2026+00%3A00%3A00+%2B0000";
    let status = StatusWebhook::from_form(&form(body)).unwrap();
    assert_eq!(status.status, CarrierStatus::Completed);
    assert_eq!((status.sequence, status.duration_s), (Some(3), Some(17)));
    assert_eq!(status.sip_response_code, Some(200));
    assert_eq!(status.timestamp.as_deref(), Some("Thu, 01 Jan 2026 00:00:00 +0000"));
    let odd = StatusWebhook::from_form(&form("CallSid=CA1&CallStatus=busy&CallDuration=soon"));
    assert_eq!(odd.unwrap().duration_s, None);
    let unknown = StatusWebhook::from_form(&form("CallSid=CA1&CallStatus=COMPLETED"));
    assert_eq!(unknown, Err(WebhookError::Word("CallStatus")));
    let missing = StatusWebhook::from_form(&form("CallSid=CA1"));
    assert_eq!(missing, Err(WebhookError::Missing("CallStatus")));
}

#[test]
fn in_whatever_order_reports_arrive_the_last_state_is_the_same() {
    use CarrierStatus::{Busy, Completed, InProgress, Initiated, Queued, Ringing};
    let life = [Queued, Initiated, Ringing, InProgress, Completed];
    let settle = |reports: &[CarrierStatus]| {
        reports.iter().copied().reduce(|known, new| if new.supersedes(known) { new } else { known })
    };
    for turn in 0..life.len() {
        let mut reports = life;
        reports.rotate_left(turn);
        assert_eq!(settle(&reports), Some(Completed), "{reports:?}");
        reports.reverse();
        assert_eq!(settle(&reports), Some(Completed), "{reports:?}");
    }
    assert_eq!(settle(&[Completed, Busy, Ringing]), Some(Completed));
    assert!(!Ringing.supersedes(Ringing));
    assert!(life.iter().filter(|s| s.is_final()).eq([&Completed]));
}

#[test]
fn every_status_has_its_word() {
    for word in [
        "queued",
        "initiated",
        "ringing",
        "in-progress",
        "completed",
        "busy",
        "failed",
        "no-answer",
        "canceled",
    ] {
        let status: CarrierStatus = word.parse().unwrap();
        assert_eq!(status.to_string(), word);
        let live = matches!(word, "queued" | "initiated" | "ringing" | "in-progress");
        assert_eq!(status.is_final(), !live, "{word}");
    }
    assert!("cancelled".parse::<CarrierStatus>().is_err());
}

#[test]
fn what_follows_a_stream_and_a_dial() {
    let body = "CallSid=CA1&StreamSid=MZ1&CallStatus=in-progress&ErrorCode=31920&StreamError=no";
    let action = ConnectActionWebhook::from_form(&form(body)).unwrap();
    assert_eq!(action.stream_sid.unwrap().as_str(), "MZ1");
    assert_eq!((action.error_code, action.error.as_deref()), (Some(31_920), Some("no")));
    assert!(ConnectActionWebhook::from_form(&form("CallSid=CA1")).is_ok());

    let body =
        "CallSid=CA1&DialCallStatus=answered&DialCallSid=CA2&DialCallDuration=8&DialBridged=true";
    let dial = DialActionWebhook::from_form(&form(body)).unwrap();
    assert_eq!(dial.dial_status, Some(CarrierStatus::Completed));
    assert_eq!((dial.dial_duration_s, dial.bridged), (Some(8), Some(true)));
}

#[test]
fn what_happened_to_a_stream() {
    let body = "CallSid=CA1&StreamSid=MZ1&StreamName=n&StreamEvent=stream-error&StreamError=lost";
    let status = StreamStatusWebhook::from_form(&form(body)).unwrap();
    assert_eq!((status.event, status.error.as_deref()), (StreamEvent::Error, Some("lost")));
    let unknown = StreamStatusWebhook::from_form(&form("CallSid=CA1&StreamEvent=x"));
    assert_eq!(unknown, Err(WebhookError::Word("StreamEvent")));
}

#[test]
fn who_answered() {
    for (word, who) in [
        ("human", AnsweredBy::Human),
        ("machine_start", AnsweredBy::MachineStart),
        ("machine_end_beep", AnsweredBy::MachineEndBeep),
        ("machine_end_silence", AnsweredBy::MachineEndSilence),
        ("machine_end_other", AnsweredBy::MachineEndOther),
        ("fax", AnsweredBy::Fax),
        ("unknown", AnsweredBy::Unknown),
        ("a_word_of_next_year", AnsweredBy::Unknown),
    ] {
        let body = format!("CallSid=CA1&AnsweredBy={word}&MachineDetectionDuration=3210");
        let found = AmdWebhook::from_form(&form(&body)).unwrap();
        assert_eq!((found.answered_by, found.duration_ms), (who, Some(3_210)), "{word}");
    }
    let nobody = AmdWebhook::from_form(&form("CallSid=CA1"));
    assert_eq!(nobody, Err(WebhookError::Missing("AnsweredBy")));
}

#[test]
fn nobody_is_named_when_a_webhook_is_printed() {
    let body = "CallSid=CA1&From=%2B14158675309&CallerName=ADA&Digits=1234";
    let printed = format!("{:?}", VoiceWebhook::from_form(&form(body)).unwrap());
    for personal in ["867", "ADA", "1234"] {
        assert!(!printed.contains(personal), "{printed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_form_makes_them_panic(values in prop::collection::vec(any::<String>(), 17)) {
        let names = [
            "CallSid", "AccountSid", "From", "To", "CallStatus", "StreamEvent", "StreamSid",
            "CallDuration", "SequenceNumber", "ErrorCode", "DialCallSid", "Direction", "AnsweredBy",
            "RecordingSid", "RecordingStatus", "RecordingDuration", "RecordingChannels",
        ];
        let pairs = names.iter().map(|n| (*n).to_owned()).zip(values).collect();
        let form = Form::from_pairs(pairs);
        VoiceWebhook::from_form(&form).ok();
        StatusWebhook::from_form(&form).ok();
        ConnectActionWebhook::from_form(&form).ok();
        DialActionWebhook::from_form(&form).ok();
        StreamStatusWebhook::from_form(&form).ok();
        AmdWebhook::from_form(&form).ok();
        RecordingWebhook::from_form(&form).ok();
    }
}
