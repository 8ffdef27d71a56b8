//! A media stream down to its bytes, for a peer that does not read, and a way to a
//! server that falls silent without closing anything.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use trunkline_core::wire::twilio::signature::sign;

use super::{ACCOUNT, AUTH_TOKEN, PUBLIC_URL};

/// As little as the system allows: what is sent to a peer that does not read must
/// not find room for long.
const LITTLE_BYTES: u32 = 4_096;

/// An open stream of which nothing is read but what is asked for.
pub struct BareStream(TcpStream);

impl BareStream {
    /// Opens a stream at a port of this machine and starts a call in it.
    pub async fn begin(port: u16, call_sid: &str, token: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(LITTLE_BYTES).expect("a small buffer");
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut stream = socket.connect(address).await.expect("a connection");
        let url = format!("{}/twilio/stream", PUBLIC_URL.replace("https", "wss"));
        let signature = sign(AUTH_TOKEN, &url, &[]);
        let request = format!(
            "GET /twilio/stream HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             x-twilio-signature: {signature}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("a request is sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.expect("an answer"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        let mut stream = Self(stream);
        let sid = format!("MZ{}", &call_sid[2..]);
        stream.say(&format!(
            r#"{{"event":"start","sequenceNumber":"1","streamSid":"{sid}","start":{{"streamSid":"{sid}","accountSid":"{ACCOUNT}","callSid":"{call_sid}","tracks":["inbound"],"customParameters":{{"token":"{token}"}},"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}}}}"#
        ))
        .await
        .expect("the start is sent");
        stream
    }

    /// Sends 20 ms of silence every 20 ms, and reads nothing, until the connection
    /// breaks.
    pub async fn talk_without_listening(mut self) {
        let silence = "/".repeat(212) + "/w==";
        let frame = format!(
            r#"{{"event":"media","sequenceNumber":"2","media":{{"track":"inbound","chunk":"1","timestamp":"20","payload":"{silence}"}},"streamSid":"MZ1"}}"#
        );
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while self.say(&frame).await.is_ok() {
            tick.tick().await;
        }
    }

    /// Sends and reads as a carrier does, for so long.
    pub async fn talk_for(&mut self, time: Duration) {
        let silence = "/".repeat(212) + "/w==";
        let frame = format!(
            r#"{{"event":"media","sequenceNumber":"2","media":{{"track":"inbound","chunk":"1","timestamp":"20","payload":"{silence}"}},"streamSid":"MZ1"}}"#
        );
        let deadline = tokio::time::Instant::now() + time;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let mut heard = [0; 4_096];
        while tokio::time::Instant::now() < deadline {
            self.say(&frame).await.expect("the connection stands");
            tick.tick().await;
            // What is there is read; nothing is waited for.
            while self.0.try_read(&mut heard).is_ok_and(|bytes| bytes > 0) {}
        }
    }

    /// A text in one frame, masked with a key that changes nothing.
    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        let length = u16::try_from(text.len()).expect("a short text");
        let mut frame = vec![0x81];
        if length < 126 {
            frame.push(0x80 | u8::try_from(length).expect("a byte"));
        } else {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).await
    }
}

/// A relay to a port of this machine that can fall silent: it keeps its connections
/// and passes nothing on, in no direction.
pub struct SilentProxy {
    port: u16,
    leads_to: Rc<Cell<u16>>,
    silent: Rc<Cell<bool>>,
    listening: JoinHandle<()>,
}

impl SilentProxy {
    /// Before this port.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let silent = Rc::new(Cell::new(false));
        let leads_to = Rc::new(Cell::new(port));
        let (seen, target) = (Rc::clone(&silent), Rc::clone(&leads_to));
        let listening = actix_rt::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.expect("a client");
                let server = TcpStream::connect(("127.0.0.1", target.get())).await;
                let server = server.expect("the server");
                drop(actix_rt::spawn(relay(client, server, Rc::clone(&seen))));
            }
        });
        Self { port: own, leads_to, silent, listening }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it leads from now on.
    pub fn lead_to(&self, port: u16) {
        self.leads_to.set(port);
    }

    /// From now on nothing is passed on.
    pub fn fall_silent(&self) {
        self.silent.set(true);
    }
}

impl Drop for SilentProxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn relay(client: TcpStream, server: TcpStream, silent: Rc<Cell<bool>>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = pass(from_client, to_server, &silent);
    let down = pass(from_server, to_client, &silent);
    futures_util::future::select(Box::pin(up), Box::pin(down)).await;
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    silent: &Cell<bool>,
) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if silent.get() {
            // Long after the test is over.
            return tokio::time::sleep(Duration::from_secs(600)).await;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
