//! What happens when the webhook fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod carrier_server;

use carrier_server::{Canned, Server, xml};
use trunkline_simulator::carrier::{CallPlan, Ended, place_call};

fn broken(status: u16, body: &str) -> Canned {
    Canned { status, content_type: "text/xml", body: body.to_owned() }
}

#[actix_web::test]
async fn the_fallback_takes_over_and_is_told_why() {
    let huge = format!("<Response><Say>{}</Say></Response>", "x".repeat(70_000));
    for (voice, code) in [
        (broken(500, "<Response/>"), "11200"),
        (broken(302, ""), "11200"),
        (broken(200, "<Response><Say>"), "12100"),
        (broken(200, ""), "12100"),
        (broken(200, "<response/>"), "12100"),
        (broken(200, &huge), "11750"),
        (Canned { status: 200, content_type: "application/json", body: "{}".into() }, "12300"),
    ] {
        let fallback = xml("<Dial>+15550000001</Dial>");
        let server =
            Server::start(&[("/twilio/voice", voice), ("/twilio/fallback", fallback)]).await;
        let report = place_call(&server.plan(), None).await;
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.path, "/twilio/fallback");
        assert_eq!(seen.get("ErrorCode"), Some(code));
        let url = format!("{}/twilio/voice", server.url);
        assert_eq!(seen.get("ErrorUrl"), Some(url.as_str()));
        assert_eq!(report.numbers_dialled(), ["+15550000001"]);
        assert_eq!(report.ended, Ended::FarEnd);
        assert!(report.failure().is_some(), "the failed webhook is part of the report");
    }
}

#[actix_web::test]
async fn without_a_working_fallback_the_call_fails() {
    let server =
        Server::start(&[("/twilio/voice", broken(503, "")), ("/twilio/fallback", broken(500, ""))])
            .await;
    let report = place_call(&server.plan(), None).await;
    assert_eq!((report.ended, report.status), (Ended::Failed, "failed"));
    assert_eq!(server.paths(), ["/twilio/voice", "/twilio/fallback"]);

    let server = Server::start(&[("/twilio/voice", broken(503, ""))]).await;
    let plan = CallPlan { fallback_url: None, ..server.plan() };
    assert_eq!(place_call(&plan, None).await.ended, Ended::Failed);
    assert_eq!(server.paths(), ["/twilio/voice"]);
}

#[actix_web::test]
async fn a_server_that_is_not_there_is_reported_as_such() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let report = place_call(&CallPlan::new(&format!("http://127.0.0.1:{port}")), None).await;
    assert_eq!(report.ended, Ended::Failed);
    assert_eq!(report.errors[0].code, Some(11_205));
    assert!(report.http.iter().all(|exchange| exchange.status.is_none()));
}
