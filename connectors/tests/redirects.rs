//! Where a dial goes, and where it does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use trunkline_connectors::reach::{Networks, OutOfReach, Reach};
use trunkline_connectors::websocket::{DialError, dial};

const PATIENCE: Duration = Duration::from_secs(10);

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn dialled(url: &str, reach: &Reach) -> Result<(), DialError> {
    dial(url, &[], 65_536, PATIENCE, reach).await.map(drop)
}

#[actix_rt::test]
async fn a_redirection_is_an_answer_like_any_other() {
    let (first, port) = listener();
    let (second, elsewhere) = listener();
    second.set_nonblocking(true).unwrap();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = first.accept().unwrap();
        let read = socket.read(&mut [0; 4_096]).unwrap();
        assert!(read > 0);
        let answer = format!(
            "HTTP/1.1 302 Found\r\nlocation: ws://127.0.0.1:{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
        );
        socket.write_all(answer.as_bytes()).unwrap();
    });
    let answered = dialled(&format!("ws://127.0.0.1:{port}/"), &Reach::Anywhere).await;
    assert!(matches!(answered, Err(DialError::Status(s)) if s.as_u16() == 302), "{answered:?}");
    server.join().unwrap();
    assert!(second.accept().is_err(), "nobody went where the answer pointed");
}

#[actix_rt::test]
async fn out_of_reach_is_not_even_connected_to() {
    let (inner, port) = listener();
    inner.set_nonblocking(true).unwrap();
    let public = Reach::Public(Networks::default());
    for url in [
        format!("ws://127.0.0.1:{port}/"),
        format!("ws://localhost:{port}/"),
        format!("wss://user:word@127.0.0.1:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("ws://2130706433:{port}/"),
        format!("ws://0x7f000001:{port}/"),
        format!("ws://0:{port}/"),
    ] {
        let refused = dialled(&url, &public).await;
        let error = refused.expect_err(&url);
        assert!(matches!(error, DialError::OutOfReach(_)), "{url}: {error:?}");
        assert!(!error.to_string().contains("127"), "{error}");
    }
    assert!(inner.accept().is_err(), "nobody came");
    let private = dialled("ws://169.254.169.254/", &public).await.unwrap_err();
    assert!(matches!(private, DialError::OutOfReach(OutOfReach::NotPublic)));
    assert!(!private.is_worth_retrying(), "it stays where it is");
}

#[actix_rt::test]
async fn the_checked_address_is_the_one_that_is_dialled() {
    let (inner, port) = listener();
    let server = std::thread::spawn(move || {
        let (mut socket, _) = inner.accept().unwrap();
        let mut request = vec![0; 4_096];
        let read = socket.read(&mut request).unwrap();
        socket.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").unwrap();
        String::from_utf8_lossy(request.get(..read).unwrap()).into_owned()
    });
    let some = Reach::Public(Networks::parse("127.0.0.0/8,::1").unwrap());
    // The name may stand for both; the one that nobody listens at is passed over.
    let answered = dialled(&format!("ws://localhost:{port}/path"), &some).await;
    assert!(matches!(answered, Err(DialError::Status(s)) if s.as_u16() == 403), "{answered:?}");
    let request = server.join().unwrap().to_lowercase();
    assert!(request.contains(&format!("host: localhost:{port}")), "{request}");
}
