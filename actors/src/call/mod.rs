//! The call actor: drives the call core, and owns the call's timer, its slot and
//! its children.

mod begin;
mod children;
mod ledger;
mod money;
mod perform;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix::{Actor, AsyncContext as _, Context, SpawnHandle};
use trunkline_core::call::{Call, Child, Exit, Input, ModelEvent};
use trunkline_core::time::Micros;

use crate::limiter::Permit;
use crate::media_link::MediaLink;
use crate::message::{Link, Shell};
use crate::node::Node;
use crate::phrases::Listening;
use crate::recorder::CallTape;
use crate::registry::LiveCall;
use crate::trace::CallTrace;
use crate::tree::Probe;

pub use begin::begin;

use begin::CallPlan;
use children::Children;
use ledger::Ledger;
use money::Till;

/// What a call is told.
#[derive(Debug)]
pub enum CallMessage {
    /// Something happened.
    Input(Box<Input>),
    /// The media path has something to tell.
    Notices,
    /// The model said something, in the session of this number.
    Model {
        /// Which session.
        serial: u32,
        /// What.
        event: Box<ModelEvent>,
    },
    /// The carrier's stream ended.
    StreamExited {
        /// How.
        exit: Exit,
    },
    /// A child ended.
    Exited {
        /// Which.
        child: Child,
        /// Tells it from the one that replaced it.
        serial: u32,
        /// How.
        exit: Exit,
    },
    /// Something is to go wrong with a child.
    #[cfg(feature = "fault-injection")]
    InjectChild {
        /// Which.
        kind: crate::tree::Kind,
        /// What.
        fault: crate::fault::Fault,
    },
}

impl CallMessage {
    /// Something happened.
    #[must_use]
    pub fn input(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}

/// See the module's text.
pub struct CallActor {
    probe: Arc<Probe>,
    me: Link<CallActor>,
    node: Arc<Node>,
    core: Call,
    media: Rc<MediaLink>,
    /// Shared with whoever watches this actor, so that no child outlives it.
    children: Rc<RefCell<Children>>,
    entry: Arc<LiveCall>,
    ledger: Ledger,
    trace: CallTrace,
    /// Where nothing of this call is to be kept, there is none.
    tape: Option<Rc<CallTape>>,
    plan: CallPlan,
    timer: Option<(Micros, SpawnHandle)>,
    /// While the greeting's rendering is kept for the calls that follow.
    listening: Option<Listening>,
    till: Till,
    /// The call's slot, given back when the actor is dropped, whatever the reason.
    _permit: Permit,
}

impl CallActor {
    /// One step of the core: what the media path had to tell comes first, so that
    /// the core always knows what had gone out when something else happened.
    fn step(&mut self, input: Option<Input>, context: &mut Context<Self>) {
        let now = self.media.clock().now();
        if !matches!(input, Some(Input::Started)) {
            self.take_usage(input.as_ref(), now);
        }
        let notices = self.media.downlink().take_notices();
        for notice in notices {
            self.take_in(Input::Media(notice), now);
        }
        if let Some(input) = input {
            self.take_in(input, now);
        }
        self.perform_all(now, context);
    }

    fn wake(&mut self, context: &mut Context<Self>) {
        self.timer = None;
        let now = self.media.clock().now();
        self.take_usage_now(now);
        let notices = self.media.downlink().take_notices();
        for notice in notices {
            self.take_in(Input::Media(notice), now);
        }
        if let Some(tape) = &self.tape {
            tape.timeout(now, self.core.poll_timeout().map(|(at, _)| at));
        }
        self.core.handle_timeout(now);
        self.perform_all(now, context);
    }

    /// Recorded first, so that an input that kills the call is in its recording.
    fn take_in(&mut self, input: Input, now: Micros) {
        if let Some(tape) = &self.tape {
            tape.input(&input, now);
        }
        self.core.handle(input, now);
    }

    fn perform_all(&mut self, now: Micros, context: &mut Context<Self>) {
        while let Some(output) = self.core.poll_output() {
            if let Some(tape) = &self.tape {
                tape.output(&output, now);
            }
            self.perform(output, now, context);
        }
        self.arm(now, context);
    }

    /// One timer, moved only when the core's next deadline is earlier than the
    /// one that is set; a timer that fires early finds nothing due.
    fn arm(&mut self, now: Micros, context: &mut Context<Self>) {
        let Some((at, _)) = self.core.poll_timeout() else {
            if let Some((_, timer)) = self.timer.take() {
                context.cancel_future(timer);
            }
            return;
        };
        if let Some((armed_at, timer)) = self.timer {
            if armed_at <= at && armed_at > now {
                return;
            }
            context.cancel_future(timer);
        }
        let timer = context.run_later(at.since(now).into(), Self::wake);
        self.timer = Some((at, timer));
    }
}

impl Actor for CallActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.step(Some(Input::Started), context);
    }
}

impl Shell for CallActor {
    type Message = CallMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: CallMessage, context: &mut Self::Context) {
        match message {
            CallMessage::Input(input) => self.step(Some(*input), context),
            CallMessage::Notices => self.step(None, context),
            CallMessage::Model { serial, event } => {
                let current = self.children.borrow_mut().is_model(serial, &event);
                if current {
                    self.step(Some(Input::Model(*event)), context);
                }
            }
            CallMessage::StreamExited { exit } => {
                if exit != Exit::Normal {
                    let child = Child::TwilioStream;
                    self.step(Some(Input::ChildExited { child, exit }), context);
                }
            }
            #[cfg(feature = "fault-injection")]
            CallMessage::InjectChild { kind, fault } => {
                self.children.borrow().inject(kind, fault);
            }
            CallMessage::Exited { child, serial, exit } => {
                let unasked = self.children.borrow_mut().forget(child, serial);
                if unasked {
                    self.step(Some(Input::ChildExited { child, exit }), context);
                }
            }
        }
    }
}

crate::receives_letters!(CallActor);
