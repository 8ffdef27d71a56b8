//! The tool runner: runs what the model calls and tells the call what came of it.

use std::sync::Arc;

use actix::{Actor, ActorContext as _, Context};
use serde_json::json;
use trunkline_core::call::{Input, ToolEffect, ToolOutcome};
use trunkline_core::ids::{CallSid, ToolCallId};
use trunkline_core::pii::Personal;
use trunkline_core::tools::{Prepared, ToolContext, Toolbox};
use trunkline_store::{EffectKey, Payload};

use crate::call::{CallActor, CallMessage};
use crate::message::{Link, Shell};
use crate::side_effects::{Answer, Carried, Effect, Found, NotBegun, SideEffects};
use crate::task::Tasks;
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
    ledger: ToolLedger,
}

/// Where it is written down what a call's tools did to the world.
#[derive(Clone)]
pub struct ToolLedger {
    /// The node's ledger.
    pub side_effects: SideEffects,
    /// The call.
    pub call_sid: CallSid,
    /// A side effect that has begun outlives the actor, and is counted here.
    pub tasks: Tasks,
}

impl ToolRunner {
    /// A runner of these tools.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        call: Link<CallActor>,
        toolbox: Toolbox,
        context: ToolContext,
        ledger: ToolLedger,
    ) -> Self {
        Self { probe, call, toolbox, context, ledger }
    }

    fn take_on(&self, call_id: ToolCallId, name: &str, arguments: &Personal) {
        let outcome = self.run(name, arguments);
        // Arguments that are wrong change nothing, and may be corrected.
        if outcome.ok && self.toolbox.has_side_effect(name) {
            self.run_once(call_id, name, arguments, outcome);
        } else {
            finish(&self.call, call_id, outcome);
        }
    }

    /// A side effect is never cancelled once it has begun: not by an interruption,
    /// and not by the end of this actor or of the call.
    fn run_once(
        &self,
        call_id: ToolCallId,
        name: &str,
        arguments: &Personal,
        outcome: ToolOutcome,
    ) {
        // A model with nothing to say may send an empty text.
        let inputs = serde_json::from_str(arguments.expose()).unwrap_or_else(|_| json!({}));
        let tenant = self.context.tenant.id.clone();
        let key = EffectKey::new(tenant, self.ledger.call_sid.clone(), name, &inputs);
        let (side_effects, call) = (self.ledger.side_effects.clone(), self.call.clone());
        drop(self.ledger.tasks.spawn(async move {
            let outcome = once(&side_effects, &key, outcome).await;
            finish(&call, call_id, outcome);
        }));
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

fn finish(call: &Link<CallActor>, call_id: ToolCallId, outcome: ToolOutcome) {
    call.tell(CallMessage::input(Input::ToolFinished { call_id, outcome }));
}

/// What this came to when it was first asked for.
async fn once(side_effects: &SideEffects, key: &EffectKey, outcome: ToolOutcome) -> ToolOutcome {
    outcome_of(side_effects.once(key, &Prepare(outcome)).await)
}

/// A tool whose whole effect is what it asks of the call.
struct Prepare(ToolOutcome);

impl Effect for Prepare {
    async fn carry_out(&self) -> Carried {
        match serde_json::to_value(&self.0) {
            Ok(outcome) => Carried::Out(Payload(outcome)),
            Err(error) => Carried::Not(Payload(json!({ "error": error.to_string() }))),
        }
    }

    /// Nothing happens before it is written down that it did.
    async fn look_up(&self) -> Found {
        Found::Nothing
    }
}

/// What the model is told: the first result, also when it asked again.
fn outcome_of(answer: Result<Answer, NotBegun>) -> ToolOutcome {
    let failed = |error: &str, hint: &str| ToolOutcome {
        output: Personal::new(json!({ "error": error, "hint": hint }).to_string()),
        ok: false,
        effect: ToolEffect::GoOn,
    };
    match answer {
        Ok(Answer::Done(Payload(outcome))) => serde_json::from_value(outcome)
            .unwrap_or_else(|_| failed("this was done before", "go on; do not do it again")),
        Ok(Answer::Failed(_)) => failed("it was not done", "say so, or offer a human"),
        Ok(Answer::Unknown) => failed(
            "it is not known whether it was done",
            "say so, do not try it again, and offer a human",
        ),
        Err(error) => {
            tracing::error!(%error, "a tool was not run");
            failed("this cannot be done at the moment", "say so, or offer a human")
        }
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
                self.take_on(call_id, &name, &arguments);
            }
            ToolMessage::Stop => context.stop(),
        }
    }
}

crate::receives_letters!(ToolRunner);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use trunkline_core::ids::TenantId;
    use trunkline_store::Store;

    use super::*;

    fn key(arguments: &str) -> EffectKey {
        let (tenant, call) = (TenantId::parse("salon").unwrap(), CallSid::parse("CA1").unwrap());
        EffectKey::new(tenant, call, "book", &serde_json::from_str(arguments).unwrap())
    }

    fn outcome(words: &str) -> ToolOutcome {
        ToolOutcome { output: Personal::new(words), ok: true, effect: ToolEffect::EndCall }
    }

    #[actix_rt::test]
    async fn the_model_that_asks_again_is_given_the_first_outcome() {
        let store = Store::open("sqlite::memory:", 1).unwrap();
        store.migrate().unwrap();
        let ledger = SideEffects::new(store);
        let first = once(&ledger, &key(r#"{"at": 9, "for": "Ada"}"#), outcome("booked")).await;
        let again = once(&ledger, &key(r#"{"for":"Ada","at":9}"#), outcome("booked twice")).await;
        assert_eq!((&first, &again), (&outcome("booked"), &outcome("booked")));
        let other = once(&ledger, &key(r#"{"for":"Ada","at":10}"#), outcome("another")).await;
        assert_eq!(other, outcome("another"));
    }

    #[actix_rt::test]
    async fn a_tool_that_cannot_be_written_down_is_not_run_and_the_model_is_told() {
        // There are no tables.
        let ledger = SideEffects::new(Store::open("sqlite::memory:", 1).unwrap());
        let told = once(&ledger, &key("{}"), outcome("booked")).await;
        assert!(!told.ok && told.effect == ToolEffect::GoOn);
        assert!(told.output.expose().contains("cannot be done at the moment"), "{told:?}");
    }
}
