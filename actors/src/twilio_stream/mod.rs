//! The carrier's media stream: a WebSocket that lives inside an HTTP response,
//! so its handlers run while the response is polled, and a peer that does not
//! read stalls them. It is a thin pump. Until its token is good nothing is
//! behind it; afterwards frames go through the media path and everything else
//! to the call.

mod body;
mod flood;
mod heads;
mod liveness;
mod pump;
mod quiet;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{
    Actor, ActorContext as _, ActorFutureExt as _, AsyncContext as _, SpawnHandle, StreamHandler,
};
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{
    CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder,
};
use bytestring::ByteString;
use trunkline_core::call::Input;
use trunkline_core::wire::twilio::stream::{
    MAX_MESSAGE_BYTES, StreamMessage, StreamStart, Track, parse,
};

use crate::call::{self, CallActor, CallMessage};
use crate::clock::CallClock;
use crate::limiter::{Claim, ClaimRefusal, HungUp};
use crate::media_link::MediaLink;
use crate::message::{Link, Shell};
use crate::metrics;
use crate::node::Node;
use crate::registry::LiveCall;
use crate::supervise::Watch;
use crate::tree::{Kind, Label, Probe};

use body::{Carrying, While};
use flood::Flood;
use liveness::{Liveness, Pulse};
use pump::Pump;
use quiet::Quiet;

/// The custom parameter that carries the stream's token.
pub const TOKEN_PARAMETER: &str = "token";

/// How long a broken connection's last words are waited for. They have been
/// read already, so this is many times what they need.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// What the stream is told.
#[derive(Debug)]
pub enum TwilioMessage {
    /// Close: the carrier then asks what follows.
    Close,
    /// Time to see whether the carrier still sends.
    Look,
}

enum State {
    /// Connected; it has not said which call it belongs to.
    Nameless,
    /// Its token is being looked at.
    Claiming(Box<Claiming>),
    /// It carries a call.
    Live(Live),
    /// It is on its way out.
    Closing,
}

struct Claiming {
    media: Rc<MediaLink>,
    start: StreamStart,
    hung_up: HungUp,
    /// Keys that were pressed meanwhile, for the call to know first thing.
    keys: Vec<char>,
}

/// Keys that may be pressed while a token is looked at.
const MOST_KEYS: usize = 16;

struct Live {
    call: Link<CallActor>,
    entry: Arc<LiveCall>,
    media: Rc<MediaLink>,
    /// The carrier said that the stream is over.
    stopped: bool,
    liveness: Liveness,
    _carrying: While,
}

/// See the module's text.
pub struct TwilioStream {
    watch: Watch,
    node: Arc<Node>,
    state: State,
    flood: Flood,
    frames_up: u64,
    frames_down: u64,
    /// What of both the metrics know.
    reported: (u64, u64),
    carrying: Carrying,
    /// Waits for the stream's `start`.
    patience: Option<SpawnHandle>,
}

/// Opens a stream: answers the upgrade, and waits for the stream's `start`.
///
/// # Errors
/// When the request is no WebSocket handshake.
pub fn open(
    node: &Arc<Node>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let label =
        Label { kind: Kind::TwilioStream, parent: None, call_sid: None, tenant: None, restarts: 0 };
    let (carrying, body) = Carrying::pair();
    let stream = TwilioStream {
        watch: Watch::new(&node.tree, label),
        node: Arc::clone(node),
        state: State::Nameless,
        flood: Flood::new(),
        frames_up: 0,
        frames_down: 0,
        reported: (0, 0),
        carrying,
        patience: None,
    };
    let response =
        WsResponseBuilder::new(stream, request, Quiet::new(payload)).frame_size(MAX_MESSAGE_BYTES);
    Ok(response.start()?.map_body(|_, whole| body.of(whole)).map_into_boxed_body())
}

type StreamContext = WebsocketContext<TwilioStream>;

impl TwilioStream {
    fn take_text(&mut self, text: &ByteString, context: &mut StreamContext) {
        match parse(text) {
            Ok(message) => self.take_message(message, context),
            Err(error) => {
                metrics::bad_message("carrier");
                tracing::warn!(%error, "the carrier sent something that could not be read");
                self.refuse("malformed", CloseCode::Policy, context);
            }
        }
    }

    fn take_message(&mut self, message: StreamMessage<'_>, context: &mut StreamContext) {
        match message {
            StreamMessage::Media(media) => {
                if media.track == Track::Inbound {
                    self.take_frame(&media.payload, context);
                }
            }
            StreamMessage::Connected { .. } | StreamMessage::Unknown { .. } => {}
            StreamMessage::Start(start) => self.take_start(start, context),
            StreamMessage::Mark { name } => {
                if let State::Live(live) = &self.state {
                    let news = {
                        let mut downlink = live.media.downlink();
                        downlink.on_mark(&name);
                        downlink.has_news()
                    };
                    if news {
                        live.call.tell(CallMessage::Notices);
                    }
                }
            }
            StreamMessage::Dtmf { digit } => match &mut self.state {
                State::Claiming(claiming) if claiming.keys.len() < MOST_KEYS => {
                    claiming.keys.push(digit);
                }
                State::Nameless | State::Claiming(_) | State::Live(_) | State::Closing => {
                    self.tell_call(Input::Digit(digit));
                }
            },
            StreamMessage::Stop { .. } => {
                match &mut self.state {
                    State::Live(live) => live.stopped = true,
                    State::Claiming(claiming) => claiming.hung_up.store(true, Ordering::Relaxed),
                    State::Nameless | State::Closing => {}
                }
                self.tell_call(Input::StreamStopped);
            }
        }
    }

    fn take_frame(&mut self, payload: &str, context: &mut StreamContext) {
        self.frames_up += 1;
        match &self.state {
            State::Live(live) => live.media.push_caller(payload),
            // The first words are kept while the token is looked at.
            State::Claiming(claiming) => claiming.media.push_caller(payload),
            State::Nameless => self.refuse("media_before_start", CloseCode::Policy, context),
            State::Closing => {}
        }
    }

    fn take_start(&mut self, start: StreamStart, context: &mut StreamContext) {
        if !matches!(self.state, State::Nameless) {
            self.refuse("second_start", CloseCode::Policy, context);
            return;
        }
        if !start.media_format.is_mulaw() {
            self.refuse("media_format", CloseCode::Unsupported, context);
            return;
        }
        let clock = CallClock::start();
        let media = Rc::new(MediaLink::new(clock, start.stream_sid.clone()));
        let token = start.custom_parameters.get(TOKEN_PARAMETER).cloned().unwrap_or_default();
        let (call_sid, account_sid) = (start.call_sid.clone(), start.account_sid.clone());
        let hung_up = HungUp::default();
        let claim = self.node.claim(call_sid, account_sid, token, Arc::clone(&hung_up));
        let claiming = Claiming { media, start, hung_up, keys: Vec::new() };
        self.state = State::Claiming(Box::new(claiming));
        context.spawn(wrap_future(claim).map(
            |claim: Result<Claim, ClaimRefusal>, stream: &mut Self, context| match claim {
                Ok(claim) => stream.begin(claim, context),
                Err(refusal) => stream.refuse_claim(refusal, context),
            },
        ));
    }

    fn refuse_claim(&mut self, refusal: ClaimRefusal, context: &mut StreamContext) {
        if let State::Claiming(claiming) = &self.state {
            let start = &claiming.start;
            let (call, account) = (start.call_sid.clone(), start.account_sid.clone());
            tracing::warn!(call.id = %call, reason = refusal.as_str(), "a stream was refused");
            let data = serde_json::json!({
                "reason": refusal.as_str(),
                "call": call.as_str(),
                "account": account.as_str(),
            });
            self.node.audit(None, None, "stream_refused", data);
        }
        self.refuse(refusal.as_str(), CloseCode::Policy, context);
    }

    /// The token is good: the call starts here, on this thread.
    fn begin(&mut self, claim: Claim, context: &mut StreamContext) {
        let state = std::mem::replace(&mut self.state, State::Closing);
        let State::Claiming(claiming) = state else {
            return;
        };
        let Claiming { media, start, hung_up, keys } = *claiming;
        if hung_up.load(Ordering::Relaxed) {
            close(context, CloseCode::Normal, None);
            return;
        }
        let link = Link::new(context.address(), Arc::clone(self.watch.probe()));
        let begun =
            call::begin(&self.node, claim, link.clone(), Rc::clone(&media), start.stream_sid);
        let (call, entry) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                tracing::error!(error, "a call could not begin");
                metrics::stream_refused("cannot_begin");
                self.watch.probe().fail();
                close(context, CloseCode::Error, Some("cannot_begin"));
                return;
            }
        };
        let (sid, tenant) = (entry.call_sid.clone(), entry.tenant.clone());
        self.watch.probe().assign(call.probe().id(), sid, tenant);
        let parent = call.clone();
        self.watch.on_exit(move |exit| parent.tell(CallMessage::StreamExited { exit }));
        if let Some(patience) = self.patience.take() {
            context.cancel_future(patience);
        }
        context.spawn(Pump::new(Rc::clone(&media), call.clone()));
        for key in keys {
            call.tell(CallMessage::input(Input::Digit(key)));
        }
        let liveness = Liveness::start(&self.node, link);
        self.state = State::Live(Live {
            call,
            entry,
            media,
            stopped: false,
            liveness,
            _carrying: self.carrying.begin(),
        });
    }

    /// Sees whether frames came since the last look.
    fn look(&mut self, context: &mut StreamContext) {
        self.report_frames();
        let State::Live(live) = &mut self.state else {
            return;
        };
        match live.liveness.look(self.frames_up) {
            Pulse::Beats => live.entry.touch(),
            Pulse::Faint => {}
            Pulse::None => self.refuse("stream_idle", CloseCode::Away, context),
        }
    }

    /// Closes the stream for a reason, which a live call is told.
    fn refuse(&mut self, reason: &'static str, code: CloseCode, context: &mut StreamContext) {
        match std::mem::replace(&mut self.state, State::Closing) {
            State::Live(live) => {
                let lost = Input::StreamLost { reason: reason.to_owned() };
                live.call.tell(CallMessage::input(lost));
                metrics::stream_lost(reason);
            }
            State::Closing => return,
            State::Nameless | State::Claiming(_) => metrics::stream_refused(reason),
        }
        self.watch.probe().fail();
        close(context, code, Some(reason));
    }

    /// The frame counters are moved every few seconds, not by every frame.
    fn report_frames(&mut self) {
        let (up, down) = self.reported;
        metrics::frames(self.frames_up - up, self.frames_down - down);
        self.reported = (self.frames_up, self.frames_down);
    }

    fn tell_call(&self, input: Input) {
        if let State::Live(live) = &self.state {
            live.call.tell(CallMessage::input(input));
        }
    }

    /// The connection broke. What had arrived before is handed over after the
    /// news of the break, and may be the carrier's word that the caller hung up.
    fn broken(context: &mut StreamContext) {
        context.run_later(LAST_WORDS, |stream, context| {
            stream.lost("the connection broke");
            context.stop();
        });
    }

    /// The socket is gone without a word.
    fn lost(&mut self, reason: &str) {
        let state = std::mem::replace(&mut self.state, State::Closing);
        if let State::Live(live) = state
            && !live.stopped
        {
            let lost = Input::StreamLost { reason: reason.to_owned() };
            live.call.tell(CallMessage::input(lost));
        }
    }
}

fn close(context: &mut StreamContext, code: CloseCode, description: Option<&str>) {
    context.close(Some(CloseReason { code, description: description.map(str::to_owned) }));
    context.stop();
}

impl Actor for TwilioStream {
    type Context = StreamContext;

    fn started(&mut self, context: &mut Self::Context) {
        let patience = self.node.settings.stream_start_timeout;
        self.patience = Some(context.run_later(patience, |stream, context| {
            if matches!(stream.state, State::Nameless | State::Claiming(_)) {
                stream.refuse("no_start", CloseCode::Policy, context);
            }
        }));
    }

    fn stopped(&mut self, _context: &mut Self::Context) {
        // An actor that failed is reported as such, by whoever watches it.
        if !self.watch.is_failing() {
            self.lost("the stream's socket was closed");
        }
        self.report_frames();
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for TwilioStream {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut Self::Context) {
        let started = !matches!(self.state, State::Nameless);
        if self.flood.is_flood(started) {
            self.refuse("flood", CloseCode::Policy, context);
            return;
        }
        let probe = Arc::clone(self.watch.probe());
        probe.handle_frame(|| match message {
            Ok(Message::Text(text)) => self.take_text(&text, context),
            Ok(Message::Ping(payload)) => context.pong(&payload),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Binary(_)) => self.refuse("binary", CloseCode::Unsupported, context),
            Ok(Message::Continuation(_)) => {
                self.refuse("fragmented", CloseCode::Unsupported, context);
            }
            Ok(Message::Close(_)) => {
                self.lost("the carrier closed the stream");
                context.stop();
            }
            Err(ProtocolError::Overflow) => self.refuse("oversize", CloseCode::Size, context),
            Err(ProtocolError::Io(error)) => {
                tracing::debug!(%error, "a stream's connection broke");
                Self::broken(context);
            }
            Err(error) => {
                tracing::warn!(%error, "the carrier broke the WebSocket protocol");
                self.refuse("protocol", CloseCode::Protocol, context);
            }
        });
    }
}

impl Shell for TwilioStream {
    type Message = TwilioMessage;

    fn probe(&self) -> &Arc<Probe> {
        self.watch.probe()
    }

    fn receive(&mut self, message: TwilioMessage, context: &mut Self::Context) {
        match message {
            TwilioMessage::Close => {
                self.state = State::Closing;
                close(context, CloseCode::Normal, None);
            }
            TwilioMessage::Look => self.look(context),
        }
    }
}

crate::receives_letters!(TwilioStream);
