//! TwiML is followed as Twilio follows it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use std::path::Path;

use carrier_server::{Canned, Server, connect, xml};
use trunkline_simulator::carrier::{
    CallPlan, DialOutcome, Ended, Library, Script, StatusPlan, StreamEnd, place_call,
};

fn script(text: &str) -> Script {
    Script::read(text, &mut Library::new(Path::new(""), Path::new(""))).unwrap()
}

#[actix_web::test]
async fn the_connect_action_decides_what_follows_a_stream() {
    let voice = format!(
        "<Say>Hi &amp; welcome</Say>{}<Say>never reached</Say>",
        connect("wss://127.0.0.1/stream/a", Some("/twilio/connect-action"))
    );
    let dial = "<Dial callerId=\"+15550000002\" record=\"record-from-answer\">+14319900222</Dial>";
    let server = Server::with_stream(
        &[("/twilio/voice", xml(&voice)), ("/twilio/connect-action", xml(dial))],
        |mut peer| {
            Box::pin(async move {
                peer.wait_for("start").await;
                peer.close().await;
            })
        },
    )
    .await;
    let plan = CallPlan { script: script("expect dial +14319900222 within 5s"), ..server.plan() };
    let report = place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    assert_eq!(report.ended, Ended::FarEnd);
    assert_eq!(report.verbs, ["Say", "Connect/Stream", "Dial"]);
    assert_eq!(report.said, ["Hi & welcome"]);
    assert_eq!(report.numbers_dialled(), ["+14319900222"]);
    assert_eq!(report.dialled[0].caller_id.as_deref(), Some("+15550000002"));
    assert_eq!(report.dialled[0].record.as_deref(), Some("record-from-answer"));
    let seen = server.seen();
    let action = seen.last().unwrap();
    assert_eq!(action.path, "/twilio/connect-action");
    assert_eq!(action.get("StreamSid"), Some(report.streams[0].stream_sid.as_str()));
    assert_eq!(action.get("CallSid"), Some(report.call_sid.as_str()));
}

#[actix_web::test]
async fn a_stream_that_cannot_be_opened_leads_to_the_action_too() {
    let voice = xml(&connect("wss://127.0.0.1/stream/refused", Some("/after")));
    let server =
        Server::start(&[("/twilio/voice", voice), ("/after", xml("<Dial>+15550000001</Dial>"))])
            .await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.streams[0].end, StreamEnd::NotOpened);
    assert_eq!(report.errors[0].code, Some(31_920));
    assert_eq!(report.numbers_dialled(), ["+15550000001"]);
}

#[actix_web::test]
async fn without_an_action_the_next_verb_follows() {
    let voice = format!("{}<Say>Sorry.</Say>", connect("wss://127.0.0.1/stream/refused", None));
    let server = Server::start(&[("/twilio/voice", xml(&voice))]).await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.said, ["Sorry."]);
    assert_eq!(report.ended, Ended::FarEnd);
}

#[actix_web::test]
async fn the_dial_action_hears_how_it_went() {
    let dial = "<Dial action=\"/dialled\" timeout=\"9\"><Number>+15550000001</Number></Dial>";
    for (outcome, status, bridged) in [
        (DialOutcome::Answered, "completed", "true"),
        (DialOutcome::NoAnswer, "no-answer", "false"),
        (DialOutcome::Busy, "busy", "false"),
    ] {
        let server =
            Server::start(&[("/twilio/voice", xml(dial)), ("/dialled", xml("<Hangup/>"))]).await;
        let report = place_call(&CallPlan { dial: outcome, ..server.plan() }, None).await;
        assert_eq!(report.failure(), None, "{report:#?}");
        let action = server.seen().pop().unwrap();
        assert_eq!(action.get("DialCallStatus"), Some(status));
        assert_eq!(action.get("DialBridged"), Some(bridged));
        assert_eq!(action.get("DialCallDuration").is_some(), bridged == "true");
    }
}

#[actix_web::test]
async fn a_gather_takes_the_scripts_keys_or_falls_through() {
    let gather = "<Gather numDigits=\"1\" action=\"/menu\"><Say>Press zero.</Say></Gather>\
                  <Say>No key.</Say>";
    let answers = [("/twilio/voice", xml(gather)), ("/menu", xml("<Hangup/>"))];
    let server = Server::start(&answers).await;
    let plan = CallPlan { script: script("wait 1s\npress 07"), ..server.plan() };
    let report = place_call(&plan, None).await;
    assert_eq!(report.verbs, ["Gather", "Gather/Say", "Hangup"]);
    assert_eq!(server.seen().pop().unwrap().get("Digits"), Some("0"));

    let server = Server::start(&answers).await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.said, ["Press zero.", "No key."]);
    assert_eq!(server.paths(), ["/twilio/voice"]);
}

#[actix_web::test]
async fn a_gather_ends_at_its_finish_key_and_asks_the_same_document_by_default() {
    let gather = xml("<Gather><Say>Your number?</Say></Gather>");
    let server = Server::start(&[("/twilio/voice", gather)]).await;
    let plan = CallPlan { script: script("press 12#4"), ..server.plan() };
    let report = place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    let seen = server.seen();
    assert_eq!(server.paths(), ["/twilio/voice", "/twilio/voice"]);
    assert_eq!(seen[1].get("Digits"), Some("12"));
    assert_eq!(seen[1].get("FinishedOnKey"), Some("#"));
}

#[actix_web::test]
async fn a_redirect_is_followed_relative_to_its_document_and_not_for_ever() {
    let server = Server::start(&[
        ("/twilio/voice", xml("<Redirect>other</Redirect><Say>never</Say>")),
        ("/twilio/other", xml("<Play>/a.wav</Play><Pause length=\"3\"/><Hangup/>")),
    ])
    .await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.verbs, ["Redirect", "Play", "Pause", "Hangup"]);
    assert_eq!(report.played, ["/a.wav"]);

    let around = xml("<Redirect>/twilio/voice</Redirect>");
    let server = Server::start(&[("/twilio/voice", around)]).await;
    let report = place_call(&server.plan(), None).await;
    assert!(report.failure().unwrap().contains("documents"), "{report:#?}");
}

#[actix_web::test]
async fn a_rejected_call_is_never_answered() {
    let server = Server::start(&[
        ("/twilio/voice", xml("<Reject reason=\"busy\"/>")),
        ("/twilio/status", xml("")),
    ])
    .await;
    let plan = CallPlan { status: Some(StatusPlan::default()), ..server.plan() };
    let report = place_call(&plan, None).await;
    assert_eq!((report.ended, report.status), (Ended::Rejected, "busy"));
    assert_eq!(report.failure(), None);
    let status = server.seen().pop().unwrap();
    assert_eq!(status.get("CallStatus"), Some("busy"));
    assert_eq!(statuses(&server), ["initiated", "ringing", "busy"]);
}

#[actix_web::test]
async fn status_callbacks_may_come_twice_and_out_of_order() {
    let answers = [("/twilio/voice", xml("<Say>Bye.</Say>")), ("/twilio/status", xml(""))];
    let server = Server::start(&answers).await;
    let plan = CallPlan { status: Some(StatusPlan::default()), ..server.plan() };
    place_call(&plan, None).await;
    assert_eq!(statuses(&server), ["initiated", "ringing", "in-progress", "completed"]);
    let last = server.seen().pop().unwrap();
    assert_eq!(last.get("SequenceNumber"), Some("3"));
    assert!(last.get("CallDuration").is_some() && last.get("Timestamp").is_some());

    let server = Server::start(&answers).await;
    let status = StatusPlan { shuffled: true, duplicated: true, ..StatusPlan::default() };
    place_call(&CallPlan { status: Some(status), ..server.plan() }, None).await;
    let statuses = statuses(&server);
    assert_eq!(statuses.len(), 8);
    assert_eq!(statuses[..2], ["completed", "completed"]);
}

fn statuses(server: &Server) -> Vec<String> {
    let seen = server.seen().into_iter().filter(|seen| seen.path == "/twilio/status");
    seen.map(|seen| seen.get("CallStatus").unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn unknown_verbs_are_errors_and_plain_text_is_read_aloud() {
    let server = Server::start(&[("/twilio/voice", xml("<say>x</say><Say>y</Say>"))]).await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!(report.errors[0].code, Some(12_200));
    assert_eq!(report.said, ["y"]);

    let plain = Canned { status: 200, content_type: "text/plain", body: "Oops\n".into() };
    let server = Server::start(&[("/twilio/voice", plain)]).await;
    assert_eq!(place_call(&server.plan(), None).await.said, ["Oops"]);
}

#[actix_web::test]
async fn a_caller_who_hangs_up_in_a_verb_ends_the_call() {
    let server = Server::start(&[("/twilio/voice", xml("<Pause length=\"60\"/>"))]).await;
    let plan = CallPlan { verb_speed: 1.0, script: script("wait 50ms\nhangup"), ..server.plan() };
    let report = place_call(&plan, None).await;
    assert_eq!(report.ended, Ended::Caller);
    assert!(report.duration_ms < 1_500, "{} ms", report.duration_ms);
}
