//! The only place that spawns an actor.
//!
//! `actix::Supervisor` restarts an actor that stops but never one that panics,
//! and leaves its address dead for good. So an actor's future is spawned here
//! and watched: however it ends, the tree hears of it and the parent's `on_exit`
//! runs, on the same thread, with how it ended.

use std::sync::Arc;

use actix::dev::{AsyncContextParts, ContextFut, ToEnvelope};
use actix::{Actor, Context, Handler};
use trunkline_core::call::Exit;

use crate::message::{Letter, Link, Shell};
use crate::tree::{ActorTree, Label, Probe};

/// Spawns an actor on this thread. `make` gets the way to its mailbox, so that
/// the actor can hand it to its children; `on_exit` is told how it ended.
pub fn spawn<A>(
    tree: &Arc<ActorTree>,
    label: Label,
    make: impl FnOnce(&Link<A>) -> A,
    on_exit: impl FnOnce(Exit) + 'static,
) -> Link<A>
where
    A: Shell + Actor<Context = Context<A>> + Handler<Letter<<A as Shell>::Message>>,
    Context<A>: ToEnvelope<A, Letter<<A as Shell>::Message>> + AsyncContextParts<A>,
{
    let context = Context::<A>::new();
    let probe = tree.register(label);
    let link = Link::new(actix::AsyncContext::address(&context), Arc::clone(&probe));
    let future: ContextFut<A, Context<A>> = context.into_future(make(&link));
    let running = actix_rt::spawn(future);
    let (tasks, tree) = (&tree.tasks, Arc::clone(tree));
    drop(tasks.spawn(async move {
        let exit = exit_of(running.await.is_err(), &probe);
        tree.ended(&probe, exit);
        on_exit(exit);
    }));
    link
}

fn exit_of(panicked: bool, probe: &Probe) -> Exit {
    if panicked {
        Exit::Panicked
    } else if probe.has_failed() {
        Exit::Error
    } else {
        Exit::Normal
    }
}

/// Watches an actor that something else runs: the WebSocket edge, whose actor
/// lives inside its HTTP response. Kept as a field of that actor, so that it is
/// dropped with it, unwinding or not.
pub struct Watch {
    tree: Arc<ActorTree>,
    probe: Arc<Probe>,
    on_exit: Option<Box<dyn FnOnce(Exit)>>,
}

impl Watch {
    /// Registers the actor.
    #[must_use]
    pub fn new(tree: &Arc<ActorTree>, label: Label) -> Self {
        Self { tree: Arc::clone(tree), probe: tree.register(label), on_exit: None }
    }

    /// The actor's numbers.
    #[must_use]
    pub fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    /// Whether it is ending because something went wrong.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        exit_of(std::thread::panicking(), &self.probe) != Exit::Normal
    }

    /// Whom to tell how it ended.
    pub fn on_exit(&mut self, on_exit: impl FnOnce(Exit) + 'static) {
        self.on_exit = Some(Box::new(on_exit));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let exit = exit_of(std::thread::panicking(), &self.probe);
        self.tree.ended(&self.probe, exit);
        if let Some(on_exit) = self.on_exit.take() {
            on_exit(exit);
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("probe", &self.probe.id()).finish_non_exhaustive()
    }
}
