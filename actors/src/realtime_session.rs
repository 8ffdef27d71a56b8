//! The realtime session: one connection to a speech model.
//!
//! Audio goes straight between this socket and the media path. Everything else
//! the model says becomes an event for the call; what the call wants said goes
//! out ahead of audio, and everything that waits at one wake-up goes out in one
//! write.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use actix::fut::{ActorFuture, wrap_future};
use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, StreamHandler,
};
use actix_http::ws::{CloseCode, CloseReason, Frame, Item as Fragment, Message, ProtocolError};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use trunkline_connectors::websocket::{self, DialError, Dialled};
use trunkline_core::call::ModelEvent;
use trunkline_core::cost::Amount;
use trunkline_core::ids::ResponseId;
use trunkline_core::pii::code_word;
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;
use trunkline_core::wire::realtime::TranscriptionUsage;
use trunkline_core::wire::realtime::{
    ClientEvent, ErrorClass, MAX_MESSAGE_BYTES, ServerEvent, SessionConfig,
};

use crate::call::{CallActor, CallMessage};
use crate::media_link::{MediaLink, text_of};
use crate::message::{Link, Shell};
use crate::metrics;
use crate::model_events::Translator;
use crate::model_pulse::Pulse;
use crate::model_socket::ModelSocket;
use crate::node::ModelTarget;
use crate::tree::Probe;

/// Longest a dial may take. The call's own watchdog is stricter.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);

/// Longest the model may take to answer a close frame. Closing the socket before
/// would throw the frame away with whatever has not been read yet.
const CLOSE_PATIENCE: Duration = Duration::from_millis(250);

/// Less than this is no difference between the provider's clock and ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(60);

/// Messages that could not be read before the session is given up.
const BAD_MESSAGES: u32 = 20;

/// What the session is told.
#[derive(Debug)]
pub enum SessionMessage {
    /// For the model.
    Send(Box<ClientEvent>),
    /// The caller has likely said all: the answer may be begun.
    Speculate,
    /// The call no longer needs the model.
    Stop,
    /// Time to see whether the model still answers.
    Look,
    /// Cheaper models are to be asked, where a session can change its own.
    Economise,
}

/// What a session needs to begin.
pub struct SessionPlan {
    /// Where the model is.
    pub target: ModelTarget,
    /// What is asked of it.
    pub config: SessionConfig,
    /// How long to wait before dialling.
    pub delay: Micros,
    /// Tells this session's events from those of the one before it.
    pub serial: u32,
    /// Which of the tenant's models it is, from 0.
    pub provider: usize,
}

/// See the module's text.
pub struct RealtimeSession {
    probe: Arc<Probe>,
    call: Link<CallActor>,
    media: Rc<MediaLink>,
    plan: SessionPlan,
    outbox: VecDeque<Message>,
    partial: BytesMut,
    translator: Translator,
    bad_messages: u32,
    configured: bool,
    open: bool,
    /// Frames of the model's, of any kind.
    frames: u64,
    pulse: Option<Pulse>,
    clock_offset: Option<TimeDelta>,
    /// Said so, or told to: nothing more is taken from the model.
    lost: bool,
    /// A close frame is on its way.
    leaving: bool,
}

impl RealtimeSession {
    /// A session that has yet to dial.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        call: Link<CallActor>,
        media: Rc<MediaLink>,
        plan: SessionPlan,
    ) -> Self {
        Self {
            probe,
            call,
            media,
            plan,
            outbox: VecDeque::new(),
            partial: BytesMut::new(),
            translator: Translator::default(),
            bad_messages: 0,
            configured: false,
            open: false,
            frames: 0,
            pulse: None,
            clock_offset: None,
            lost: false,
            leaving: false,
        }
    }

    fn tell(&self, event: ModelEvent) {
        self.call.tell(CallMessage::Model { serial: self.plan.serial, event: Box::new(event) });
    }

    fn connected(&mut self, dialled: Dialled, context: &mut Context<Self>) {
        let (sink, stream) = dialled.connection.split();
        self.open = true;
        self.clock_offset = dialled.their_time.map(|time| DateTime::<Utc>::from(time) - Utc::now());
        let own = Link::new(context.address(), Arc::clone(&self.probe));
        self.pulse = Some(Pulse::start(own));
        context.add_stream(stream);
        let socket = Rc::new(RefCell::new(ModelSocket::new(sink)));
        context.spawn(Writer { socket, media: Rc::clone(&self.media) });
    }

    /// Says once that the session is gone, and ends.
    fn lose(&mut self, reason: &str, retry: bool, context: &mut Context<Self>) {
        if !self.lost {
            self.lost = true;
            self.tell(ModelEvent::Lost { reason: reason.to_owned(), retry });
        }
        self.probe.fail();
        context.stop();
    }

    /// Ends the session as the protocol wants it: with a close frame.
    fn leave(&mut self, context: &mut Context<Self>) {
        self.lost = true;
        if !self.open {
            context.stop();
            return;
        }
        self.leaving = true;
        self.outbox.clear();
        self.put(Message::Close(Some(CloseCode::Normal.into())));
        context.run_later(CLOSE_PATIENCE, |_, context| context.stop());
    }

    fn send(&mut self, event: &ClientEvent) {
        let mut text = String::new();
        event.write(self.plan.target.dialect, None, &mut text);
        self.put(Message::Text(ByteString::from(text)));
    }

    fn take_text(&mut self, bytes: &Bytes, context: &mut Context<Self>) {
        let event = match text_of(bytes) {
            Ok(text) => trunkline_core::wire::realtime::parse(text),
            Err(_) => return self.bad_message("not text", context),
        };
        match event {
            Ok(event) => self.take_event(&event, context),
            Err(error) => self.bad_message(&error.to_string(), context),
        }
    }

    fn bad_message(&mut self, why: &str, context: &mut Context<Self>) {
        metrics::bad_message("model");
        tracing::debug!(why, "the model sent something that could not be read");
        self.bad_messages += 1;
        if self.bad_messages >= BAD_MESSAGES {
            self.lose("the model sends nothing that can be read", true, context);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the translator names the others, one by one"
    )]
    fn take_event(&mut self, event: &ServerEvent<'_>, context: &mut Context<Self>) {
        match event {
            ServerEvent::AudioDelta(delta) => {
                let bytes = self.media.push_agent(&delta.response_id, &delta.item_id, &delta.delta);
                if self.translator.audio(&delta.item_id, bytes) {
                    self.tell_first_audio(&delta.response_id);
                }
            }
            ServerEvent::SessionCreated { expires_at, .. } => {
                self.note_expiry(*expires_at);
                let config = Box::new(self.plan.config.clone());
                self.send(&ClientEvent::SessionUpdate(config));
            }
            ServerEvent::SessionUpdated { .. } if self.configured => {}
            ServerEvent::SessionUpdated { .. } => {
                self.configured = true;
                self.tell(ModelEvent::Ready);
            }
            ServerEvent::AudioDone { response_id, item_id } => {
                self.media.finish_agent(response_id.as_str(), item_id.as_str());
                self.tell(self.translator.item_finished(item_id.clone()));
            }
            ServerEvent::Error(error) => self.take_error(error, context),
            ServerEvent::ResponseDone { response_id, .. } => {
                self.media.downlink().finish_response(response_id.as_str());
                self.media.wake_down();
                self.tell_translated(event);
            }
            ServerEvent::InputTranscript { usage: Some(usage), .. } => {
                self.media.usage().transcribed(self.plan.provider, amount(*usage));
                self.tell_translated(event);
            }
            other => self.tell_translated(other),
        }
    }

    /// An item's first audio came, and has been handed on.
    fn tell_first_audio(&self, response: &str) {
        if let Ok(response) = ResponseId::parse(response) {
            let at = self.media.clock().now();
            self.tell(ModelEvent::Reached { response, stage: Stage::FirstAudio, at });
        }
    }

    /// The provider says when it ends the session, by its own clock: ours may be wrong.
    fn note_expiry(&self, expires_at: Option<u64>) {
        if let Some(at) = expires_at {
            let far = self.clock_offset.filter(|offset| offset.abs() > CLOCKS_DIFFER);
            let now = Utc::now() + far.unwrap_or_default();
            let now_ms = u64::try_from(now.timestamp_millis()).unwrap_or(u64::MAX);
            let in_ms = at.saturating_mul(1_000).saturating_sub(now_ms);
            self.tell(ModelEvent::Expires { in_ms });
        }
    }

    fn tell_translated(&mut self, event: &ServerEvent<'_>) {
        if let Some(event) = self.translator.translate(event) {
            self.tell(event);
        }
    }

    fn take_error(
        &mut self,
        error: &trunkline_core::wire::realtime::ApiError,
        context: &mut Context<Self>,
    ) {
        let mut named = error.code.as_deref().into_iter().chain([error.kind.as_str()]);
        let code = named.find_map(code_word).unwrap_or("unnamed").to_owned();
        match error.class() {
            ErrorClass::ActiveResponse => self.tell(ModelEvent::Busy),
            ErrorClass::SessionOver => self.lose(&code, true, context),
            ErrorClass::Fatal => self.lose(&code, false, context),
            ErrorClass::Benign | ErrorClass::Retryable | ErrorClass::OurBug => {
                tracing::debug!(code, "the model reports an error");
                self.tell(ModelEvent::Complaint { code });
            }
        }
    }

    fn take_fragment(&mut self, fragment: Fragment, context: &mut Context<Self>) {
        let (bytes, last) = match fragment {
            Fragment::FirstText(bytes) | Fragment::FirstBinary(bytes) => {
                self.partial.clear();
                (bytes, false)
            }
            Fragment::Continue(bytes) => (bytes, false),
            Fragment::Last(bytes) => (bytes, true),
        };
        if self.partial.len() + bytes.len() > MAX_MESSAGE_BYTES {
            self.lose("a message of the model is too long", true, context);
            return;
        }
        self.partial.extend_from_slice(&bytes);
        if last {
            let whole = self.partial.split().freeze();
            self.take_text(&whole, context);
        }
    }
}

impl Actor for RealtimeSession {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let target = self.plan.target.clone();
        let delay = Duration::from(self.plan.delay);
        let dial = async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let ModelTarget { url, headers, reach, .. } = &target;
            websocket::dial(url, headers, MAX_MESSAGE_BYTES, DIAL_PATIENCE, reach).await
        };
        context.spawn(wrap_future(Box::pin(dial)).map(
            |dialled: Result<Dialled, DialError>, session: &mut Self, context| match dialled {
                Ok(dialled) => session.connected(dialled, context),
                Err(error) => {
                    session.lose(&error.to_string(), error.is_worth_retrying(), context);
                }
            },
        ));
    }
}

impl StreamHandler<Result<Frame, ProtocolError>> for RealtimeSession {
    fn handle(&mut self, frame: Result<Frame, ProtocolError>, context: &mut Self::Context) {
        self.frames += 1;
        if self.lost {
            if matches!(frame, Ok(Frame::Close(_)) | Err(_)) {
                context.stop();
            }
            return;
        }
        let probe = Arc::clone(&self.probe);
        probe.handle_frame(|| match frame {
            Ok(Frame::Text(bytes)) => self.take_text(&bytes, context),
            Ok(Frame::Continuation(fragment)) => self.take_fragment(fragment, context),
            Ok(Frame::Ping(payload)) => self.put(Message::Pong(payload)),
            Ok(Frame::Pong(_)) => {}
            Ok(Frame::Binary(_)) => self.bad_message("binary", context),
            Ok(Frame::Close(reason)) => self.lose(&closing_words(reason), true, context),
            Err(error) => self.lose(&error.to_string(), true, context),
        });
    }

    fn finished(&mut self, context: &mut Self::Context) {
        if self.leaving {
            context.stop();
            return;
        }
        self.lose("the connection was closed", true, context);
    }
}

fn closing_words(reason: Option<CloseReason>) -> String {
    let Some(reason) = reason else {
        return "closed without a reason".to_owned();
    };
    let code = u16::from(reason.code);
    match reason.description.as_deref().and_then(code_word) {
        Some(words) => format!("closed with {code}: {words}"),
        None => format!("closed with {code}"),
    }
}

impl Shell for RealtimeSession {
    type Message = SessionMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: SessionMessage, context: &mut Self::Context) {
        match message {
            SessionMessage::Send(_) if self.leaving => {}
            SessionMessage::Send(event) => self.send(&event),
            // A speech model begins no answer that may come to nothing.
            SessionMessage::Speculate => {}
            SessionMessage::Stop => self.leave(context),
            SessionMessage::Look => self.look(context),
            // Its model is the session's for good: the call exchanges the session.
            SessionMessage::Economise => {}
        }
    }
}

crate::receives_letters!(RealtimeSession);

/// Writes what waits whenever the session's task is woken.
struct Writer {
    socket: Rc<RefCell<ModelSocket>>,
    media: Rc<MediaLink>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.media.detach_model(&self.socket);
    }
}

impl ActorFuture<RealtimeSession> for Writer {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        session: &mut RealtimeSession,
        context: &mut Context<RealtimeSession>,
        task: &mut TaskContext<'_>,
    ) -> Poll<()> {
        self.media.register_up(task.waker());
        let wrote = {
            let session = RefCell::new(&mut *session);
            self.socket.borrow_mut().poll_write(
                task,
                || session.borrow().has_more(),
                || session.borrow_mut().next_message(),
            )
        };
        match wrote {
            Poll::Ready(Ok(())) if session.leaving => Poll::Pending,
            // Nothing of the call's is left to go ahead of a frame.
            Poll::Ready(Ok(())) => {
                self.media.attach_model(&self.socket);
                Poll::Pending
            }
            Poll::Ready(Err(error)) => session.write_failed(&error, context),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl RealtimeSession {
    fn has_more(&self) -> bool {
        !self.outbox.is_empty() || (!self.leaving && self.media.uplink().has_more())
    }

    fn next_message(&mut self) -> Option<Message> {
        self.outbox.pop_front().or_else(|| {
            // Nothing may follow a close frame.
            let frame = if self.leaving { None } else { self.media.uplink().pop() };
            frame.map(|frame| Message::Text(ByteString::from(frame)))
        })
    }

    /// Something waits that goes out ahead of frames: none goes by itself before
    /// that has gone.
    fn put(&mut self, message: Message) {
        self.outbox.push_back(message);
        self.media.hold_frames();
        self.media.wake_up();
    }

    /// Sees whether the model has answered since the last look, and asks again.
    fn look(&mut self, context: &mut Context<Self>) {
        if self.lost {
            return;
        }
        let frames = self.frames;
        if self.pulse.as_mut().is_none_or(|pulse| pulse.beats(frames)) {
            self.put(Message::Ping(Bytes::new()));
        } else {
            self.lose("the model no longer answers", true, context);
        }
    }

    fn write_failed(&mut self, error: &ProtocolError, context: &mut Context<Self>) -> Poll<()> {
        if self.leaving {
            context.stop();
            return Poll::Ready(());
        }
        self.lose(&error.to_string(), true, context);
        Poll::Ready(())
    }
}

/// What putting words down took, as it is counted.
const fn amount(usage: TranscriptionUsage) -> Amount {
    match usage {
        TranscriptionUsage::AudioMs(ms) => Amount::AudioMs(ms),
        TranscriptionUsage::Tokens(usage) => Amount::Tokens(usage),
    }
}
