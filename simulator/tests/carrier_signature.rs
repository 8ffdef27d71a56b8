//! Every request is signed as Twilio signs it, over the public URL.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use carrier_server::{Server, connect, xml};
use trunkline_core::wire::twilio::signature::{verify_form, verify_stream};
use trunkline_simulator::carrier::{CallPlan, place_call};

const TOKEN: &str = "12345";
const PUBLIC: &str = "https://voice.example.com";

async fn called() -> (Server, CallPlan) {
    let stream = connect("wss://voice.example.com/stream/a", Some("/after?b=2&amp;a=1"));
    let server = Server::with_stream(
        &[("/twilio/voice", xml(&stream)), ("/after", xml("<Hangup/>"))],
        |mut peer| {
            Box::pin(async move {
                peer.wait_for("start").await;
                peer.close().await;
            })
        },
    )
    .await;
    let plan = CallPlan {
        public_url: Some(PUBLIC.into()),
        auth_token: Some(TOKEN.into()),
        ..server.plan()
    };
    (server, plan)
}

#[actix_web::test]
async fn webhooks_are_signed_over_the_public_url_with_blanks() {
    let (server, plan) = called().await;
    let report = place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    let seen = server.seen();
    let voice = &seen[0];
    let signature = voice.header("x-twilio-signature");
    let url = format!("{PUBLIC}/twilio/voice");
    assert_eq!(verify_form(&[TOKEN], &url, &voice.form, signature), Ok(()));
    let wrong = format!("{}/twilio/voice", server.url);
    assert!(verify_form(&[TOKEN], &wrong, &voice.form, signature).is_err());
    assert_eq!(voice.header("host"), Some("voice.example.com"));
    assert_eq!(voice.get("ToZip"), Some(""), "blanks are sent, and so signed");
    assert_eq!(voice.get("CallStatus"), Some("ringing"));
    assert_eq!(voice.get("Direction"), Some("inbound"));
    let sid = voice.get("CallSid").unwrap();
    assert!(sid.starts_with("CA") && sid.len() == 34, "{sid}");

    let after = seen.last().unwrap();
    let url = format!("{PUBLIC}/after?b=2&a=1");
    let signature = after.header("x-twilio-signature");
    assert_eq!(verify_form(&[TOKEN], &url, &after.form, signature), Ok(()));
    assert_eq!(after.get("CallStatus"), Some("in-progress"));
}

#[actix_web::test]
async fn the_stream_is_signed_over_its_url_and_has_neither_origin_nor_extensions() {
    let (server, plan) = called().await;
    let report = place_call(&plan, None).await;
    assert_eq!(report.failure(), None, "{report:#?}");
    let seen = server.seen();
    let upgrade = seen.iter().find(|seen| seen.path == "/stream/a").unwrap();
    let signature = upgrade.header("x-twilio-signature");
    let url = "wss://voice.example.com/stream/a";
    assert_eq!(verify_stream(&[TOKEN], url, signature), Ok(()));
    assert!(verify_stream(&["other"], url, signature).is_err());
    assert_eq!(upgrade.header("host"), Some("voice.example.com"));
    assert_eq!(upgrade.header("origin"), None);
    assert_eq!(upgrade.header("sec-websocket-extensions"), None);
}

#[actix_web::test]
async fn without_a_token_nothing_is_signed() {
    let (server, plan) = called().await;
    let plan = CallPlan { auth_token: None, ..plan };
    place_call(&plan, None).await;
    assert!(server.seen().iter().all(|seen| seen.header("x-twilio-signature").is_none()));
}
