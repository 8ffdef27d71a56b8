//! Faults on purpose: the tests' door into a live actor. In a build without the
//! `fault-injection` feature no [`Fault`] can be made, so none can happen.

use std::sync::Arc;

use actix::{Actor, ActorContext, AsyncContext};

use crate::tree::Probe;

/// What is to go wrong.
#[cfg(feature = "fault-injection")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The actor's handler panics.
    Panic,
    /// The actor ends without a word.
    Kill,
    /// The actor answers nothing for a while.
    Stall {
        /// How long.
        ms: u64,
    },
}

/// What is to go wrong: nothing, in this build.
#[cfg(not(feature = "fault-injection"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {}

/// Lets the fault happen to the actor whose context this is.
#[cfg(feature = "fault-injection")]
#[expect(clippy::panic, reason = "to panic is what was asked for")]
pub fn commit<A>(fault: Fault, _actor: &mut A, probe: &Arc<Probe>, context: &mut A::Context)
where
    A: Actor,
    A::Context: AsyncContext<A>,
{
    use actix::fut::{ActorFutureExt as _, wrap_future};
    match fault {
        Fault::Panic => panic!("injected into {}", probe.label().kind.as_str()),
        Fault::Kill => {
            probe.fail();
            context.terminate();
        }
        Fault::Stall { ms } => {
            probe.set_stalled(true);
            let after = Arc::clone(probe);
            let pause = tokio::time::sleep(std::time::Duration::from_millis(ms));
            context.wait(wrap_future(pause).map(move |(), _actor: &mut A, _context| {
                after.set_stalled(false);
            }));
        }
    }
}

/// Nothing can go wrong on purpose in this build.
#[cfg(not(feature = "fault-injection"))]
pub fn commit<A>(fault: Fault, _actor: &mut A, _probe: &Arc<Probe>, _context: &mut A::Context)
where
    A: Actor,
    A::Context: AsyncContext<A> + ActorContext,
{
    match fault {}
}
