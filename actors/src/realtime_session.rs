//! The realtime session: one connection to a speech model.
//!
//! Audio goes straight between this socket and the media path. Everything else
//! the model says becomes an event for the call; what the call wants said goes
//! out ahead of audio, and everything that waits at one wake-up goes out in one
//! write.

mod hearing;
mod writer;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, Context, StreamHandler,
};
use actix_http::ws::{CloseCode, CloseReason, Frame, Message, ProtocolError};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use trunkline_connectors::websocket::{self, DialError, Dialled};
use trunkline_core::call::ModelEvent;
use trunkline_core::pii::code_word;
use trunkline_core::time::Micros;
use trunkline_core::wire::realtime::{ClientEvent, MAX_MESSAGE_BYTES, SessionConfig};

use crate::call::{CallActor, CallMessage};
use crate::media_link::MediaLink;
use crate::message::{Link, Shell};
use crate::model_events::Translator;
use crate::model_pulse::Pulse;
use crate::model_socket::ModelSocket;
use crate::node::ModelTarget;
use crate::tree::Probe;

use writer::Writer;

/// Longest a dial may take. The call's own watchdog is stricter.
const DIAL_PATIENCE: Duration = Duration::from_secs(10);

/// Longest the model may take to answer a close frame. Closing the socket before
/// would throw the frame away with whatever has not been read yet.
const CLOSE_PATIENCE: Duration = Duration::from_millis(250);

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
