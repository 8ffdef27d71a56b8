//! Services of the node: actors that are rebuilt when they die, behind a handle
//! that always knows the present one. What they know lives in shared structures
//! that outlive them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actix::dev::{AsyncContextParts, ToEnvelope};
use actix::{Actor, Context, Handler};
use trunkline_core::call::Exit;

use crate::message::{Letter, Link, Shell};
use crate::supervise;
use crate::tree::{ActorTree, Kind, Label};

/// A service may die this often within [`PERIOD`]; past it the process cannot be
/// trusted and is told to end, for its own supervisor to start it anew.
const INTENSITY: usize = 5;
const PERIOD: Duration = Duration::from_secs(10);

/// What is done when a service cannot be kept alive.
pub type OnFatal = Arc<dyn Fn(Kind) + Send + Sync>;

/// The way to the actor that is a service at present.
type Present<A> = Arc<RwLock<Option<Link<A>>>>;

/// The way to a service, whichever actor is it at present.
pub struct Service<A: Shell> {
    present: Present<A>,
}

impl<A: Shell> Clone for Service<A> {
    fn clone(&self) -> Self {
        Self { present: Arc::clone(&self.present) }
    }
}

impl<A: Shell> std::fmt::Debug for Service<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl<A> Service<A>
where
    A: Shell + Actor<Context = Context<A>> + Handler<Letter<<A as Shell>::Message>>,
    Context<A>: ToEnvelope<A, Letter<<A as Shell>::Message>> + AsyncContextParts<A>,
{
    /// Starts a service on this thread and keeps it alive here. `make` builds it
    /// anew each time, from what is shared.
    pub fn start(
        tree: &Arc<ActorTree>,
        kind: Kind,
        make: impl Fn(&Link<A>) -> A + 'static,
        on_fatal: OnFatal,
    ) -> Self {
        let service = Self { present: Arc::default() };
        let keeper = Keeper {
            tree: Arc::clone(tree),
            kind,
            make: Box::new(make),
            on_fatal,
            exits: Mutex::default(),
            present: Arc::clone(&service.present),
        };
        spawn(std::rc::Rc::new(keeper), 0);
        service
    }

    /// Tells the service something. Between a death and the rebuilding, which
    /// are one step on the service's thread, a message can be lost; whoever
    /// waits for an answer sees the channel close.
    pub fn tell(&self, message: A::Message) {
        let present = self.present.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = present.as_ref() {
            link.tell(message);
        }
    }

    /// The present actor.
    #[must_use]
    pub fn link(&self) -> Option<Link<A>> {
        self.present.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Builds a service anew.
type Make<A> = Box<dyn Fn(&Link<A>) -> A>;

struct Keeper<A: Shell> {
    tree: Arc<ActorTree>,
    kind: Kind,
    make: Make<A>,
    on_fatal: OnFatal,
    exits: Mutex<VecDeque<Instant>>,
    present: Present<A>,
}

fn spawn<A>(keeper: std::rc::Rc<Keeper<A>>, restarts: u32)
where
    A: Shell + Actor<Context = Context<A>> + Handler<Letter<<A as Shell>::Message>>,
    Context<A>: ToEnvelope<A, Letter<<A as Shell>::Message>> + AsyncContextParts<A>,
{
    let again = std::rc::Rc::clone(&keeper);
    let link = supervise::spawn(
        &keeper.tree,
        Label::service(keeper.kind, restarts),
        |link| (keeper.make)(link),
        move |exit| {
            if exit == Exit::Normal {
                return;
            }
            tracing::error!(kind = again.kind.as_str(), ?exit, "a service of the node died");
            if again.within_budget() {
                spawn(again, restarts + 1);
            } else {
                (again.on_fatal)(again.kind);
            }
        },
    );
    *keeper.present.write().unwrap_or_else(PoisonError::into_inner) = Some(link);
}

impl<A: Shell> Keeper<A> {
    fn within_budget(&self) -> bool {
        let mut exits = self.exits.lock().unwrap_or_else(PoisonError::into_inner);
        exits.retain(|at| at.elapsed() < PERIOD);
        exits.push_back(Instant::now());
        exits.len() <= INTENSITY
    }
}
