//! The barge-in detector's shell.

use std::sync::Arc;

use actix::{Actor, ActorContext as _, Context};
use trunkline_core::call::Input;
use trunkline_core::turn::barge_in::{BargeInDetector, BargeInInput, BargeInSnapshot};

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
        Self { probe, call, clock, detector: BargeInDetector::new(snapshot) }
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
                if let Some(verdict) = self.detector.handle(&input, self.clock.now()) {
                    self.call.tell(CallMessage::input(Input::BargeIn(verdict)));
                }
            }
            BargeInMessage::Stop => context.stop(),
        }
    }
}

crate::receives_letters!(BargeIn);
