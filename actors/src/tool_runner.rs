//! The tool runner: runs what the model calls and tells the call what came of it.

use std::sync::Arc;

use actix::{Actor, ActorContext as _, Context};
use trunkline_core::call::{Input, ToolEffect, ToolOutcome};
use trunkline_core::ids::ToolCallId;
use trunkline_core::pii::Personal;
use trunkline_core::tools::{Prepared, ToolContext, Toolbox};

use crate::call::{CallActor, CallMessage};
use crate::message::{Link, Shell};
use crate::tree::Probe;

/// What the tool runner is told.
#[derive(Debug)]
pub enum ToolMessage {
    /// Run a tool.
    Run {
        /// The model's name of the call.
        call_id: ToolCallId,
        /// The tool.
        name: String,
        /// JSON text, as the model wrote it.
        arguments: Personal,
    },
    /// The call is over.
    Stop,
}

/// See the module's text.
pub struct ToolRunner {
    probe: Arc<Probe>,
    call: Link<CallActor>,
    toolbox: Toolbox,
    context: ToolContext,
}

impl ToolRunner {
    /// A runner of these tools.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        call: Link<CallActor>,
        toolbox: Toolbox,
        context: ToolContext,
    ) -> Self {
        Self { probe, call, toolbox, context }
    }

    fn run(&self, name: &str, arguments: &Personal) -> ToolOutcome {
        let prepared = self.toolbox.prepare(name, arguments.expose(), &self.context);
        let (answer, ok, effect) = match prepared {
            Ok(Prepared::Answer(answer)) => (answer, true, ToolEffect::GoOn),
            Ok(Prepared::EndCall { answer, .. }) => (answer, true, ToolEffect::EndCall),
            Ok(Prepared::Transfer { answer, .. }) => (answer, true, ToolEffect::Transfer),
            Ok(Prepared::CollectDigits(plan)) => {
                (serde_json::json!({}), true, ToolEffect::CollectDigits(plan))
            }
            Err(error) => (error.output(), false, ToolEffect::GoOn),
        };
        ToolOutcome { output: Personal::new(answer.to_string()), ok, effect }
    }
}

impl Actor for ToolRunner {
    type Context = Context<Self>;
}

impl Shell for ToolRunner {
    type Message = ToolMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: ToolMessage, context: &mut Self::Context) {
        match message {
            ToolMessage::Run { call_id, name, arguments } => {
                let outcome = self.run(&name, &arguments);
                self.call.tell(CallMessage::input(Input::ToolFinished { call_id, outcome }));
            }
            ToolMessage::Stop => context.stop(),
        }
    }
}

crate::receives_letters!(ToolRunner);
