//! A node: what all calls of one process share.

mod services;
mod target;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::oneshot;
use trunkline_core::cost::PriceTable;
use trunkline_core::ids::{AccountSid, CallSid, NodeId, TenantId};
use trunkline_core::tenant::Tenant;
use trunkline_store::{EventRow, Journal, Payload, Record, Store};
use uuid::Uuid;

use crate::blocked::BlockBoard;
use crate::dispositions::Dispositions;
use crate::fleet::Membership;
use crate::limiter::{
    Booking, Claim, ClaimRefusal, FindTenant, Full, HungUp, Limiter, LimiterMessage,
    LimiterSettings, LimiterState, OnUnserved,
};
use crate::message::Link;
use crate::persistence::{Persistence, PersistenceMessage, RecordQueue};
use crate::phrases::PhraseCache;
use crate::recorder::Recorder;
use crate::registry::{Directory, Registry, RegistryMessage};
use crate::service::{OnFatal, Service};
use crate::side_effects::SideEffects;
use crate::spending::Spending;
use crate::switches::SwitchBoard;
use crate::tree::ActorTree;
#[cfg(feature = "fault-injection")]
use crate::tree::Kind;
use crate::unserved::close_books;

pub(crate) use services::record_in;
pub use target::{FindModels, ModelTarget, SessionTarget};

/// How long the limiter may take to answer: far longer than it needs, far less
/// than the carrier waits.
const LIMITER_PATIENCE: Duration = Duration::from_secs(2);

/// Told of each call whose agent has begun, on the thread of the call.
pub type OnBegun = Box<dyn Fn(&Booking) + Send + Sync>;

/// Settings of a node.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// The node's name.
    pub id: NodeId,
    /// Caps and clocks of the limiter.
    pub limiter: LimiterSettings,
    /// Records that may wait for the database.
    pub queue_bound: usize,
    /// How often the switches are read.
    pub switch_poll: Duration,
    /// How long a call may be idle.
    pub session_ttl: Duration,
    /// How often idle calls are looked for.
    pub session_sweep: Duration,
    /// How long a stream may take to say which call it belongs to.
    pub stream_start_timeout: Duration,
    /// How long a live stream may be silent before it counts as dead.
    pub stream_idle_timeout: Duration,
    /// What services cost.
    pub prices: Arc<PriceTable>,
}

/// See the module's text.
pub struct Node {
    /// What it was started with.
    pub settings: NodeSettings,
    /// Every actor of the process.
    pub tree: Arc<ActorTree>,
    /// What the limiter knows.
    pub limits: Arc<LimiterState>,
    /// This node's place in the fleet.
    pub fleet: Arc<Membership>,
    /// Every live call.
    pub directory: Arc<Directory>,
    /// What waits for the database.
    pub queue: Arc<RecordQueue>,
    /// The database. Blocks: for threads that may.
    pub store: Store,
    /// What records go to while the database is slow or away; none beside SQLite.
    pub journal: Option<Journal>,
    /// What tools do to the world.
    pub side_effects: SideEffects,
    /// The switches as last read.
    pub switches: SwitchBoard,
    /// The database's block list as last read.
    pub blocked: BlockBoard,
    /// What tenants have spent today.
    pub spending: Spending,
    /// What follows the streams that ended here.
    pub dispositions: Dispositions,
    /// Renderings that are kept.
    pub phrases: PhraseCache,
    /// Calls' flight recordings.
    pub recorder: Recorder,
    limiter: Service<Limiter>,
    registry: Service<Registry>,
    persistence: Service<Persistence>,
    on_unserved: OnUnserved,
    find_models: FindModels,
    on_begun: OnceLock<OnBegun>,
    draining: AtomicBool,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("id", &self.settings.id).finish_non_exhaustive()
    }
}

impl Node {
    /// Starts the node's services on this thread. `place` is the node's place in
    /// its fleet, and how the tenant of a call is found that another node reserved.
    /// `on_fatal` is called when a service cannot be kept alive.
    #[must_use]
    pub fn start(
        settings: NodeSettings,
        (store, journal): (Store, Option<Journal>),
        phrases: PhraseCache,
        recorder: Recorder,
        find_models: FindModels,
        place: (Arc<Membership>, FindTenant),
        on_fatal: OnFatal,
    ) -> Arc<Self> {
        let tree = Arc::new(ActorTree::default());
        let (fleet, find_tenant) = place;
        let limits = LimiterState::new(settings.limiter, Arc::clone(&fleet), find_tenant);
        let directory = Arc::new(Directory::default());
        let queue = RecordQueue::new(settings.queue_bound);
        let (switches, blocked) = (SwitchBoard::default(), BlockBoard::default());
        let dispositions = Dispositions::default();
        let spending = Spending::default();
        let persistence = services::persistence(
            &tree,
            &queue,
            (&store, journal.as_ref()),
            (&switches, &blocked, &spending),
            &settings,
            &on_fatal,
        );
        let on_unserved = close_books(&queue, &persistence, &dispositions);
        let limiter = services::limiter(&tree, &limits, &on_unserved, &on_fatal);
        let registry = services::registry(&tree, &directory, &dispositions, &settings, on_fatal);
        let side_effects = SideEffects::new(store.clone());
        let node = Arc::new(Self {
            settings,
            tree,
            limits,
            fleet,
            directory,
            queue,
            store,
            journal,
            side_effects,
            switches,
            blocked,
            spending,
            dispositions,
            phrases,
            recorder,
            limiter,
            registry,
            persistence,
            on_unserved,
            find_models,
            on_begun: OnceLock::new(),
            draining: AtomicBool::new(false),
        });
        node.fleet.keep_beating(&node.limits, &node.directory);
        node.keep_listening();
        node
    }

    /// Has something stored, in the order in which it is asked.
    pub fn record(&self, record: Record) {
        // What there is no room for is counted.
        record_in(&self.queue, &self.persistence, record);
    }

    /// Has something stored, and answers whether it is where it outlasts the process, in
    /// the database or in the journal, within `patience`. Otherwise it may yet come there.
    /// It is asked for at once, whether or not the answer is waited for.
    pub fn keep(&self, record: Record, patience: Duration) -> impl Future<Output = bool> + use<> {
        let mark = record_in(&self.queue, &self.persistence, record);
        let committed = mark.map(|mark| self.queue.until_committed(mark));
        async move {
            let Some(committed) = committed else {
                return false;
            };
            tokio::time::timeout(patience, committed).await.is_ok()
        }
    }

    /// Has an event stored that concerns no live call.
    pub fn audit(
        &self,
        call_sid: Option<CallSid>,
        tenant: Option<TenantId>,
        kind: &str,
        data: serde_json::Value,
    ) {
        self.record(Record::Event(EventRow {
            id: Uuid::now_v7(),
            call_sid,
            tenant_id: tenant,
            seq: 0,
            at: Utc::now(),
            at_us: 0,
            kind: kind.to_owned(),
            channel: trunkline_store::Channel::Phone,
            data: Payload(data),
        }));
    }

    /// Whether everything recorded so far is in the database, or else in the journal,
    /// where the node's next life finds it.
    #[must_use]
    pub fn keeps_all_records(&self) -> bool {
        self.journal.is_some() && self.queue.is_empty()
    }

    /// Waits until everything recorded so far is in the database, for at most
    /// `patience`; answers whether it is.
    pub async fn flush(&self, patience: Duration) -> bool {
        let (reply, done) = oneshot::channel();
        self.persistence.tell(PersistenceMessage::Flush { reply });
        matches!(tokio::time::timeout(patience, done).await, Ok(Ok(())))
    }

    /// Takes a slot for a call and gives out its stream's token.
    ///
    /// # Errors
    /// When no slot is free, or the limiter does not answer in time.
    pub async fn reserve(&self, booking: Booking) -> Result<String, Full> {
        let (reply, answer) = oneshot::channel();
        self.limiter.tell(LimiterMessage::Reserve { booking: Box::new(booking), reply });
        match tokio::time::timeout(LIMITER_PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(Full::Unknown),
        }
    }

    /// A stream shows its token. The token is used from here on, whether or not
    /// the answer is waited for: a stream that is gone at once was there.
    ///
    /// # Errors
    /// When it may not begin.
    pub fn claim(
        &self,
        call_sid: CallSid,
        account_sid: AccountSid,
        token: String,
        hung_up: HungUp,
    ) -> impl Future<Output = Result<Claim, ClaimRefusal>> + use<> {
        let (reply, answer) = oneshot::channel();
        let claim = LimiterMessage::Claim { call_sid, account_sid, token, hung_up, reply };
        self.limiter.tell(claim);
        async {
            match tokio::time::timeout(LIMITER_PATIENCE, answer).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) | Err(_) => Err(ClaimRefusal::Unavailable),
            }
        }
    }

    /// The call is over without a stream: its slot is given back.
    pub fn forget_reservation(&self, call_sid: CallSid) {
        self.limiter.tell(LimiterMessage::Forget { call_sid });
    }

    /// The same for a call that this node knows nothing of; whether another node
    /// held a slot for it.
    pub async fn forget_elsewhere(&self, call_sid: &CallSid) -> bool {
        let fleet = &self.fleet;
        fleet.ask("forget", fleet.fleet.forget(call_sid)).await.unwrap_or(false)
    }

    /// Where a tenant's speech models are, the one to begin with first; none when
    /// there is no key for any.
    #[must_use]
    pub fn models_of(&self, tenant: &Tenant) -> Vec<SessionTarget> {
        (self.find_models)(tenant)
    }

    /// Names who is told of each call whose agent has begun: the first stays.
    pub fn when_begun(&self, told: OnBegun) {
        self.on_begun.get_or_init(|| told);
    }

    /// A call's agent has begun.
    pub(crate) fn begun(&self, booking: &Booking) {
        if let Some(told) = self.on_begun.get() {
            told(booking);
        }
    }

    /// Whether there is a journal that takes what the database does not.
    #[must_use]
    pub fn has_room_in_journal(&self) -> bool {
        let journal = self.journal.as_ref();
        journal.is_some_and(|journal| self.queue.is_journal_up() && !journal.is_full())
    }

    /// Whether new calls go to the human because the process is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether no call lives, and none was promised a stream that it may still open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.directory.is_empty() && self.limits.total() == 0
    }

    /// New calls go to the human from now on. The limiter refuses as well, for
    /// the webhook that was let in a moment before.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.limits.close();
    }

    /// The calls that were promised an agent, and whose stream has not come, are
    /// given up: their books are closed, and the carrier that asks is told the
    /// human's number.
    pub fn give_up_promised(&self) {
        for (booking, why) in self.limits.give_up() {
            (self.on_unserved)(&booking, why);
        }
    }

    /// Every live call is put through to a human, also where it is the registry
    /// that could not be kept alive. So is every call that begins from now on:
    /// its stream may have shown its token a moment ago.
    pub fn hand_over_all(&self) {
        match self.registry.link().filter(Link::is_alive) {
            Some(registry) => registry.tell(RegistryMessage::HandOverAll),
            None => self.directory.hand_over_all(),
        }
    }

    /// The services, for fault injection.
    #[cfg(feature = "fault-injection")]
    pub fn inject_service_fault(&self, kind: Kind, fault: crate::fault::Fault) -> bool {
        match kind {
            Kind::Limiter => self.limiter.link().map(|l| l.inject(fault)).is_some(),
            Kind::Registry => self.registry.link().map(|l| l.inject(fault)).is_some(),
            Kind::Persistence => self.persistence.link().map(|l| l.inject(fault)).is_some(),
            Kind::Call
            | Kind::TwilioStream
            | Kind::RealtimeSession
            | Kind::PipelineSession
            | Kind::BargeIn
            | Kind::TurnManager
            | Kind::ToolRunner => false,
        }
    }
}
