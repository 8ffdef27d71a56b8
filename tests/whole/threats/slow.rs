//! Clients that take their time. A connection costs a place, and none may be had
//! for nothing: each is closed within seconds, and while it lasts it is in nobody's
//! way.

use std::time::Duration;

use futures_util::future::join_all;

use crate::support::{RawConnection, World, allow_many_files, stream_handshake};

/// Five seconds for a request's head, five for its body, five before a stream's
/// `start`: ten times that, since machines are busy.
const IN_TIME: Duration = Duration::from_secs(50);

fn beginnings() -> [(&'static str, String); 8] {
    let post = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 900\r\n\r\n"
        )
    };
    [
        ("nothing at all", String::new()),
        ("half a request line", "GET /hea".to_owned()),
        ("headers without an end", "GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned()),
        ("a webhook's body", post("/twilio/voice")),
        ("a chunked body", "PUT /api/v1/switches HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2bc\r\n{".to_owned()),
        ("a body that nobody reads", post("/nowhere")),
        (
            "chunks that nobody reads",
            "POST /nowhere HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2bc\r\n{"
                .to_owned(),
        ),
        ("a stream without a start", stream_handshake()),
    ]
}

#[actix_rt::test]
async fn whoever_sends_a_byte_now_and_then_is_shown_out() {
    let world = World::start().await;
    let watched = beginnings().map(|(what, bytes)| {
        let connection = RawConnection::with(&world.server, bytes.as_bytes());
        // A byte now and then would be no frame: a stream is left waiting.
        let byte = (what != "a stream without a start").then_some(b'a');
        async move {
            let (said, took) = connection.until_closed(byte).await;
            assert!(took < IN_TIME, "{what}: closed after {took:?}");
            let refused = ["HTTP/1.1 408 ", "HTTP/1.1 404 ", "HTTP/1.1 411 ", "HTTP/1.1 101 "];
            let good = said.is_empty() || refused.iter().any(|start| said.starts_with(start));
            assert!(good, "{what}: {said}");
            (what, said)
        }
    });
    let said = join_all(watched).await;
    let of = |wanted: &str| said.iter().find(|(what, _)| *what == wanted).map(|(_, said)| said);
    for slow in ["headers without an end", "a webhook's body"] {
        assert!(of(slow).is_some_and(|said| said.starts_with("HTTP/1.1 408 ")), "{slow}: {said:?}");
    }
    for chunks in ["a chunked body", "chunks that nobody reads"] {
        assert!(of(chunks).is_some_and(|said| said.starts_with("HTTP/1.1 411 ")), "{chunks}");
    }
    world.assert_idle().await;
    assert_eq!(world.server.rows(), 0);
}

#[actix_rt::test]
async fn five_hundred_idle_connections_keep_no_call_from_being_answered() {
    allow_many_files();
    let world = World::start().await;
    let idle: Vec<RawConnection> = beginnings()
        .iter()
        .cycle()
        .take(500)
        .map(|(_, bytes)| RawConnection::with(&world.server, bytes.as_bytes()))
        .collect();
    let report = world.place("wait greeting\nhangup").await;
    assert_eq!(report.failure(), None, "{report:?}");
    assert_eq!(world.sessions().len(), 1, "the call was answered while they waited");
    let closed = join_all(idle.into_iter().map(|one| one.until_closed(None))).await;
    assert_eq!(closed.len(), 500);
    assert!(closed.iter().all(|(_, took)| *took < IN_TIME));
    world.assert_idle().await;
}
