//! The node's services: how each is started, and how the one that stores is told.

use std::sync::Arc;

use trunkline_store::{Journal, Record, Store};

use super::NodeSettings;
use crate::blocked::BlockBoard;
use crate::dispositions::Dispositions;
use crate::limiter::{Limiter, LimiterState, OnUnserved};
use crate::message::Link;
use crate::persistence::{Mark, Persistence, PersistenceMessage, RecordQueue};
use crate::registry::{Directory, Registry};
use crate::service::{OnFatal, Service};
use crate::spending::Spending;
use crate::switches::SwitchBoard;
use crate::tree::{ActorTree, Kind};

/// Has something stored; where in the order of records, if there is room.
pub(crate) fn record_in(
    queue: &RecordQueue,
    persistence: &Service<Persistence>,
    record: Record,
) -> Option<Mark> {
    let mark = queue.put(record)?;
    if queue.needs_wake() {
        persistence.tell(PersistenceMessage::Wake);
    }
    Some(mark)
}

pub(super) fn persistence(
    tree: &Arc<ActorTree>,
    queue: &Arc<RecordQueue>,
    (store, journal): (&Store, Option<&Journal>),
    (switches, blocked, spending): (&SwitchBoard, &BlockBoard, &Spending),
    settings: &NodeSettings,
    on_fatal: &OnFatal,
) -> Service<Persistence> {
    let (queue, switches, blocked) = (Arc::clone(queue), switches.clone(), blocked.clone());
    let (store, journal) = (store.clone(), journal.cloned());
    let (spending, me) = (spending.clone(), settings.id.clone());
    let poll = settings.switch_poll;
    let make = move |link: &Link<Persistence>| {
        let probe = Arc::clone(link.probe());
        let (queue, store) = (Arc::clone(&queue), store.clone());
        let boards = (switches.clone(), blocked.clone(), (spending.clone(), me.clone()));
        Persistence::new(probe, queue, store, journal.clone(), boards, poll)
    };
    Service::start(tree, Kind::Persistence, make, Arc::clone(on_fatal))
}

pub(super) fn limiter(
    tree: &Arc<ActorTree>,
    limits: &Arc<LimiterState>,
    on_unserved: &OnUnserved,
    on_fatal: &OnFatal,
) -> Service<Limiter> {
    let (limits, on_unserved) = (Arc::clone(limits), Arc::clone(on_unserved));
    let make = move |link: &Link<Limiter>| {
        Limiter::new(Arc::clone(link.probe()), Arc::clone(&limits), Arc::clone(&on_unserved))
    };
    Service::start(tree, Kind::Limiter, make, Arc::clone(on_fatal))
}

pub(super) fn registry(
    tree: &Arc<ActorTree>,
    directory: &Arc<Directory>,
    dispositions: &Dispositions,
    settings: &NodeSettings,
    on_fatal: OnFatal,
) -> Service<Registry> {
    let (directory, dispositions) = (Arc::clone(directory), dispositions.clone());
    let (ttl, every) = (settings.session_ttl, settings.session_sweep);
    let make = move |link: &Link<Registry>| {
        let probe = Arc::clone(link.probe());
        Registry::new(probe, Arc::clone(&directory), dispositions.clone(), ttl, every)
    };
    Service::start(tree, Kind::Registry, make, on_fatal)
}
