//! What all sessions of a server share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::ears::Ears;
use super::gate::Provider;
use super::journal::Journal;
use super::knobs::Knobs;
use super::log::{ChatRecord, HearingRecord, Log, SpokenRecord};
use super::realtime::Voice;
use super::record::{SessionRecord, SharedRecord};
use super::script::Script;

/// Sessions that are remembered; the oldest are forgotten first.
const MAX_SESSIONS: usize = 5_000;

pub(crate) struct State {
    /// As the server was started.
    first_knobs: Knobs,
    knobs: RwLock<Knobs>,
    /// Those of one provider alone.
    own_knobs: RwLock<HashMap<Provider, Knobs>>,
    pub(crate) script: Arc<Script>,
    pub(crate) ears: Arc<Ears>,
    pub(crate) voice: Arc<Voice>,
    sessions: Mutex<Vec<SharedRecord>>,
    pub(crate) hearings: Log<HearingRecord>,
    pub(crate) chats: Log<ChatRecord>,
    pub(crate) spoken: Log<SpokenRecord>,
    pub(crate) journal: Journal,
    started: AtomicU64,
    refused: AtomicU64,
}

impl State {
    pub(crate) fn new(knobs: Knobs, script: Script, ears: Ears, journal: Journal) -> Self {
        Self {
            first_knobs: knobs.clone(),
            knobs: RwLock::new(knobs),
            own_knobs: RwLock::default(),
            script: Arc::new(script),
            ears: Arc::new(ears),
            voice: Arc::default(),
            sessions: Mutex::default(),
            hearings: Log::default(),
            chats: Log::behind(journal.chats),
            spoken: Log::behind(journal.spoken),
            journal,
            started: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    pub(crate) fn knobs(&self) -> Knobs {
        self.knobs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_knobs(&self, knobs: Knobs) {
        *self.knobs.write().unwrap_or_else(PoisonError::into_inner) = knobs;
    }

    /// The knobs of one provider: its own, or the common ones.
    pub(crate) fn knobs_of(&self, provider: Provider) -> Knobs {
        let own = self.own_knobs.read().unwrap_or_else(PoisonError::into_inner);
        own.get(&provider).cloned().unwrap_or_else(|| self.knobs())
    }

    /// Gives a provider knobs of its own, or takes them away.
    pub(crate) fn set_knobs_of(&self, provider: Provider, knobs: Option<Knobs>) {
        let mut own = self.own_knobs.write().unwrap_or_else(PoisonError::into_inner);
        match knobs {
            Some(knobs) => own.insert(provider, knobs),
            None => own.remove(&provider),
        };
    }

    /// Forgets all sessions and puts the knobs back as at the start.
    pub(crate) fn reset(&self) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.started.store(0, Ordering::Relaxed);
        self.refused.store(0, Ordering::Relaxed);
        self.hearings.clear();
        self.chats.clear();
        self.spoken.clear();
        self.own_knobs.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.set_knobs(self.first_knobs.clone());
    }

    /// Files a new session; fills in its number.
    pub(crate) fn open(&self, mut record: SessionRecord) -> (u64, SharedRecord) {
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        record.number = number;
        let shared = SharedRecord::new(record);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= MAX_SESSIONS {
            sessions.remove(0);
        }
        sessions.push(shared.clone());
        (number, shared)
    }

    pub(crate) fn sessions(&self) -> Vec<SessionRecord> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().map(SharedRecord::read).collect()
    }

    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}
