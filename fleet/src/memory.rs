//! The fleet within one process: one node, as a rule; several in tests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use tokio::sync::mpsc;
use trunkline_core::ids::{CallSid, TenantId};

use crate::book::Book;
use crate::types::{
    Admitted, Ask, Away, Claimed, FleetTimes, Holding, LiveView, NodeKey, Note, Pulse, Rate, Shown,
};
use crate::{Fleet, windows::Windows};

/// What the nodes of a process share.
#[derive(Debug)]
pub struct Hub {
    book: Mutex<Book>,
    windows: Mutex<Windows>,
    ways: Mutex<HashMap<NodeKey, mpsc::UnboundedSender<Note>>>,
}

impl Hub {
    /// One that nobody has joined.
    #[must_use]
    pub fn new(times: FleetTimes) -> Arc<Self> {
        let book = Mutex::new(Book::new(times));
        Arc::new(Self { book, windows: Mutex::default(), ways: Mutex::default() })
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn windows(&self) -> std::sync::MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, to: &NodeKey, note: Note) -> bool {
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.get(to).is_some_and(|way| way.send(note).is_ok())
    }
}

/// One node's side of a [`Hub`].
#[derive(Debug)]
pub struct MemoryFleet {
    me: NodeKey,
    hub: Arc<Hub>,
    notes: tokio::sync::Mutex<mpsc::UnboundedReceiver<Note>>,
}

impl MemoryFleet {
    /// A node joins.
    #[must_use]
    pub fn join(hub: &Arc<Hub>, me: NodeKey) -> Arc<Self> {
        let (way, notes) = mpsc::unbounded_channel();
        hub.ways.lock().unwrap_or_else(PoisonError::into_inner).insert(me.clone(), way);
        Arc::new(Self { me, hub: Arc::clone(hub), notes: tokio::sync::Mutex::new(notes) })
    }
}

#[async_trait]
impl Fleet for MemoryFleet {
    fn me(&self) -> &NodeKey {
        &self.me
    }

    async fn admit(&self, ask: &Ask) -> Result<Admitted, Away> {
        let now = Instant::now();
        // One lock inside the other: a call is counted and let in, or neither.
        let mut windows = self.hub.windows();
        Ok(self.hub.book().admit(&self.me, ask, &mut windows, now))
    }

    async fn claim(&self, shown: &Shown) -> Result<Claimed, Away> {
        let (claimed, moved) = self.hub.book().claim(&self.me, shown, Instant::now());
        if let Some(from) = moved {
            self.hub.tell(&from, Note::Moved(shown.call.clone()));
        }
        Ok(claimed)
    }

    fn release(&self, call: &CallSid, tenant: &TenantId, fence: u64) {
        self.hub.book().release(&self.me, call, tenant, fence, Instant::now());
    }

    async fn forget(&self, call: &CallSid) -> Result<bool, Away> {
        let forgotten = self.hub.book().forget(call, Instant::now());
        if let Some(node) = forgotten.as_ref().filter(|node| **node != self.me) {
            self.hub.tell(node, Note::Forgotten(call.clone()));
        }
        Ok(forgotten.is_some())
    }

    async fn count(&self, rate: &Rate, member: &str) -> Result<bool, Away> {
        let (mut windows, now) = (self.hub.windows(), Instant::now());
        let room = windows.has_room(rate, rate.limit, member, now);
        if room {
            windows.add(rate, member, now);
        }
        Ok(room)
    }

    async fn beat(&self, holdings: &[Holding]) -> Result<Pulse, Away> {
        Ok(self.hub.book().beat(&self.me, holdings, Instant::now()))
    }

    async fn live(&self) -> Result<Vec<LiveView>, Away> {
        Ok(self.hub.book().live(Instant::now()))
    }

    async fn owner(&self, call: &CallSid) -> Result<Option<NodeKey>, Away> {
        Ok(self.hub.book().owner(call, Instant::now()))
    }

    async fn send(&self, to: &NodeKey, note: &Note) -> Result<bool, Away> {
        Ok(self.hub.tell(to, note.clone()))
    }

    async fn note(&self) -> Note {
        match self.notes.lock().await.recv().await {
            Some(note) => note,
            None => std::future::pending().await,
        }
    }

    fn disconnect(&self) {}

    async fn leave(&self) -> Result<(), Away> {
        self.hub.book().leave(&self.me);
        self.hub.ways.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.me);
        Ok(())
    }
}
