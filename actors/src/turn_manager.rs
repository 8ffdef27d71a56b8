//! The turn manager's shell: the machine and its one timer.

use std::sync::Arc;

use actix::{Actor, ActorContext as _, AsyncContext as _, Context, SpawnHandle};
use trunkline_core::call::Input;
use trunkline_core::turn::endpoint::{TurnInput, TurnMachine, TurnSnapshot};

use crate::call::{CallActor, CallMessage};
use crate::clock::CallClock;
use crate::message::{Link, Shell};
use crate::tree::Probe;

/// What the turn manager is told.
#[derive(Debug)]
pub enum TurnMessage {
    /// Something was heard.
    Input(TurnInput),
    /// The call is over.
    Stop,
}

/// Says when the caller's turn is over.
#[derive(Debug)]
pub struct TurnManager {
    probe: Arc<Probe>,
    call: Link<CallActor>,
    clock: CallClock,
    machine: TurnMachine,
    timer: Option<SpawnHandle>,
}

impl TurnManager {
    /// A turn manager that goes on from `snapshot`.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        call: Link<CallActor>,
        clock: CallClock,
        snapshot: TurnSnapshot,
    ) -> Self {
        let machine = TurnMachine::new(snapshot, clock.now());
        Self { probe, call, clock, machine, timer: None }
    }

    fn arm(&mut self, context: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        if let Some(at) = self.machine.poll_timeout() {
            let wait = at.since(self.clock.now());
            self.timer = Some(context.run_later(wait.into(), Self::wake));
        }
    }

    fn wake(&mut self, context: &mut Context<Self>) {
        self.timer = None;
        if let Some(utterances) = self.machine.handle_timeout(self.clock.now()) {
            self.call.tell(CallMessage::input(Input::TurnEnded { utterances }));
        }
        if self.machine.take_likely() {
            self.call.tell(CallMessage::input(Input::TurnLikelyOver));
        }
        self.arm(context);
    }
}

impl Actor for TurnManager {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.arm(context);
    }
}

impl Shell for TurnManager {
    type Message = TurnMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: TurnMessage, context: &mut Self::Context) {
        match message {
            TurnMessage::Input(input) => {
                self.machine.handle(&input, self.clock.now());
                self.arm(context);
            }
            TurnMessage::Stop => context.stop(),
        }
    }
}

crate::receives_letters!(TurnManager);
