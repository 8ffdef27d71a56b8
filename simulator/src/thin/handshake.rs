//! The opening handshake (RFC 6455, section 4), from both ends.

use std::time::Duration;

use actix_http::ws::hash_key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::connection::Connection;

/// Longest head of a request or an answer, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1_024;

/// How long the other end may take for its head.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    /// The socket could not be opened, or broke.
    #[error("{0}")]
    Socket(#[from] std::io::Error),
    /// Nothing came in time.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Timeout,
    /// What came is no head of HTTP.
    #[error("no HTTP/1.1 came")]
    NoHttp,
    /// The answer is another than 101.
    #[error("the handshake was answered with {0}")]
    Refused(String),
}

/// The first line and the headers of a request or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// `GET /path HTTP/1.1`, or `HTTP/1.1 101 Switching Protocols`.
    pub(crate) first_line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let first_line = lines.next()?.to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers = lines.filter_map(header).collect();
        first_line.contains("HTTP/1.1").then_some(Self { first_line, headers })
    }

    /// The value of a header; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A request's method, path and query.
    pub(crate) fn request(&self) -> (&str, &str, &str) {
        let mut words = self.first_line.split(' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        (method, path, query)
    }
}

/// Reads a head; with it come the bytes that were read beyond it.
pub(crate) async fn read_head(stream: &mut TcpStream) -> Result<(Head, Vec<u8>), HandshakeError> {
    let reading = async {
        let mut bytes = Vec::with_capacity(2 * 1_024);
        loop {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let rest = bytes.split_off(end + 4);
                bytes.truncate(end);
                let text = String::from_utf8(bytes).map_err(|_| HandshakeError::NoHttp)?;
                let head = Head::parse(&text).ok_or(HandshakeError::NoHttp)?;
                return Ok((head, rest));
            }
            if bytes.len() > MAX_HEAD_BYTES || stream.read_buf(&mut bytes).await? == 0 {
                return Err(HandshakeError::NoHttp);
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or(Err(HandshakeError::Timeout))
}

/// Opens a WebSocket at `authority`, with more headers than the usual ones.
pub(crate) async fn connect(
    authority: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Result<Connection, HandshakeError> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let nonce = uuid::Uuid::new_v4();
    let key = STANDARD.encode(nonce.as_bytes());
    let mut request = format!(
        "GET {target} HTTP/1.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
    );
    if !headers.iter().any(|(name, _)| *name == "host") {
        request.push_str(&format!("host: {authority}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let (head, rest) = read_head(&mut stream).await?;
    let accepted = head.header("sec-websocket-accept").map(str::as_bytes);
    if !head.first_line.contains(" 101") || accepted != Some(&hash_key(key.as_bytes())) {
        return Err(HandshakeError::Refused(head.first_line));
    }
    let seed = u32::try_from(nonce.as_u128() & 0xffff_ffff).unwrap_or(1);
    Ok(Connection::client(stream, rest, seed))
}

/// Answers a request for a WebSocket; `None` when it is none, or its sender gone.
pub(crate) async fn upgrade(
    mut stream: TcpStream,
    head: &Head,
    rest: Vec<u8>,
) -> Option<Connection> {
    let key = head.header("sec-websocket-key")?;
    let accept = hash_key(key.as_bytes());
    let accept = std::str::from_utf8(&accept).ok()?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    Some(Connection::server(stream, rest))
}

/// Answers any other request and closes.
pub(crate) async fn answer(mut stream: TcpStream, status: &str, body: &str) {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    if let Err(error) = stream.write_all(text.as_bytes()).await {
        tracing::debug!(%error, "an answer could not be sent");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_taken_apart() {
        let text =
            "GET /v1/realtime?model=m&x=1 HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key:  k \r\nodd";
        let head = Head::parse(text);
        assert_eq!(head.as_ref().map(Head::request), Some(("GET", "/v1/realtime", "model=m&x=1")));
        assert_eq!(head.as_ref().and_then(|h| h.header("sec-websocket-key")), Some("k"));
        assert_eq!(Head::parse("GARBAGE\r\nHost: a"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            if let Some(head) = Head::parse(&text) {
                let _words = head.request();
            }
        }
    }
}
