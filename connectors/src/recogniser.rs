//! The recogniser's connection: audio out, words in, in whichever dialect.

use std::collections::VecDeque;
use std::time::Duration;

use actix_http::ws::{CloseCode, CloseReason, Frame, Item, Message, ProtocolError};
use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout};
use trunkline_core::wire::deepgram::{Closing, KEEP_ALIVE_MS, MAX_MESSAGE_BYTES, ParseError};
use trunkline_core::wire::recogniser::{Dialogue, Hearing, Outgoing, RecogniserEvent};
use trunkline_core::wire::refusal::Advice;
use trunkline_core::wire::url::UrlError;

use crate::reach::Reach;
use crate::websocket::{Connection, DialError, dial};

/// Time between two looks at whether the service is still there.
const PING_EVERY: Duration = Duration::from_secs(4);
/// Code of a connection that ended without a close frame.
const NO_FRAME: u16 = 1_006;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Dialling, with the handshake.
    pub connect: Duration,
    /// Until the service says anything, at the very least to a ping. More than
    /// four seconds.
    pub idle: Duration,
    /// Until the socket takes a message.
    pub send: Duration,
}

/// Why a connection did not come about, or is over.
#[derive(Debug, thiserror::Error)]
pub enum RecogniserError {
    /// The configured URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Dialling failed.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The service says nothing any more, or the socket takes nothing.
    #[error("nothing within {0:?}")]
    Silent(Duration),
    /// The service closed the connection.
    #[error("closed with {code} {reason:?}")]
    Closed {
        /// Close code; 1006 where there was no close frame.
        code: u16,
        /// Its reason, cut short; may be empty.
        reason: String,
        /// What that means.
        closing: Closing,
    },
    /// The connection broke.
    #[error("{0}")]
    Connection(#[from] ProtocolError),
    /// A message is beyond reason.
    #[error("a message is too long")]
    TooLong,
}

impl RecogniserError {
    /// What it asks of us.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Url(_) => Advice::GiveUp,
            Self::Dial(error) if !error.is_worth_retrying() => Advice::GiveUp,
            Self::Closed { closing, .. } => closing.advice(),
            Self::Dial(_) | Self::Silent(_) | Self::Connection(_) | Self::TooLong => Advice::Retry,
        }
    }
}

/// One connection to a recogniser. Dropping it ends it without a goodbye.
pub struct Recogniser {
    connection: Connection,
    dialogue: Dialogue,
    events: VecDeque<RecogniserEvent>,
    partial: BytesMut,
    /// A continued message is no text.
    skips: bool,
    patience: Patience,
    heard_at: Instant,
    sent_at: Instant,
    ping_at: Instant,
    unreadable: u64,
    over: bool,
}

impl std::fmt::Debug for Recogniser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recogniser").field("dialogue", &self.dialogue).finish_non_exhaustive()
    }
}

/// Dials the recogniser at `base_url` and says what is to be recognised.
///
/// # Errors
/// When nobody answers in time, or not with a WebSocket.
pub async fn connect(
    hearing: &Hearing,
    base_url: &str,
    api_key: &str,
    patience: Patience,
    reach: &Reach,
) -> Result<Recogniser, RecogniserError> {
    let url = hearing.request_target(base_url)?;
    let headers = hearing.headers(api_key);
    let dialled = dial(&url, &headers, MAX_MESSAGE_BYTES, patience.connect, reach).await?;
    let mut dialogue = Dialogue::new(hearing);
    let (first, event) = dialogue.open();
    let now = Instant::now();
    let mut recogniser = Recogniser {
        connection: dialled.connection,
        dialogue,
        events: event.into_iter().collect(),
        partial: BytesMut::new(),
        skips: false,
        patience,
        heard_at: now,
        sent_at: now,
        ping_at: now + PING_EVERY,
        unreadable: 0,
        over: false,
    };
    if let Some(first) = first {
        recogniser.send(first).await?;
    }
    Ok(recogniser)
}

impl Recogniser {
    /// Sends audio, μ-law at 8 kHz. Services keep up with little more than real
    /// time, 1.25 times at most.
    ///
    /// # Errors
    /// When the socket is broken, or takes nothing in time.
    pub async fn audio(&mut self, mulaw: &[u8]) -> Result<(), RecogniserError> {
        match self.dialogue.audio(mulaw) {
            Some(audio) => self.send(audio).await,
            None => Ok(()),
        }
    }

    /// Asks for the words of all audio sent so far.
    ///
    /// # Errors
    /// As [`Recogniser::audio`].
    pub async fn finalize(&mut self) -> Result<(), RecogniserError> {
        let finalize = self.dialogue.finalize();
        self.send(finalize).await
    }

    /// Says goodbye. [`Recogniser::next`] tells what is left, then the close.
    ///
    /// # Errors
    /// As [`Recogniser::audio`].
    pub async fn close(&mut self) -> Result<(), RecogniserError> {
        match self.dialogue.close() {
            Some(goodbye) => self.send(goodbye).await,
            None => {
                let reason = CloseReason { code: CloseCode::Normal, description: None };
                self.put(Message::Close(Some(reason))).await
            }
        }
    }

    /// Audio sent on this connection, in milliseconds.
    #[must_use]
    pub const fn sent_ms(&self) -> u64 {
        self.dialogue.sent_ms()
    }

    /// Messages that could not be read.
    #[must_use]
    pub const fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// The next event; `None` after an error. Keeps the connection alive while it
    /// waits, so somebody must always be waiting. May be cancelled and called
    /// again.
    ///
    /// # Errors
    /// When the connection is over; after [`Recogniser::close`] that is
    /// [`RecogniserError::Closed`] with [`Closing::Done`].
    pub async fn next(&mut self) -> Option<Result<RecogniserEvent, RecogniserError>> {
        while !self.over {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if let Err(error) = self.turn().await {
                self.over = true;
                return Some(Err(error));
            }
        }
        None
    }

    /// One frame, or one moment at which something is due.
    async fn turn(&mut self) -> Result<(), RecogniserError> {
        let keep_alive_at = self.sent_at + Duration::from_millis(KEEP_ALIVE_MS);
        let silent_at = self.heard_at + self.patience.idle;
        let due = keep_alive_at.min(self.ping_at).min(silent_at);
        let frame = tokio::select! {
            biased;
            frame = self.connection.next() => Some(frame),
            () = sleep_until(due) => None,
        };
        let Some(frame) = frame else {
            return self.on_time(keep_alive_at).await;
        };
        self.heard_at = Instant::now();
        match frame {
            None => Err(closed(NO_FRAME, "")),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(frame)) => self.on_frame(frame).await,
        }
    }

    async fn on_time(&mut self, keep_alive_at: Instant) -> Result<(), RecogniserError> {
        let now = Instant::now();
        if now >= self.heard_at + self.patience.idle {
            return Err(RecogniserError::Silent(self.patience.idle));
        }
        if now >= self.ping_at {
            self.ping_at = now + PING_EVERY;
            self.put(Message::Ping(Bytes::new())).await?;
        }
        if now >= keep_alive_at {
            match self.dialogue.keep_alive() {
                Some(keep_alive) => self.send(keep_alive).await?,
                None => self.sent_at = now,
            }
        }
        Ok(())
    }

    async fn on_frame(&mut self, frame: Frame) -> Result<(), RecogniserError> {
        match frame {
            Frame::Text(text) => self.read(&text),
            Frame::Continuation(item) => self.on_piece(item)?,
            Frame::Binary(_) => self.unreadable += 1,
            Frame::Ping(payload) => self.put(Message::Pong(payload)).await?,
            Frame::Pong(_) => {}
            Frame::Close(reason) => {
                let (code, text) = reason.map_or((NO_FRAME, String::new()), |reason| {
                    (reason.code.into(), reason.description.unwrap_or_default())
                });
                return Err(closed(code, &text));
            }
        }
        Ok(())
    }

    fn on_piece(&mut self, item: Item) -> Result<(), RecogniserError> {
        let (piece, last) = match item {
            Item::FirstText(piece) => {
                self.partial.clear();
                self.skips = false;
                (piece, false)
            }
            Item::FirstBinary(_) => {
                self.skips = true;
                self.unreadable += 1;
                return Ok(());
            }
            Item::Continue(piece) => (piece, false),
            Item::Last(piece) => (piece, true),
        };
        if self.skips {
            return Ok(());
        }
        if self.partial.len() + piece.len() > MAX_MESSAGE_BYTES {
            return Err(RecogniserError::TooLong);
        }
        self.partial.extend_from_slice(&piece);
        if last {
            let whole = self.partial.split();
            self.read(&whole);
        }
        Ok(())
    }

    /// A message that cannot be read costs itself, not the connection.
    fn read(&mut self, bytes: &[u8]) {
        let mut events = Vec::new();
        let read = match std::str::from_utf8(bytes) {
            Ok(text) => self.dialogue.read(text, &mut events),
            Err(_) => Err(ParseError::Unreadable { line: 1, column: 1 }),
        };
        self.events.extend(events);
        if let Err(error) = read {
            self.unreadable += 1;
            tracing::debug!(%error, "a recogniser's message was passed over");
        }
    }

    async fn send(&mut self, outgoing: Outgoing) -> Result<(), RecogniserError> {
        self.sent_at = Instant::now();
        self.put(match outgoing {
            Outgoing::Text(text) => Message::Text(text.into()),
            Outgoing::Binary(bytes) => Message::Binary(bytes.into()),
        })
        .await
    }

    async fn put(&mut self, message: Message) -> Result<(), RecogniserError> {
        match timeout(self.patience.send, self.connection.send(message)).await {
            Err(_) => Err(RecogniserError::Silent(self.patience.send)),
            Ok(sent) => Ok(sent?),
        }
    }
}

fn closed(code: u16, reason: &str) -> RecogniserError {
    let reason: String = reason.chars().take(120).collect();
    RecogniserError::Closed { code, closing: Closing::read(code, &reason), reason }
}
