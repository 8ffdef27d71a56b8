//! A media stream's socket: paced by an absolute schedule, never blocked by a
//! server that does not read.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use actix_http::ws::Item;
use awc::ws::{Frame, Message};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout};

use super::clock::{Clock, Schedule};
use super::line::Socket;
use super::report::StreamEnd;
use super::session::{Out, Session};

/// How long the server has to answer our close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Most bytes of one message in several frames.
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Runs a stream until either side ends it.
pub(super) async fn run(socket: &mut Socket, session: &mut Session<'_>, clock: Clock) -> StreamEnd {
    let mut schedule = Schedule::starting(Instant::now());
    let mut timer = pin!(sleep_until(schedule.due()));
    let mut parts = Parts::default();
    loop {
        if let Err(end) = flush(socket, session).await {
            let unread = timeout(CLOSE_TIMEOUT, last_words(socket, session, &mut parts, clock));
            return unread.await.ok().flatten().unwrap_or(end);
        }
        if let Some(end) = session.ended {
            return leave(socket, end).await;
        }
        tokio::select! {
            biased;
            () = timer.as_mut() => {
                let (_, late) = schedule.take(Instant::now());
                session.report.lateness.record(late);
                session.tick(clock.now());
                timer.as_mut().reset(schedule.due());
            }
            message = socket.next() => {
                let Some(Ok(frame)) = message else { return StreamEnd::ServerVanished };
                if let Some(end) = receive(socket, session, frame, &mut parts, clock).await {
                    return end;
                }
            }
        }
    }
}

/// Writes what is to be sent and gives the kernel as much as it takes now; what
/// it does not take goes out with a later tick.
async fn flush(socket: &mut Socket, session: &mut Session<'_>) -> Result<(), StreamEnd> {
    let mut socket = Pin::new(socket);
    for out in session.outbox.drain(..) {
        let message = match out {
            Out::Media(_) if socket.is_write_buf_full() => {
                session.report.frames_sent = session.report.frames_sent.saturating_sub(1);
                session.report.frames_discarded += 1;
                continue;
            }
            Out::Media(text) | Out::Control(text) => Message::Text(text),
            Out::Binary(bytes) => Message::Binary(bytes),
        };
        socket.as_mut().write(message).map_err(|_| StreamEnd::ServerVanished)?;
    }
    if socket.is_write_buf_empty() {
        return Ok(());
    }
    let flushed = poll_fn(|cx| {
        Poll::Ready(match socket.as_mut().flush::<Message>(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Ok(()),
        })
    });
    flushed.await.map_err(|_| StreamEnd::ServerVanished)
}

async fn receive(
    socket: &mut Socket,
    session: &mut Session<'_>,
    frame: Frame,
    parts: &mut Parts,
    clock: Clock,
) -> Option<StreamEnd> {
    match frame {
        Frame::Text(bytes) => text(session, &bytes, clock),
        Frame::Binary(bytes) => session.binary(bytes.len()),
        Frame::Continuation(item) => match parts.join(item) {
            Some(Whole::Text(bytes)) => text(session, &bytes, clock),
            Some(Whole::Binary(bytes)) => session.binary(bytes),
            None => {}
        },
        Frame::Ping(bytes) => {
            let pong = Pin::new(socket).write(Message::Pong(bytes));
            return pong.is_err().then_some(StreamEnd::ServerVanished);
        }
        Frame::Pong(_) => {}
        Frame::Close(reason) => {
            session.report.close = reason
                .as_ref()
                .map(|reason| (reason.code.into(), reason.description.clone().unwrap_or_default()));
            let answer = timeout(CLOSE_TIMEOUT, socket.send(Message::Close(reason))).await;
            if !matches!(answer, Ok(Ok(()))) {
                tracing::debug!("the server did not wait for our close frame");
            }
            return Some(StreamEnd::ServerClosed);
        }
    }
    None
}

fn text(session: &mut Session<'_>, bytes: &[u8], clock: Clock) {
    match std::str::from_utf8(bytes) {
        Ok(text) => session.text(text, clock.now()),
        Err(_) => session.binary(bytes.len()),
    }
}

/// The server takes nothing more. It may have said goodbye before, and that is unread.
async fn last_words(
    socket: &mut Socket,
    session: &mut Session<'_>,
    parts: &mut Parts,
    clock: Clock,
) -> Option<StreamEnd> {
    while let Some(Ok(frame)) = socket.next().await {
        if let Some(end) = receive(socket, session, frame, parts, clock).await {
            return Some(end);
        }
    }
    None
}

/// The carrier closes: politely, unless the script says otherwise.
async fn leave(socket: &mut Socket, end: StreamEnd) -> StreamEnd {
    if end == StreamEnd::Reset {
        return end;
    }
    let goodbye = async {
        socket.send(Message::Close(Some(awc::ws::CloseCode::Normal.into()))).await.ok()?;
        // Bytes left unread would turn the close into a reset, and `stop` with it.
        while let Some(Ok(frame)) = socket.next().await {
            if matches!(frame, Frame::Close(_)) {
                break;
            }
        }
        Some(())
    };
    if timeout(CLOSE_TIMEOUT, goodbye).await.is_err() {
        tracing::debug!("the server did not answer the close frame");
    }
    end
}

/// A message that comes in several frames.
#[derive(Default)]
struct Parts {
    bytes: BytesMut,
    is_text: bool,
}

enum Whole {
    Text(Bytes),
    Binary(usize),
}

impl Parts {
    fn join(&mut self, item: Item) -> Option<Whole> {
        let (bytes, last) = match item {
            Item::FirstText(bytes) => {
                self.bytes.clear();
                self.is_text = true;
                (bytes, false)
            }
            Item::FirstBinary(bytes) => {
                self.bytes.clear();
                self.is_text = false;
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        if self.bytes.len() + bytes.len() <= MAX_MESSAGE_BYTES {
            self.bytes.extend_from_slice(&bytes);
        }
        if !last {
            return None;
        }
        let whole = self.bytes.split().freeze();
        Some(if self.is_text { Whole::Text(whole) } else { Whole::Binary(whole.len()) })
    }
}
