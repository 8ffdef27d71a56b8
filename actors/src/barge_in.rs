//! The barge-in detector's shell: the machine and its one timer.

use std::sync::Arc;

use actix::{Actor, ActorContext as _, AsyncContext as _, Context, SpawnHandle};
use trunkline_core::call::Input;
use trunkline_core::turn::barge_in::{BargeInDetector, BargeInInput, BargeInSnapshot, Verdict};

use crate::call::{CallActor, CallMessage};
use crate::clock::CallClock;
use crate::message::{Link, Shell};
use crate::tree::Probe;

/// What the detector is told.
#[derive(Debug)]
pub enum BargeInMessage {
    /// Something was heard.
    Input(BargeInInput),
    /// The call is over.
    Stop,
}

/// Listens for the caller who wants the floor.
#[derive(Debug)]
pub struct BargeIn {
    probe: Arc<Probe>,
    call: Link<CallActor>,
    clock: CallClock,
    detector: BargeInDetector,
    timer: Option<SpawnHandle>,
}

impl BargeIn {
    /// A detector that goes on from `snapshot`.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        call: Link<CallActor>,
        clock: CallClock,
        snapshot: BargeInSnapshot,
    ) -> Self {
        Self { probe, call, clock, detector: BargeInDetector::new(snapshot), timer: None }
    }

    fn report(&self, verdict: Option<Verdict>) {
        if let Some(verdict) = verdict {
            self.call.tell(CallMessage::input(Input::BargeIn(verdict)));
        }
    }

    fn arm(&mut self, context: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        if let Some(at) = self.detector.poll_timeout() {
            let wait = at.since(self.clock.now());
            self.timer = Some(context.run_later(wait.into(), Self::wake));
        }
    }

    fn wake(&mut self, context: &mut Context<Self>) {
        self.timer = None;
        let verdict = self.detector.handle_timeout(self.clock.now());
        self.report(verdict);
        self.arm(context);
    }
}

impl Actor for BargeIn {
    type Context = Context<Self>;
}

impl Shell for BargeIn {
    type Message = BargeInMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: BargeInMessage, context: &mut Self::Context) {
        match message {
            BargeInMessage::Input(input) => {
                let verdict = self.detector.handle(&input, self.clock.now());
                self.report(verdict);
                self.arm(context);
            }
            BargeInMessage::Stop => context.stop(),
        }
    }
}

crate::receives_letters!(BargeIn);
