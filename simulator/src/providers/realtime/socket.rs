//! The shell around a session: its WebSocket and its clock.

use std::time::Duration;

use actix_web::rt::time::{Instant, sleep_until};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Item};
use bytes::Bytes;

use super::session::{Output, Session};

/// A protocol without I/O, which this runs over a WebSocket. Times are
/// milliseconds since the socket was open. After each call what
/// [`Machine::take_output`] gives is carried out.
pub(crate) trait Machine {
    fn start(&mut self);
    fn on_text(&mut self, text: &str, now_ms: u64);
    fn on_binary(&mut self, bytes: &[u8], now_ms: u64);
    fn on_time(&mut self, now_ms: u64);
    /// When [`Machine::on_time`] is wanted next.
    fn deadline_ms(&self) -> Option<u64>;
    fn take_output(&mut self) -> Vec<Output>;
    /// Whether it has ended the connection itself.
    fn ended(&self) -> bool;
    /// The connection is over, by the client's doing or nobody's.
    fn left(&mut self, now_ms: u64, how: &str);
    /// Whether long messages are sent in pieces.
    fn fragments(&self) -> bool;
}

impl Machine for Session {
    fn start(&mut self) {
        Self::start(self);
    }

    fn on_text(&mut self, text: &str, now_ms: u64) {
        Self::on_text(self, text, now_ms);
    }

    fn on_binary(&mut self, bytes: &[u8], now_ms: u64) {
        Self::on_binary(self, bytes.len(), now_ms);
    }

    fn on_time(&mut self, now_ms: u64) {
        Self::on_time(self, now_ms);
    }

    fn deadline_ms(&self) -> Option<u64> {
        Self::deadline_ms(self)
    }

    fn take_output(&mut self) -> Vec<Output> {
        Self::take_output(self)
    }

    fn ended(&self) -> bool {
        Self::ended(self)
    }

    fn left(&mut self, now_ms: u64, how: &str) {
        self.seat.record.ended(now_ms, how);
    }

    fn fragments(&self) -> bool {
        self.seat.knobs.fragment
    }
}

/// Messages longer than this are sent in pieces where that is wanted, and
/// this is the pieces' length, in octets.
const FRAGMENT_BYTES: usize = 1_024;

/// Runs a session until either side ends it.
pub(crate) async fn drive(
    mut session: impl Machine,
    socket: actix_ws::Session,
    mut messages: AggregatedMessageStream,
) {
    let origin = Instant::now();
    let now_ms = move || u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut outlet = Outlet { socket: Some(socket), fragment: session.fragments() };
    session.start();
    loop {
        for output in session.take_output() {
            outlet.put(output).await;
        }
        if session.ended() || outlet.socket.is_none() {
            break;
        }
        let due = session.deadline_ms().map(|ms| origin + Duration::from_millis(ms));
        let message = tokio::select! {
            message = messages.recv() => message,
            () = wait(due) => {
                session.on_time(now_ms());
                continue;
            }
        };
        match message {
            Some(Ok(AggregatedMessage::Text(text))) => session.on_text(&text, now_ms()),
            Some(Ok(AggregatedMessage::Binary(bytes))) => session.on_binary(&bytes, now_ms()),
            Some(Ok(AggregatedMessage::Ping(bytes))) => outlet.pong(&bytes).await,
            Some(Ok(AggregatedMessage::Pong(_))) => {}
            Some(Ok(AggregatedMessage::Close(_))) => {
                session.left(now_ms(), "client closed");
                outlet.close(CloseCode::Normal, String::new()).await;
            }
            Some(Err(_)) | None => {
                session.left(now_ms(), "connection lost");
                outlet.socket = None;
            }
        }
    }
    session.left(now_ms(), "connection lost");
}

async fn wait(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// The sending half; gone once the session is over.
struct Outlet {
    socket: Option<actix_ws::Session>,
    fragment: bool,
}

impl Outlet {
    async fn put(&mut self, output: Output) {
        let Some(socket) = self.socket.as_mut() else {
            return;
        };
        let sent = match output {
            Output::Text(text) if self.fragment && text.len() > FRAGMENT_BYTES => {
                in_pieces(socket, &text).await
            }
            Output::Text(text) => socket.text(text).await,
            Output::Binary(bytes) => socket.binary(bytes).await,
            Output::Close(code, reason) => return self.close(CloseCode::from(code), reason).await,
            Output::Drop => Err(actix_ws::Closed),
        };
        if sent.is_err() {
            self.socket = None;
        }
    }

    async fn pong(&mut self, bytes: &[u8]) {
        if let Some(socket) = self.socket.as_mut()
            && socket.pong(bytes).await.is_err()
        {
            self.socket = None;
        }
    }

    async fn close(&mut self, code: CloseCode, reason: String) {
        let Some(socket) = self.socket.take() else {
            return;
        };
        let description = (!reason.is_empty()).then_some(reason);
        if socket.close(Some(CloseReason { code, description })).await.is_err() {
            tracing::debug!("the client was gone before the close frame");
        }
    }
}

/// One text message as a first frame, continuations and a last frame.
async fn in_pieces(socket: &mut actix_ws::Session, text: &str) -> Result<(), actix_ws::Closed> {
    let whole = Bytes::copy_from_slice(text.as_bytes());
    let count = whole.len().div_ceil(FRAGMENT_BYTES);
    for n in 0..count {
        let from = n * FRAGMENT_BYTES;
        let piece = whole.slice(from..(from + FRAGMENT_BYTES).min(whole.len()));
        let item = match n {
            0 => Item::FirstText(piece),
            n if n + 1 == count => Item::Last(piece),
            _ => Item::Continue(piece),
        };
        socket.continuation(item).await?;
    }
    Ok(())
}
