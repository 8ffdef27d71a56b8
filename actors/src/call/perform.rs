//! Doing what the core says, one output at a time, deciding nothing.

use std::rc::Rc;
use std::sync::Arc;

use actix::{ActorContext as _, Context};
use trunkline_core::call::{Child, MediaCommand, Output};
use trunkline_core::time::Micros;
use trunkline_core::tools::ToolContext;
use trunkline_core::turn::barge_in::BargeInSnapshot;
use trunkline_core::turn::endpoint::TurnSnapshot;

use crate::barge_in::{BargeIn, BargeInMessage};
use crate::message::Link;
use crate::metrics;
use crate::node::SessionTarget;
use crate::pipeline::{PipelinePlan, PipelineSession};
use crate::realtime_session::{RealtimeSession, SessionMessage, SessionPlan};
use crate::supervise;
use crate::tool_runner::{ToolLedger, ToolMessage, ToolRunner};
use crate::tree::{Kind, Label};
use crate::turn_manager::{TurnManager, TurnMessage};
use crate::twilio_stream::TwilioMessage;

use super::children::ModelLink;
use super::{CallActor, CallMessage};

impl CallActor {
    pub(super) fn perform(&mut self, output: Output, now: Micros, context: &mut Context<Self>) {
        self.trace.note(&output, now);
        match output {
            Output::Media(command) => self.command_media(command, now),
            Output::Model(event) => {
                if let Some((_, link)) = &self.children.borrow().model {
                    link.tell(SessionMessage::Send(Box::new(event)));
                }
            }
            Output::Speculate => {
                if let Some((_, link)) = &self.children.borrow().model {
                    link.tell(SessionMessage::Speculate);
                }
            }
            Output::StartModel { delay, provider, attempt } => {
                self.start_model(delay, provider, attempt);
            }
            Output::StopModel => self.children.borrow_mut().stop_model(),
            Output::StartBargeIn(snapshot) => self.start_barge_in(snapshot),
            Output::StartTurnManager(snapshot) => self.start_turn_manager(snapshot),
            Output::StartToolRunner => self.start_tool_runner(),
            Output::BargeIn(input) => {
                if let Some((_, link)) = &self.children.borrow().barge_in {
                    link.tell(BargeInMessage::Input(input));
                }
            }
            Output::Turn(input) => {
                if let Some((_, link)) = &self.children.borrow().turns {
                    link.tell(TurnMessage::Input(input));
                }
            }
            Output::RunTool { call_id, name, arguments } => {
                if let Some((_, link)) = &self.children.borrow().tools {
                    link.tell(ToolMessage::Run { call_id, name, arguments });
                }
            }
            Output::CloseStream => self.children.borrow().stream.tell(TwilioMessage::Close),
            Output::Disposition(disposition) => {
                self.node.dispositions.set(&self.entry.call_sid, disposition);
            }
            Output::Phase(phase) => {
                self.entry.set_phase(phase);
                self.ledger.phase(phase, now);
            }
            Output::Event { kind, data } => self.ledger.event(kind, data, now),
            Output::Transcript(entry) => self.ledger.transcript(entry),
            Output::Handshake(handshake) => self.ledger.handshake(&handshake),
            Output::Metric(metric) => metrics::of_call(metric),
            Output::LearnPhrase { text } => self.learn_phrase(&text),
            Output::Money(money) => self.money(money),
            Output::Ended(summary) => {
                self.ledger.ended(&summary);
                self.count_ended(&summary);
                context.stop();
            }
        }
    }

    fn count_ended(&self, summary: &trunkline_core::call::Summary) {
        let tenant = &self.entry.tenant;
        metrics::call_ended(tenant, summary.outcome);
        if summary.bridged {
            metrics::call_bridged(tenant, summary.reason.as_deref().unwrap_or("unknown"));
        }
        let dropped = self.media.uplink().counts().dropped;
        metrics::frames_dropped("model_not_reading", dropped);
        metrics::frames_dropped("bad_audio", self.media.bad_audio());
        metrics::frames_dropped("too_much_waits", self.media.downlink().overflowed());
        let (chunks, marks) = self.media.downlink().stale();
        metrics::stale("audio", chunks);
        metrics::stale("mark", marks);
        tracing::info!(
            call.id = %self.entry.call_sid,
            tenant.id = %tenant,
            mode = if summary.bridged { "bridge" } else { self.plan.mode().as_str() },
            outcome = summary.outcome.as_str(),
            reason = summary.reason.as_deref().unwrap_or("none"),
            turns = summary.turns,
            barge_ins = summary.barge_ins,
            duration_ms = summary.duration.as_millis(),
            "a call ended"
        );
    }

    fn command_media(&mut self, command: MediaCommand, now: Micros) {
        match command {
            MediaCommand::Uplink { open } => {
                self.media.uplink().set_open(open);
                self.media.wake_up();
                return;
            }
            MediaCommand::PlayGreeting { item } => {
                if let Some(phrase) = &self.plan.greeting {
                    self.media.downlink().play(&item, phrase);
                }
            }
            MediaCommand::PlaySentence { item, sentence } => {
                if let Some(phrase) = self.plan.sentences.get(&sentence) {
                    self.media.downlink().play(&item, phrase);
                }
            }
            MediaCommand::Admit { response } => self.media.downlink().admit(&response),
            MediaCommand::Reject { response } => self.media.downlink().reject(&response),
            MediaCommand::Capture { response, text } => {
                let voice = self.plan.settings.tenant.voice();
                self.listening = self.node.phrases.listen(voice, &text);
                if self.listening.is_some() {
                    self.media.downlink().capture(&response);
                }
            }
            MediaCommand::Interrupt { generation, clear } => {
                self.listening = None;
                self.media.downlink().interrupt(generation, clear, now);
            }
            MediaCommand::Hold { generation, clear, unheard } => {
                self.media.downlink().hold(generation, clear, &unheard, now);
            }
            MediaCommand::Resume { generation } => self.media.downlink().resume(generation),
            MediaCommand::FinishAll => self.media.downlink().finish_all(),
        }
        self.media.wake_down();
    }

    fn learn_phrase(&mut self, text: &str) {
        self.listening = None;
        let captured = self.media.downlink().take_capture();
        let voice = self.plan.settings.tenant.voice();
        let write = captured.and_then(|audio| self.node.phrases.learn(voice, text, &audio));
        if let Some(write) = write {
            drop(actix_rt::task::spawn_blocking(move || {
                if let Err(error) = write.write() {
                    tracing::warn!(%error, "a phrase could not be kept on disk");
                }
            }));
        }
    }

    fn label(&self, kind: Kind, restarts: u32) -> Label {
        Label {
            kind,
            parent: Some(self.probe.id()),
            call_sid: Some(self.entry.call_sid.clone()),
            tenant: Some(self.entry.tenant.clone()),
            restarts,
        }
    }

    /// What a child's watcher does: tells the call.
    fn on_exit(
        &self,
        child: Child,
        serial: u32,
    ) -> impl FnOnce(trunkline_core::call::Exit) + 'static {
        let call = self.me.clone();
        move |exit| call.tell(CallMessage::Exited { child, serial, exit })
    }

    fn start_model(&self, delay: Micros, provider: usize, attempt: u32) {
        let Some(target) = self.plan.target(provider).cloned() else {
            return;
        };
        let serial = self.children.borrow_mut().next_serial();
        let config = self.plan.settings.session();
        let link = match target {
            SessionTarget::Realtime(target) => {
                let target = if self.till.economises { target.economised() } else { target };
                let plan = SessionPlan { target, config, delay, serial, provider };
                self.start_realtime(plan, attempt)
            }
            SessionTarget::Pipeline(target) => {
                let (economises, phrases) = (self.till.economises, self.node.phrases.clone());
                let plan =
                    PipelinePlan { target, config, phrases, delay, serial, provider, economises };
                self.start_pipeline(plan, attempt)
            }
        };
        self.children.borrow_mut().model = Some((serial, link));
    }

    fn start_realtime(&self, plan: SessionPlan, attempt: u32) -> ModelLink {
        self.media.speak_to_model(self.plan.settings.tenant.model.audio);
        let (call, media) = (self.me.clone(), Rc::clone(&self.media));
        let on_exit = self.on_exit(Child::RealtimeSession, plan.serial);
        ModelLink::Realtime(supervise::spawn(
            &self.node.tree,
            self.label(Kind::RealtimeSession, attempt),
            |link| RealtimeSession::new(Arc::clone(link.probe()), call, media, plan),
            on_exit,
        ))
    }

    fn start_pipeline(&self, plan: PipelinePlan, attempt: u32) -> ModelLink {
        self.media.speak_to_pipeline();
        let (call, media) = (self.me.clone(), Rc::clone(&self.media));
        let on_exit = self.on_exit(Child::RealtimeSession, plan.serial);
        ModelLink::Pipeline(supervise::spawn(
            &self.node.tree,
            self.label(Kind::PipelineSession, attempt),
            |link| PipelineSession::new(Arc::clone(link.probe()), call, media, plan),
            on_exit,
        ))
    }

    fn start_barge_in(&self, snapshot: BargeInSnapshot) {
        let (serial, restarts) = self.serial_of(|c| c.barge_in_starts());
        let (call, clock) = (self.me.clone(), *self.media.clock());
        let link = supervise::spawn(
            &self.node.tree,
            self.label(Kind::BargeIn, restarts),
            |link| BargeIn::new(Arc::clone(link.probe()), call, clock, snapshot),
            self.on_exit(Child::BargeIn, serial),
        );
        self.media.report_sounds_to(link.clone());
        self.children.borrow_mut().barge_in = Some((serial, link));
    }

    fn start_turn_manager(&self, snapshot: TurnSnapshot) {
        let (serial, restarts) = self.serial_of(|c| c.turn_starts());
        let (call, clock) = (self.me.clone(), *self.media.clock());
        let link = supervise::spawn(
            &self.node.tree,
            self.label(Kind::TurnManager, restarts),
            |link| TurnManager::new(Arc::clone(link.probe()), call, clock, snapshot),
            self.on_exit(Child::TurnManager, serial),
        );
        self.children.borrow_mut().turns = Some((serial, link));
    }

    fn start_tool_runner(&self) {
        let (serial, restarts) = self.serial_of(|c| c.tool_starts());
        let call = self.me.clone();
        let toolbox = self.plan.toolbox.clone();
        let tools = ToolContext { tenant: Arc::clone(&self.plan.settings.tenant) };
        let ledger = ToolLedger {
            side_effects: self.node.side_effects.clone(),
            call_sid: self.entry.call_sid.clone(),
            tasks: self.node.tree.tasks.clone(),
        };
        let make = |link: &Link<ToolRunner>| {
            ToolRunner::new(Arc::clone(link.probe()), call, toolbox, tools, ledger)
        };
        let link = supervise::spawn(
            &self.node.tree,
            self.label(Kind::ToolRunner, restarts),
            make,
            self.on_exit(Child::ToolRunner, serial),
        );
        self.children.borrow_mut().tools = Some((serial, link));
    }

    fn serial_of(&self, starts: impl Fn(&mut super::children::Children) -> u32) -> (u32, u32) {
        let mut children = self.children.borrow_mut();
        let restarts = starts(&mut children);
        (children.next_serial(), restarts)
    }
}
