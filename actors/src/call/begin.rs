//! How a call begins: where its stream landed, once the stream's token was good.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use chrono::Utc;
use opentelemetry::global;
use trunkline_core::call::{Call, CallSettings, Disposition, Exit, Outcome, Script, Sentence};
use trunkline_core::cost::Bill;
use trunkline_core::detect::EarsSettings;
use trunkline_core::ids::{CallSid, StreamSid, TenantId};
use trunkline_core::media::Phrase;
use trunkline_core::persona::{Rng, Vars, render};
use trunkline_core::tenant::Tenant;
use trunkline_core::time::Micros;
use trunkline_core::tools::Toolbox;
use trunkline_store::{CallChange, CallRow, HandoffRow, Mode, Record};

use crate::clock::CallClock;
use crate::limiter::{Booking, Claim};
use crate::media_link::MediaLink;
use crate::message::Link;
use crate::metrics;
use crate::node::{Node, SessionTarget};
use crate::recorder::{Beginning, CallTape};
use crate::registry::LiveCall;
use crate::spending::Purse;
use crate::supervise;
use crate::trace::{CallTrace, SCOPE, TracedCall};
use crate::tree::{Kind, Label};
use crate::twilio_stream::TwilioStream;

use super::CallActor;
use super::children::Children;
use super::ledger::Ledger;
use super::money::{Till, cost_row, costing};

/// What a call keeps at hand for its children.
pub(super) struct CallPlan {
    pub(super) settings: CallSettings,
    /// The tenant's models, its first one first; one at least.
    pub(super) targets: Vec<SessionTarget>,
    pub(super) toolbox: Toolbox,
    pub(super) greeting: Option<Phrase>,
    pub(super) sentences: BTreeMap<Sentence, Phrase>,
}

impl CallPlan {
    /// The model of this number, or the last one.
    pub(super) fn target(&self, provider: usize) -> Option<&SessionTarget> {
        self.targets.get(provider).or(self.targets.last())
    }

    /// How the call begins to be answered.
    pub(super) fn mode(&self) -> Mode {
        match self.targets.first() {
            Some(SessionTarget::Pipeline(_)) => Mode::Pipeline,
            Some(SessionTarget::Realtime(_)) | None => Mode::Realtime,
        }
    }
}

/// Starts a call on this thread.
///
/// # Errors
/// When the tenant's configuration turns out unusable, in words.
pub fn begin(
    node: &Arc<Node>,
    claim: Claim,
    stream: Link<TwilioStream>,
    media: Rc<MediaLink>,
    stream_sid: StreamSid,
) -> Result<(Link<CallActor>, Arc<LiveCall>), String> {
    let Claim { booking, permit, unbegun, elsewhere } = claim;
    if elsewhere {
        node.record(Record::CallStarted(Box::new(row_of(node, &booking))));
    }
    let seed = seed_of(&booking.call_sid);
    let purse = node.spending.begin(&booking.tenant.id);
    let plan = plan(node, &booking, &stream_sid, seed, &purse)?;
    media.set_model_audio(booking.tenant.model.audio)?;
    if plan.mode() == Mode::Pipeline {
        media.speak_to_pipeline();
    }
    if booking.tenant.barge_in.ears {
        media.open_ears(EarsSettings::default());
    }
    let children = Rc::new(RefCell::new(Children::new(stream)));
    let ledger = Ledger::new(Arc::clone(node), &booking, *media.clock());
    ledger.stream_started(&stream_sid, &plan, seed);
    let now = media.clock().now();
    let tape = record(node, &plan, seed, media.clock(), now);
    let core = Call::new(plan.settings.clone(), now);
    let trace = CallTrace::start(global::tracer(SCOPE), traced(&plan), *media.clock(), now);
    let label = Label {
        kind: Kind::Call,
        parent: None,
        call_sid: Some(booking.call_sid.clone()),
        tenant: Some(booking.tenant.id.clone()),
        restarts: 0,
    };
    let watcher = Watcher {
        node: Arc::clone(node),
        children: Rc::clone(&children),
        tape: tape.clone(),
        call_sid: booking.call_sid.clone(),
        tenant: booking.tenant.id.clone(),
        has_human: booking.tenant.human_number.is_some(),
    };
    let mut entry = None;
    let link = supervise::spawn(
        &node.tree,
        label,
        |link| {
            let live = Arc::new(LiveCall::new(
                booking.call_sid.clone(),
                stream_sid,
                booking.tenant.id.clone(),
                link.clone(),
            ));
            entry = Some(Arc::clone(&live));
            CallActor {
                probe: Arc::clone(link.probe()),
                me: link.clone(),
                node: Arc::clone(node),
                core,
                media,
                children,
                entry: live,
                ledger,
                trace,
                tape,
                plan,
                timer: None,
                listening: None,
                till: Till::new(purse, !booking.tenant.budget.per_day.is_zero()),
                _permit: permit,
            }
        },
        move |exit| watcher.ended(exit),
    );
    let entry = entry.ok_or("the call was not entered")?;
    node.directory.add(Arc::clone(&entry));
    unbegun.begun();
    node.begun(&booking);
    Ok((link, entry))
}

fn record(
    node: &Node,
    plan: &CallPlan,
    seed: u64,
    clock: &CallClock,
    now: Micros,
) -> Option<Rc<CallTape>> {
    let began_unix_ms = u64::try_from(clock.started_at().timestamp_millis()).unwrap_or(0);
    let settings = plan.settings.clone();
    let beginning = Beginning { began_unix_ms, seed, at: now, settings };
    node.recorder.begin(beginning).map(Rc::new)
}

fn traced(plan: &CallPlan) -> TracedCall {
    let settings = &plan.settings;
    TracedCall {
        call_sid: settings.call_sid.clone(),
        tenant: settings.tenant.id.clone(),
        tools: settings.tools.iter().map(|tool| tool.name.clone()).collect(),
    }
}

/// Sees to it that a call that ended, however it did, leaves nothing behind.
struct Watcher {
    node: Arc<Node>,
    children: Rc<RefCell<Children>>,
    tape: Option<Rc<CallTape>>,
    call_sid: CallSid,
    tenant: TenantId,
    has_human: bool,
}

impl Watcher {
    fn ended(self, exit: Exit) {
        if exit != Exit::Normal {
            self.failed(exit);
        }
        if let Some(tape) = &self.tape {
            tape.close(exit);
        }
        self.node.directory.remove(&self.call_sid);
        self.children.borrow_mut().stop_all();
    }

    /// The actor died: this call alone is lost, its caller reaches a human.
    fn failed(&self, exit: Exit) {
        tracing::error!(call.id = %self.call_sid, tenant.id = %self.tenant, ?exit, "a call actor died");
        self.node.dispositions.set(&self.call_sid, Disposition::Bridge);
        metrics::call_ended(&self.tenant, Outcome::Failed);
        metrics::call_bridged(&self.tenant, "call_actor_died");
        if self.has_human {
            let (sid, id) = (self.call_sid.clone(), self.tenant.clone());
            let handoff = HandoffRow::to_human(sid, id, "call_actor_died", Utc::now());
            self.node.record(Record::HandedOff(handoff));
        }
        self.bill();
        let mut change = CallChange::new(self.call_sid.clone(), Utc::now());
        change.phase = Some("ended".to_owned());
        change.outcome = Some(trunkline_store::Outcome::Failed);
        change.mode = Some(Mode::Bridge);
        change.handoff = Some(self.has_human);
        change.handoff_reason = Some("call_actor_died".to_owned());
        change.error = Some(format!("the call's actor ended: {exit:?}"));
        change.ended_at = Some(Utc::now());
        self.node.record(Record::CallChanged(Box::new(change)));
        let (call, tenant) = (self.call_sid.clone(), self.tenant.clone());
        let data = serde_json::json!({ "exit": exit });
        self.node.audit(Some(call), Some(tenant), "call_actor_died", data);
    }
}

impl Watcher {
    /// What the call had cost when it was last heard of; by what for, nobody knows.
    fn bill(&self) {
        let live = self.node.directory.by_call(&self.call_sid);
        let Some(live) = live.filter(|live| !live.cost().is_zero()) else {
            return;
        };
        let bill = Bill { total: live.cost(), estimated: true, ..Bill::default() };
        let day = live.started_at.date_naive();
        let mut row = cost_row(&self.node, &self.call_sid, &self.tenant, day, &bill);
        row.incomplete = true;
        self.node.record(Record::Cost(Box::new(row)));
    }
}

/// A call whose webhook came to another node: without a row nothing of it could be
/// stored, and the other node's may come late. Whichever comes first stays.
fn row_of(node: &Node, booking: &Booking) -> CallRow {
    let mut row = CallRow::inbound(
        booking.call_sid.clone(),
        booking.tenant.id.clone(),
        booking.from.clone(),
        booking.to.clone(),
        Utc::now(),
    );
    row.account_sid.clone_from(&booking.account_sid);
    row.persona = Some(booking.tenant.persona.name.clone());
    row.node_id = Some(node.settings.id.clone());
    row
}

fn plan(
    node: &Node,
    booking: &Booking,
    stream_sid: &StreamSid,
    seed: u64,
    purse: &Purse,
) -> Result<CallPlan, String> {
    let tenant = &booking.tenant;
    let targets = node.models_of(tenant);
    if targets.is_empty() {
        return Err("no key for the speech model".to_owned());
    }
    let toolbox = Toolbox::for_tenant(tenant).map_err(|e| e.to_string())?;
    let script = script(tenant, booking, seed)?;
    let kept = |text: &str| node.phrases.get(tenant.voice(), text);
    let greeting = kept(&script.greeting);
    let sentences: BTreeMap<Sentence, Phrase> = Sentence::ALL
        .into_iter()
        .filter_map(|sentence| Some((sentence, kept(script.text(sentence)?)?)))
        .collect();
    let settings = CallSettings {
        call_sid: booking.call_sid.clone(),
        stream_sid: stream_sid.clone(),
        tenant: Arc::clone(tenant),
        script,
        tools: toolbox.specs(),
        kept_greeting_bytes: greeting.as_ref().map(Phrase::bytes),
        kept_sentences: sentences.iter().map(|(name, audio)| (*name, audio.bytes())).collect(),
        providers: targets.len(),
        costing: costing(node, &targets, tenant.model.transcription.as_deref(), purse),
    };
    Ok(CallPlan { settings, targets, toolbox, greeting, sentences })
}

/// The persona's texts for this call. What is random in them comes from the seed.
fn script(tenant: &Tenant, booking: &Booking, seed: u64) -> Result<Script, String> {
    let persona = &tenant.persona;
    let now = Utc::now();
    let vars = Vars {
        company: tenant.company.clone(),
        persona: persona.speaks_as.clone(),
        caller_last4: last_four(booking.from.expose()),
        date: now.format("%Y-%m-%d").to_string(),
        time: now.format("%H:%M").to_string(),
        weekday: now.format("%A").to_string(),
        tangents: persona.tangents.clone(),
    };
    let instructions =
        render(&persona.instructions, &vars, seed).map_err(|error| error.to_string())?;
    Ok(Script {
        instructions,
        greeting: persona.greeting.clone(),
        farewell: persona.farewell.clone(),
        wrap_up: persona.wrap_up.clone(),
        filler: Rng::new(seed).pick(&persona.fillers).cloned(),
        nudge: persona.nudge.clone(),
        bridging: persona.bridging.clone(),
    })
}

fn last_four(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    digits.iter().rev().take(4).rev().collect()
}

/// A call's seed: FNV-1a (64 bit, its published constants) over the call's SID,
/// so that a call can be run again from its name alone.
fn seed_of(call_sid: &CallSid) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    call_sid
        .as_str()
        .bytes()
        .fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
