//! Log lines that strangers try to write. That a line stays a line in the text
//! format too is tested where the log is made (`src/log.rs`).

use crate::support::{RawConnection, Webhook, World, new_call};

const FORGED: &str =
    "x\r\n{\"level\":\"ERROR\",\"fields\":{\"message\":\"forged\"}}\n\u{1b}[2J\u{202e}\u{2028}y";

#[actix_rt::test]
async fn whatever_a_stranger_sends_an_event_is_one_line() {
    let world = World::plan().env("RUST_LOG", "trace").start().await;
    for path in ["/twilio/voice", "/twilio/status", "/twilio/connect-action", "/twilio/fallback"] {
        let forged = Webhook::new(path, &new_call())
            .with("From", FORGED)
            .with("CallerName", FORGED)
            .with("CallStatus", FORGED)
            .with("ErrorCode", FORGED)
            .with("ErrorUrl", FORGED);
        forged.send(&world.server).await;
        forged.clone().unsigned().send(&world.server).await;
        forged.with("CallSid", FORGED).send(&world.server).await;
    }
    let odd = b"GET /%0d%0aforged%1b[2J/\xe2\x80\xae?tenant=%0aforged HTTP/1.1\r\nhost: x\r\n\
        user-agent: \x1b[2J\xe2\x80\xae forged\r\nx-forwarded-for: forged\r\nconnection: close\r\n\r\n";
    RawConnection::with(&world.server, odd).until_closed(None).await;
    let log = world.server.log();
    assert!(log.contains("a request was not signed by the carrier"));
    for line in log.lines() {
        let read = serde_json::from_str::<serde_json::Value>(line);
        assert!(read.as_ref().is_ok_and(|line| line["timestamp"].is_string()), "{line:?}");
        let message = read.map(|line| line["fields"]["message"].clone()).unwrap_or_default();
        assert_ne!(message, "forged", "{line}");
        let wild = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}');
        assert!(!line.contains(wild), "{line:?}");
    }
}
