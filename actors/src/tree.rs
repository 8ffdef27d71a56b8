//! The actor tree as it can be looked at: who lives, what each has done, and how
//! those that are gone ended.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use serde::Serialize;
use trunkline_core::call::Exit;
use trunkline_core::ids::{CallSid, TenantId};

use crate::metrics;
use crate::task::Tasks;

/// Ended actors that are remembered.
const KEPT_ENDED: usize = 1_000;

/// The kinds of actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is documented where it lives")]
pub enum Kind {
    Registry,
    Limiter,
    Persistence,
    Call,
    TwilioStream,
    RealtimeSession,
    PipelineSession,
    BargeIn,
    TurnManager,
    ToolRunner,
}

impl Kind {
    /// The word used in metrics and in `/ops/actors`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Limiter => "limiter",
            Self::Persistence => "persistence",
            Self::Call => "call",
            Self::TwilioStream => "twilio_stream",
            Self::RealtimeSession => "realtime_session",
            Self::PipelineSession => "pipeline_session",
            Self::BargeIn => "barge_in",
            Self::TurnManager => "turn_manager",
            Self::ToolRunner => "tool_runner",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        const ALL: [Kind; 10] = [
            Kind::Registry,
            Kind::Limiter,
            Kind::Persistence,
            Kind::Call,
            Kind::TwilioStream,
            Kind::RealtimeSession,
            Kind::PipelineSession,
            Kind::BargeIn,
            Kind::TurnManager,
            Kind::ToolRunner,
        ];
        ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who an actor is.
#[derive(Clone, Debug)]
pub struct Label {
    /// What it does.
    pub kind: Kind,
    /// The actor it belongs to.
    pub parent: Option<u64>,
    /// The call it works for.
    pub call_sid: Option<CallSid>,
    /// Whose call that is.
    pub tenant: Option<TenantId>,
    /// How often it has been rebuilt.
    pub restarts: u32,
}

impl Label {
    /// A service of the node.
    #[must_use]
    pub fn service(kind: Kind, restarts: u32) -> Self {
        Self { kind, parent: None, call_sid: None, tenant: None, restarts }
    }
}

/// Of so many frames one is timed: looking at the clock twice would be a
/// noticeable part of what a frame costs.
pub const FRAME_SAMPLE: u64 = 16;

/// Adds to a number that only the actor itself writes.
fn add(number: &AtomicU64, more: u64) {
    number.store(number.load(Ordering::Relaxed).saturating_add(more), Ordering::Relaxed);
}

const RUNNING: u8 = 0;
const STALLED: u8 = 1;

/// An actor's own numbers, written by it and read by whoever looks.
#[derive(Debug)]
pub struct Probe {
    id: u64,
    label: Label,
    started_at: DateTime<Utc>,
    state: AtomicU8,
    queued: AtomicU32,
    handled: AtomicU64,
    busy_ns: AtomicU64,
    failed: AtomicBool,
    /// Set once, by an actor that begins before anybody knows for which call.
    assigned: OnceLock<Assignment>,
}

#[derive(Debug)]
struct Assignment {
    parent: u64,
    call_sid: CallSid,
    tenant: TenantId,
}

impl Probe {
    /// Its number, unique in the process.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Who it is.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// It turns out which call it works for. Only the first word counts.
    pub fn assign(&self, parent: u64, call_sid: CallSid, tenant: TenantId) {
        drop(self.assigned.set(Assignment { parent, call_sid, tenant }));
    }

    /// A message was put into its mailbox.
    pub fn sent(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// It does one thing: counted and timed.
    pub fn handle<R>(&self, work: impl FnOnce() -> R) -> R {
        self.timed(1, work)
    }

    /// It handles one of many frames: counted, and one in [`FRAME_SAMPLE`] timed,
    /// which stands for the others.
    pub fn handle_frame<R>(&self, work: impl FnOnce() -> R) -> R {
        if self.handled.load(Ordering::Relaxed).is_multiple_of(FRAME_SAMPLE) {
            return self.timed(FRAME_SAMPLE, work);
        }
        let result = work();
        add(&self.handled, 1);
        result
    }

    fn timed<R>(&self, stands_for: u64, work: impl FnOnce() -> R) -> R {
        let before = Instant::now();
        let result = work();
        let nanos = u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX);
        add(&self.busy_ns, nanos.saturating_mul(stands_for));
        add(&self.handled, 1);
        result
    }

    fn busy_us(&self) -> u64 {
        self.busy_ns.load(Ordering::Relaxed) / 1_000
    }

    /// A message left its mailbox.
    pub fn received(&self) {
        let _before = self
            .queued
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| Some(n.saturating_sub(1)));
    }

    /// It is about to end because something went wrong.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    /// Whether it said that something went wrong.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// It answers no messages for a while, or again.
    pub fn set_stalled(&self, stalled: bool) {
        self.state.store(if stalled { STALLED } else { RUNNING }, Ordering::Relaxed);
    }

    fn view(&self) -> ActorView {
        let assigned = self.assigned.get();
        let call_sid = assigned.map(|a| &a.call_sid).or(self.label.call_sid.as_ref());
        let tenant = assigned.map(|a| &a.tenant).or(self.label.tenant.as_ref());
        ActorView {
            id: self.id,
            kind: self.label.kind,
            parent: assigned.map(|a| a.parent).or(self.label.parent),
            call_sid: call_sid.cloned(),
            tenant: tenant.cloned(),
            state: if self.state.load(Ordering::Relaxed) == STALLED {
                "stalled"
            } else {
                "running"
            },
            mailbox_depth: self.queued.load(Ordering::Relaxed),
            messages_handled: self.handled.load(Ordering::Relaxed),
            handler_time_us: self.busy_us(),
            restarts: self.label.restarts,
            started_at: self.started_at,
            ended_at: None,
            last_exit: None,
        }
    }
}

/// One actor as `/ops/actors` shows it.
#[derive(Clone, Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it, with their units")]
pub struct ActorView {
    pub id: u64,
    pub kind: Kind,
    pub parent: Option<u64>,
    pub call_sid: Option<CallSid>,
    pub tenant: Option<TenantId>,
    pub state: &'static str,
    pub mailbox_depth: u32,
    pub messages_handled: u64,
    pub handler_time_us: u64,
    pub restarts: u32,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub last_exit: Option<Exit>,
}

/// Totals of one kind.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(missing_docs, reason = "the names say it, with their units")]
pub struct KindTotals {
    pub live: u64,
    pub ended: u64,
    pub panicked: u64,
    pub restarts: u64,
    pub messages_handled: u64,
    pub handler_time_us: u64,
}

#[derive(Debug, Default)]
struct Inner {
    live: HashMap<u64, Arc<Probe>>,
    ended: VecDeque<ActorView>,
    totals: BTreeMap<Kind, KindTotals>,
    next_id: u64,
}

/// See the module's text. One per process, shared by all threads; touched when
/// an actor begins or ends, never by a frame.
#[derive(Debug, Default)]
pub struct ActorTree {
    /// What runs beside the actors.
    pub tasks: Tasks,
    inner: Mutex<Inner>,
}

impl ActorTree {
    /// An actor begins.
    pub fn register(&self, label: Label) -> Arc<Probe> {
        let mut inner = self.lock();
        inner.next_id += 1;
        let probe = Arc::new(Probe {
            id: inner.next_id,
            label,
            started_at: Utc::now(),
            state: AtomicU8::new(RUNNING),
            queued: AtomicU32::new(0),
            handled: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            assigned: OnceLock::new(),
        });
        inner.live.insert(probe.id, Arc::clone(&probe));
        let totals = inner.totals.entry(probe.label.kind).or_default();
        totals.live += 1;
        totals.restarts += u64::from(probe.label.restarts > 0);
        metrics::actor_started(probe.label.kind, probe.label.restarts > 0);
        probe
    }

    /// An actor ended.
    pub fn ended(&self, probe: &Probe, exit: Exit) {
        let mut inner = self.lock();
        if inner.live.remove(&probe.id).is_none() {
            return;
        }
        let view = ActorView {
            ended_at: Some(Utc::now()),
            last_exit: Some(exit),
            state: "ended",
            ..probe.view()
        };
        let totals = inner.totals.entry(probe.label.kind).or_default();
        totals.live = totals.live.saturating_sub(1);
        totals.ended += 1;
        totals.panicked += u64::from(exit == Exit::Panicked);
        totals.messages_handled += view.messages_handled;
        totals.handler_time_us += view.handler_time_us;
        inner.ended.push_back(view);
        if inner.ended.len() > KEPT_ENDED {
            inner.ended.pop_front();
        }
        metrics::actor_ended(probe.label.kind, exit);
    }

    /// The live actors, oldest first, of one tenant or call where one is named.
    #[must_use]
    pub fn live(&self, tenant: Option<&str>, call_sid: Option<&str>) -> Vec<ActorView> {
        let inner = self.lock();
        let mut views: Vec<_> = inner.live.values().map(|p| p.view()).collect();
        drop(inner);
        views.retain(|v| matches(v, tenant, call_sid));
        views.sort_by_key(|v| v.id);
        views
    }

    /// The actors that ended last, oldest first.
    #[must_use]
    pub fn ended_views(&self, tenant: Option<&str>, call_sid: Option<&str>) -> Vec<ActorView> {
        let inner = self.lock();
        inner.ended.iter().filter(|v| matches(v, tenant, call_sid)).cloned().collect()
    }

    /// Totals per kind, what live actors have done so far included.
    #[must_use]
    pub fn totals(&self) -> BTreeMap<Kind, KindTotals> {
        let inner = self.lock();
        let mut totals = inner.totals.clone();
        for probe in inner.live.values() {
            let of_kind = totals.entry(probe.label.kind).or_default();
            of_kind.messages_handled += probe.handled.load(Ordering::Relaxed);
            of_kind.handler_time_us += probe.busy_us();
        }
        totals
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches(view: &ActorView, tenant: Option<&str>, call_sid: Option<&str>) -> bool {
    let is = |wanted: Option<&str>, have: Option<&str>| wanted.is_none() || wanted == have;
    is(tenant, view.tenant.as_ref().map(TenantId::as_str))
        && is(call_sid, view.call_sid.as_ref().map(CallSid::as_str))
}
