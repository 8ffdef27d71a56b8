//! Bytes that are small to send and large to read: nested without end, numbers
//! and keys of a size that none has, base64 that is none. What the parsers make
//! of them is tested in the core (`tests/bombs.rs`); here, that the server lives.

use std::time::Duration;

use serde_json::json;

use crate::support::{OPS_TOKEN, RawStream, Webhook, World, client, new_call};

const PATIENCE: Duration = Duration::from_secs(10);

/// JSON of about so many bytes each, with `{}` where more may stand.
fn bombs(bytes: usize) -> Vec<(&'static str, String)> {
    vec![
        ("nested lists", format!("{{\"x\":{}", "[".repeat(bytes))),
        ("nested objects", "{\"x\":".repeat(bytes / 5)),
        (
            "nested and closed",
            format!("{{\"x\":{}{}}}", "[".repeat(bytes / 2), "]".repeat(bytes / 2)),
        ),
        ("a number", format!("{{\"x\":{}}}", "9".repeat(bytes))),
        ("an exponent", format!("{{\"x\":1e{}}}", "9".repeat(bytes))),
        ("a key", format!("{{\"{}\":1}}", "k".repeat(bytes))),
        ("keys", format!("{{{}\"z\":1}}", "\"k\":1,".repeat(bytes / 6))),
        ("escapes", format!("{{\"x\":\"{}\"}}", "\\u0000".repeat(bytes / 6))),
    ]
}

#[actix_rt::test]
async fn bombs_on_a_stream_leave_the_server_as_it_was() {
    let world = World::start().await;
    let before = world.server.memory_kib();
    for (what, bomb) in bombs(60_000) {
        let mut stream = RawStream::open(&world.server).await;
        stream.send(&bomb).await;
        assert_eq!(stream.closed(PATIENCE).await, (1008, "malformed".to_owned()), "{what}");
    }
    let (call, mut stream) = world.live_by_hand().await;
    for payload in [
        "/".repeat(60_000),
        " ".repeat(60_000),
        "=".repeat(60_000),
        "\\n".repeat(20_000),
        "A".repeat(59_999),
    ] {
        let media =
            format!(r#"{{"event":"media","media":{{"track":"inbound","payload":"{payload}"}}}}"#);
        stream.try_send(&media).await;
    }
    // Whatever became of the stream, the call has an end.
    world.status(&call, "completed").await;
    world.stored(&call).await;
    let grown = world.server.memory_kib().saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB more than before");
    world.assert_idle().await;
}

#[actix_rt::test]
async fn bombs_in_requests_are_refused_before_they_are_read() {
    let world = World::start().await;
    let put = async |body: String| {
        let request = client().put(format!("{}/api/v1/switches", world.server.base()));
        let request = request.bearer_auth(OPS_TOKEN).timeout(PATIENCE);
        request.send_body(body).await.map(|answer| answer.status().as_u16())
    };
    for (what, bomb) in bombs(60_000) {
        assert_eq!(put(bomb).await.unwrap(), 400, "{what}");
    }
    for (what, bomb) in bombs(10_000_000) {
        // The server may close before it was sent all.
        let status = put(bomb).await.unwrap_or(413);
        assert_eq!(status, 413, "{what}");
    }
    let many = (0..300).fold(Webhook::new("/twilio/voice", &new_call()), |webhook, n| {
        webhook.with(&format!("p{n}"), "x")
    });
    let answer = many.send(&world.server).await;
    assert_eq!((answer.status, answer.text.contains("more than 256")), (400, true), "{answer:?}");
    let long = Webhook::new("/twilio/voice", &new_call()).with("Huge", &"x".repeat(100_000));
    assert!(long.try_send(&world.server).await.is_none_or(|answer| answer.status == 413));
    assert_eq!(world.get("/health").await["status"], json!("ok"));
    assert_eq!(world.server.rows(), 0);
}
