//! The server for echo load: sessions on thin connections, all on one thread.
//!
//! The protocol is the same state machine as everywhere. What differs is that
//! no task, channel or allocation lies between a socket and its session.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_rt::task::JoinHandle;
use actix_web::rt::time::{Instant, Sleep, sleep_until};
use actix_web::web;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::handshake::seat;
use super::realtime::{Output, Session};
use super::state::State;
use crate::thin::{self, Connection, End, Event, READ_BYTES};

/// A message is at most some hundred bytes; what one read brings is written at
/// once.
const WRITE_BYTES: usize = 16 * 1_024;

/// After a connection that could not be accepted: most often the process has as
/// many files open as it may.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A server that accepts until it is stopped.
pub(super) struct Accepting(JoinHandle<()>);

/// Accepts connections on this thread from now on.
pub(super) fn accept(listener: StdListener, state: web::Data<State>) -> std::io::Result<Accepting> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    Ok(Accepting(actix_rt::spawn(Box::pin(accept_all(listener, state)))))
}

async fn accept_all(listener: TcpListener, state: web::Data<State>) {
    let buffers = Rc::new(RefCell::new(Buffers::default()));
    // Dropped with this future, and every session with it.
    let mut sessions = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let (state, buffers) = (state.clone(), Rc::clone(&buffers));
                    sessions.spawn_local(Box::pin(serve(stream, state, buffers)));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(over) = sessions.join_next() => {
                if let Err(error) = over {
                    tracing::error!(%error, "a session broke down");
                }
            }
        }
    }
}

impl Accepting {
    /// Stops listening and cuts every session.
    pub(super) fn stop(self) {
        self.0.abort();
    }
}

/// What all connections of the thread read into and write from, one at a time.
struct Buffers {
    read: Vec<u8>,
    write: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self { read: vec![0; READ_BYTES], write: Vec::with_capacity(WRITE_BYTES) }
    }
}

async fn serve(mut stream: TcpStream, state: web::Data<State>, buffers: Rc<RefCell<Buffers>>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let Ok((head, rest)) = thin::read_head(&mut stream).await else {
        return;
    };
    let (method, path, query) = head.request();
    if head.header("sec-websocket-key").is_some() && path.ends_with("/v1/realtime") {
        let headers = head.headers.iter().cloned().collect();
        let seat = seat(headers, query, &state, state.knobs());
        if let Some(connection) = thin::upgrade(stream, &head, rest).await {
            drive(Session::new(seat), connection, &buffers).await;
        }
        return;
    }
    let (status, body) = match (method, path) {
        ("GET", "/health") => ("200 OK", json!({"status": "ok"})),
        ("GET", "/control") => {
            ("200 OK", json!({"knobs": state.knobs(), "sessions": state.started(), "refused": 0}))
        }
        ("GET", "/control/sessions") => ("200 OK", json!(state.sessions())),
        _ => ("404 Not Found", json!({"error": "a server for echo load has no such page"})),
    };
    thin::answer(stream, status, &body.to_string()).await;
}

async fn drive(session: Session, connection: Connection, buffers: &RefCell<Buffers>) {
    let origin = Instant::now();
    let mut desk =
        Desk { session, connection, origin, sleep: Box::pin(sleep_until(origin)), due_ms: None };
    desk.session.start();
    let how = poll_fn(|context| desk.poll(context, &mut buffers.borrow_mut())).await;
    desk.session.seat.record.ended(desk.now_ms(), how);
}

/// A session at its connection.
struct Desk {
    session: Session,
    connection: Connection,
    origin: Instant,
    sleep: std::pin::Pin<Box<Sleep>>,
    /// What the sleep is set to, and will wake this task at.
    due_ms: Option<u64>,
}

impl Desk {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn poll(&mut self, context: &mut Context<'_>, buffers: &mut Buffers) -> Poll<&'static str> {
        let now_ms = self.now_ms();
        let Self { session, connection, .. } = self;
        let read = connection.poll_read(context, &mut buffers.read, |event| match event {
            Event::Text(text) => session.on_text(text, now_ms),
            Event::Binary(bytes) => session.on_binary(bytes, now_ms),
        });
        self.wait(context, now_ms);
        if let Some(how) = self.write(&mut buffers.write) {
            return Poll::Ready(how);
        }
        match read {
            Poll::Pending => Poll::Pending,
            Poll::Ready(End::Closed) => {
                buffers.write.clear();
                self.connection.close(&mut buffers.write, 1_000);
                self.connection.send(&buffers.write);
                Poll::Ready("client closed")
            }
            Poll::Ready(End::Vanished | End::Foreign) => Poll::Ready("connection lost"),
        }
    }

    /// Does what is due and sets the alarm for what comes next.
    fn wait(&mut self, context: &mut Context<'_>, mut now_ms: u64) {
        loop {
            let due_ms = self.session.deadline_ms();
            let Some(due) = due_ms else {
                return;
            };
            if due <= now_ms {
                self.session.on_time(now_ms);
                continue;
            }
            // A task's waker stays the same: an alarm that is set need not be
            // looked at again.
            let Some(at) = self.origin.checked_add(Duration::from_millis(due)) else {
                return;
            };
            if self.due_ms == due_ms {
                return;
            }
            self.sleep.as_mut().reset(at);
            if self.sleep.as_mut().poll(context).is_pending() {
                self.due_ms = due_ms;
                return;
            }
            now_ms = now_ms.max(due);
        }
    }

    /// Writes everything that the session has to say, at once; why it is over,
    /// if it is.
    fn write(&mut self, out: &mut Vec<u8>) -> Option<&'static str> {
        out.clear();
        let mut over = None;
        for output in self.session.drain_output() {
            match output {
                Output::Text(text) => self.connection.text(out, &text),
                Output::Binary(_) => {}
                Output::Close(code, _) => {
                    self.connection.close(out, code);
                    over = Some("stopped");
                }
                Output::Drop => over = Some("dropped"),
            }
        }
        if !out.is_empty() && !self.connection.send(out) {
            over = Some("connection lost");
        }
        over
    }
}
