//! The registry: every live call of this node.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext as _, Context};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trunkline_core::call::{Command, Input, PhaseName};
use trunkline_core::cost::Nanos;
use trunkline_core::ids::{CallSid, StreamSid, TenantId};

use crate::call::{CallActor, CallMessage};
use crate::dispositions::Dispositions;
use crate::message::{Link, Shell};
use crate::metrics;
use crate::tree::Probe;

/// One live call, as the node sees it.
#[derive(Debug)]
pub struct LiveCall {
    /// The call.
    pub call_sid: CallSid,
    /// Its stream.
    pub stream_sid: StreamSid,
    /// Whose it is.
    pub tenant: TenantId,
    /// When its stream began.
    pub started_at: DateTime<Utc>,
    /// The way to its actor.
    pub link: Link<CallActor>,
    origin: Instant,
    phase: AtomicU8,
    last_seen_ms: AtomicU64,
    cost: AtomicU64,
}

impl LiveCall {
    /// A call whose stream began now.
    #[must_use]
    pub fn new(
        call_sid: CallSid,
        stream_sid: StreamSid,
        tenant: TenantId,
        link: Link<CallActor>,
    ) -> Self {
        Self {
            call_sid,
            stream_sid,
            tenant,
            started_at: Utc::now(),
            link,
            origin: Instant::now(),
            phase: AtomicU8::new(0),
            last_seen_ms: AtomicU64::new(0),
            cost: AtomicU64::new(0),
        }
    }

    /// Something was heard of the call.
    pub fn touch(&self) {
        let ms = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_seen_ms.store(ms, Ordering::Relaxed);
    }

    /// The call's phase changed.
    pub fn set_phase(&self, phase: PhaseName) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Where the call is.
    #[must_use]
    pub fn phase(&self) -> PhaseName {
        const ALL: [PhaseName; 5] = [
            PhaseName::Answering,
            PhaseName::Greeting,
            PhaseName::Conversation,
            PhaseName::Goodbye,
            PhaseName::Ended,
        ];
        let index = usize::from(self.phase.load(Ordering::Relaxed));
        ALL.get(index).copied().unwrap_or(PhaseName::Ended)
    }

    /// The call has cost so much by now.
    pub fn set_cost(&self, nanos: Nanos) {
        self.cost.store(nanos.0, Ordering::Relaxed);
    }

    /// What the call has cost.
    #[must_use]
    pub fn cost(&self) -> Nanos {
        Nanos(self.cost.load(Ordering::Relaxed))
    }

    fn idle(&self) -> Duration {
        let seen = Duration::from_millis(self.last_seen_ms.load(Ordering::Relaxed));
        self.origin.elapsed().saturating_sub(seen)
    }

    fn last_seen_at(&self) -> DateTime<Utc> {
        Utc::now() - self.idle()
    }

    /// As the outside sees it.
    #[must_use]
    pub fn view(&self) -> LiveCallView {
        LiveCallView {
            call_sid: self.call_sid.clone(),
            stream_sid: self.stream_sid.clone(),
            tenant: self.tenant.clone(),
            phase: self.phase(),
            started_at: self.started_at,
            age_ms: u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX),
            last_seen_at: self.last_seen_at(),
            cost_nanos: self.cost(),
        }
    }
}

/// A live call as the outside sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `LiveCall`")]
pub struct LiveCallView {
    pub call_sid: CallSid,
    pub stream_sid: StreamSid,
    pub tenant: TenantId,
    pub phase: PhaseName,
    pub started_at: DateTime<Utc>,
    pub age_ms: u64,
    pub last_seen_at: DateTime<Utc>,
    #[serde(default)]
    pub cost_nanos: Nanos,
}

impl LiveCallView {
    /// The same with its age as it is now, by this machine's clock.
    #[must_use]
    pub fn aged(self) -> Self {
        let age_ms = (Utc::now() - self.started_at).num_milliseconds();
        Self { age_ms: u64::try_from(age_ms).unwrap_or(0), ..self }
    }
}

/// The calls themselves. Outlive the actor; shared by all threads.
#[derive(Debug, Default)]
pub struct Directory(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    calls: HashMap<CallSid, Arc<LiveCall>>,
    /// Whether calls are put through to a human as they begin.
    handing_over: bool,
}

impl Directory {
    /// A call began.
    pub fn add(&self, call: Arc<LiveCall>) {
        let mut entries = self.lock();
        if entries.handing_over {
            hand_over(&call);
        }
        entries.calls.insert(call.call_sid.clone(), call);
        metrics::calls_live(entries.calls.len());
    }

    /// A call is over.
    pub fn remove(&self, call_sid: &CallSid) {
        let mut entries = self.lock();
        entries.calls.remove(call_sid);
        metrics::calls_live(entries.calls.len());
    }

    /// The call of this SID.
    #[must_use]
    pub fn by_call(&self, call_sid: &CallSid) -> Option<Arc<LiveCall>> {
        self.lock().calls.get(call_sid).cloned()
    }

    /// The call whose stream has this SID.
    #[must_use]
    pub fn by_stream(&self, stream_sid: &StreamSid) -> Option<Arc<LiveCall>> {
        self.lock().calls.values().find(|call| call.stream_sid == *stream_sid).cloned()
    }

    /// Every live call.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<LiveCall>> {
        self.lock().calls.values().cloned().collect()
    }

    /// How many calls live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().calls.len()
    }

    /// Whether no call lives.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().calls.is_empty()
    }

    /// Every live call is put through to a human, and from now on every call as
    /// it begins.
    pub fn hand_over_all(&self) {
        let mut entries = self.lock();
        entries.handing_over = true;
        entries.calls.values().for_each(|call| hand_over(call));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hand_over(call: &LiveCall) {
    call.link.tell(CallMessage::input(Input::Command(Command::HandOver)));
}

/// What the registry is told.
#[derive(Debug)]
pub enum RegistryMessage {
    /// The process is about to end: every call is put through to a human.
    HandOverAll,
}

/// See the module's text.
#[derive(Debug)]
pub struct Registry {
    probe: Arc<Probe>,
    directory: Arc<Directory>,
    dispositions: Dispositions,
    ttl: Duration,
    sweep_every: Duration,
}

impl Registry {
    /// An actor over the directory that expires calls of which nothing was heard
    /// for `ttl`.
    #[must_use]
    pub fn new(
        probe: Arc<Probe>,
        directory: Arc<Directory>,
        dispositions: Dispositions,
        ttl: Duration,
        sweep_every: Duration,
    ) -> Self {
        Self { probe, directory, dispositions, ttl, sweep_every }
    }

    fn sweep(&self) {
        self.dispositions.sweep();
        for call in self.directory.all().iter().filter(|call| call.idle() > self.ttl) {
            tracing::warn!(
                reason = "ttl_expired",
                call.id = %call.call_sid,
                stream.id = %call.stream_sid,
                tenant.id = %call.tenant,
                last_seen_at = %call.last_seen_at().to_rfc3339(),
                ttl_minutes = self.ttl.as_secs_f64() / 60.0,
                "a session was idle for too long"
            );
            if call.link.is_alive() {
                call.link.tell(CallMessage::Input(Box::new(Input::Command(Command::Expire))));
            } else {
                self.directory.remove(&call.call_sid);
            }
        }
    }
}

impl Actor for Registry {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(self.sweep_every, |registry, _| registry.sweep());
    }
}

impl Shell for Registry {
    type Message = RegistryMessage;

    fn probe(&self) -> &Arc<Probe> {
        &self.probe
    }

    fn receive(&mut self, message: RegistryMessage, _context: &mut Self::Context) {
        match message {
            RegistryMessage::HandOverAll => self.directory.hand_over_all(),
        }
    }
}

crate::receives_letters!(Registry);
