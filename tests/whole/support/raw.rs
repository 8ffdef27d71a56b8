//! A TCP connection handled byte by byte, for what no client of HTTP does.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use trunkline_core::wire::twilio::signature::sign;

use super::{AUTH_TOKEN, PUBLIC_URL, ServerProcess};

/// Longest a server may take to close a connection, in any test.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two bytes of a client that takes its time.
const BETWEEN: Duration = Duration::from_millis(250);

/// See the module's text.
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects.
    pub fn open(server: &ServerProcess) -> Self {
        Self(TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).expect("it connects"))
    }

    /// Connects and sends the beginning of something.
    pub fn with(server: &ServerProcess, beginning: &[u8]) -> Self {
        let mut connection = Self::open(server);
        connection.send(beginning);
        connection
    }

    /// A media stream that the server has agreed to, signed well.
    pub async fn stream(server: &ServerProcess) -> Self {
        let connection = Self::with(server, handshake().as_bytes());
        // The simulated peers live on this thread: it is not to be held up.
        let read = move || {
            let Self(mut socket) = connection;
            let mut answer = Vec::new();
            let mut byte = [0];
            socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            while !answer.ends_with(b"\r\n\r\n") {
                socket.read_exact(&mut byte).expect("an answer");
                answer.push(byte[0]);
            }
            let answer = String::from_utf8(answer).expect("text");
            assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
            Self(socket)
        };
        actix_rt::task::spawn_blocking(read).await.expect("a stream")
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("the bytes are sent");
    }

    /// Reads until the server closes the connection, and sends the byte now and then
    /// if there is one; everything that was read, and how long it took.
    pub async fn until_closed(self, byte: Option<u8>) -> (String, Duration) {
        actix_rt::task::spawn_blocking(move || self.watch(byte)).await.expect("a watch")
    }

    fn watch(mut self, byte: Option<u8>) -> (String, Duration) {
        let began = Instant::now();
        let (mut all, mut some) = (Vec::new(), [0; 4_096]);
        self.0.set_read_timeout(Some(BETWEEN)).expect("a timeout");
        while began.elapsed() < PATIENCE {
            match self.0.read(&mut some) {
                Ok(0) => return (lossy(&all), began.elapsed()),
                Ok(count) => all.extend_from_slice(&some[..count]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if let Some(byte) = byte {
                        // The next look tells what became of the connection.
                        self.0.write_all(&[byte]).ok();
                    }
                }
                Err(_) => return (lossy(&all), began.elapsed()),
            }
        }
        panic!("the server does not close the connection; it said {:?}", lossy(&all));
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The request for a media stream.
pub fn handshake() -> String {
    let url = format!("{}/twilio/stream", PUBLIC_URL.replace("https", "wss"));
    format!(
        "GET /twilio/stream HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         x-twilio-signature: {}\r\n\r\n",
        sign(AUTH_TOKEN, &url, &[])
    )
}
