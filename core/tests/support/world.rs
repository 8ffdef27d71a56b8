//! One clock, and everything that lives on it.

mod advance;
mod line;
mod media;
mod perform;
mod services;
mod session;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use trunkline_core::call::{Call, Child, Exit, Input, ModelEvent, Output, PhaseName, ToolEffect};
use trunkline_core::detect::Sound;
use trunkline_core::ids::{ResponseId, StreamSid};
use trunkline_core::media::Downlink;
use trunkline_core::tenant::{Mode, Turns};
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::{BargeInDetector, BargeInInput};
use trunkline_core::turn::endpoint::TurnMachine;

use super::flight::Recording;
use super::invariant::{Invariant, holds};
use super::model::{Model, Reply, Sends};
use super::phone::{Phone, Wire};
use super::services::{Services, Tells};
use super::settings::{Plan, ms};

use line::Line;

pub use words::WORD;

/// Something that will happen.
#[derive(Debug)]
enum Coming {
    Input(Input),
    Sound(Sound),
    Model {
        serial: u32,
        sends: Sends,
        scheduled_at: Micros,
    },
    /// A session of services says something.
    Session {
        serial: u32,
        event: ModelEvent,
    },
    /// A service says something to its session.
    Service {
        serial: u32,
        tells: Tells,
    },
    /// The caller's audio.
    Frame(Vec<u8>),
    AtPhone(Wire),
    MarkBack(String),
}

/// One thing that was seen of the call, and where to find it.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// It was told [`World::inputs`].
    Told(usize),
    /// It was woken.
    Woken,
    /// It wanted [`World::outputs`].
    Decided(usize),
    /// [`World::wire`] went to the carrier.
    Wire(usize),
}

/// What a tool comes to, and when.
pub type ToolScript = (Micros, ToolEffect);

/// See the module's text.
pub struct World {
    pub now: Micros,
    pub call: Call,
    pub downlink: Downlink,
    pub phone: Phone,
    pub model: Model,
    pub services: Services,
    /// One way between us and the phone.
    pub line_delay: Micros,
    /// Marks that the carrier loses from now on.
    pub loses_marks: bool,
    /// The carrier's socket takes nothing.
    pub carrier_stuck: bool,
    pub line: Line,
    /// Marks come back twice from now on.
    pub doubles_marks: bool,
    /// Tools by name; one that is not here never brings a result.
    pub tools: BTreeMap<&'static str, ToolScript>,
    /// Everything that the call wanted done.
    pub outputs: Vec<(Micros, Output)>,
    /// Everything that happened to the call.
    pub inputs: Vec<(Micros, Input)>,
    /// Everything that went to the carrier.
    pub wire: Vec<(Micros, Wire)>,
    /// All three in the order in which they were.
    pub log: Vec<(Micros, Seen)>,
    /// How much of each response went to the carrier, in bytes, up to its last byte
    /// that did.
    pub sent: BTreeMap<u8, u64>,
    /// Bytes that the model gave, by response.
    pub received: BTreeMap<u8, u64>,
    pub barge_in: Option<BargeInDetector>,
    pub turns: Option<TurnMachine>,
    pub tool_runner: bool,
    pub captured: Option<u64>,
    /// What the model was saying when the agent was interrupted last.
    pub interrupted: Option<ResponseId>,
    /// When the agent was stopped last, and when the carrier's socket took nothing last.
    pub stopped_at: Micros,
    pub stuck_at: Micros,
    /// Everything that the call was told and decided, replayed when the world ends.
    pub recording: Recording,
    coming: BTreeMap<(Micros, u64), Coming>,
    serial: u64,
    announced: BTreeSet<ResponseId>,
    admitted: BTreeSet<u8>,
    silenced: BTreeSet<u8>,
    /// What each item's audio is made of.
    tags: BTreeMap<String, u8>,
    /// An interruption was made and nothing has been let through since.
    gate_shut: bool,
    /// A sentence is held.
    held: bool,
    generation: u64,
    closed: bool,
    theirs: bool,
    mode: Mode,
    /// Which of the tenant's models is a pipeline.
    pipeline_of: Option<usize>,
}

impl World {
    /// A call that has not begun.
    pub fn new(plan: &Plan) -> Self {
        let settings = plan.settings();
        Self {
            now: Micros::ZERO,
            recording: Recording::new(&settings),
            call: Call::new(settings, Micros::ZERO),
            downlink: Downlink::new(StreamSid::parse("MZ0").unwrap()),
            phone: Phone::default(),
            model: Model::default(),
            services: Services::new(plan),
            line_delay: ms(20),
            loses_marks: false,
            carrier_stuck: false,
            line: Line::default(),
            doubles_marks: false,
            tools: BTreeMap::new(),
            outputs: Vec::new(),
            inputs: Vec::new(),
            wire: Vec::new(),
            log: Vec::new(),
            sent: BTreeMap::new(),
            received: BTreeMap::new(),
            barge_in: None,
            turns: None,
            tool_runner: false,
            captured: None,
            interrupted: None,
            stopped_at: Micros::ZERO,
            stuck_at: Micros::ZERO,
            coming: BTreeMap::new(),
            serial: 0,
            announced: BTreeSet::new(),
            gate_shut: false,
            held: false,
            admitted: BTreeSet::new(),
            silenced: BTreeSet::new(),
            tags: BTreeMap::new(),
            generation: 0,
            closed: false,
            theirs: plan.turns == Turns::Model,
            mode: plan.mode,
            pipeline_of: services::pipeline_of(plan),
        }
    }

    /// Whether nothing goes to the carrier any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether turns belong to the model.
    pub fn is_theirs(&self) -> bool {
        self.theirs
    }

    /// A call whose stream is up.
    pub fn started(plan: &Plan) -> Self {
        let mut world = Self::new(plan);
        world.tell(Input::Started);
        world
    }

    /// Lets time pass until `until`, doing all that is due on the way.
    pub fn run_until(&mut self, until: Micros) {
        let mut steps = 0;
        while let Some(at) = self.next_wake().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.wake();
            steps += 1;
            holds(steps < 200_000, Invariant::CoreHolds, || "the clock stands still".to_owned());
        }
        self.now = self.now.max(until);
    }

    /// Lets so much time pass.
    pub fn run_for(&mut self, time: Micros) {
        self.run_until(self.now + time);
    }

    /// Something happens now.
    pub fn tell(&mut self, input: Input) {
        self.step(Some(input));
        self.pump();
    }

    /// Something happens after a while.
    pub fn tell_in(&mut self, after: Micros, input: Input) {
        self.schedule(self.now + after, Coming::Input(input));
    }

    /// Our ears hear something, after a while.
    pub fn ears_hear_in(&mut self, after: Micros, sound: Sound) {
        self.schedule(self.now + after, Coming::Sound(sound));
    }

    /// Whether a sentence is held.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// The present session says something, after a while.
    pub fn model_says_in(&mut self, after: Micros, event: ModelEvent) {
        self.model_sends(vec![(self.now + after, Sends::Event(event))]);
    }

    /// The model begins a response that nobody asked for.
    pub fn model_begins(&mut self, reply: &Reply) {
        let script = self.model.begin_unasked(reply, self.now);
        self.model_sends(script);
    }

    /// The session breaks: nothing more comes from it but the news.
    pub fn lose_model(&mut self, retry: bool) {
        self.drop_session();
        self.tell(Input::Model(ModelEvent::Lost { reason: "broken".to_owned(), retry }));
    }

    /// A child ends by itself.
    pub fn kill(&mut self, child: Child) {
        match child {
            Child::BargeIn => self.barge_in = None,
            Child::TurnManager => self.turns = None,
            Child::ToolRunner => self.tool_runner = false,
            Child::RealtimeSession => self.drop_session(),
            Child::TwilioStream => {}
        }
        self.tell(Input::ChildExited { child, exit: Exit::Panicked });
    }

    /// Audio arrives from a model that keeps to no rules.
    pub fn push_audio(&mut self, tag: u8, bytes: u64) {
        if self.services.session.is_some() {
            return self.late_sound(tag, bytes);
        }
        let (response, item) = (format!("resp_{tag}"), format!("item_{tag}"));
        self.audio(&response, &item, tag, bytes);
        self.pump();
    }

    fn next_wake(&self) -> Option<Micros> {
        let candidates = [
            self.coming.keys().next().map(|(at, _)| *at),
            self.call.poll_timeout().map(|(at, _)| at),
            self.turns.as_ref().and_then(TurnMachine::poll_timeout),
            self.barge_in.as_ref().and_then(BargeInDetector::poll_timeout),
            self.services.poll_timeout(),
            self.phone.next_event(),
            if self.closed || self.carrier_stuck { None } else { self.downlink.next_write() },
        ];
        candidates.into_iter().flatten().min()
    }

    fn wake(&mut self) {
        let marks = self.phone.advance(self.now);
        self.return_marks(marks);
        while let Some(entry) = self.coming.first_entry().filter(|e| e.key().0 <= self.now) {
            let coming = entry.remove();
            self.arrive(coming);
        }
        self.wake_session();
        let ended = self.turns.as_mut().and_then(|t| t.handle_timeout(self.now));
        if let Some(utterances) = ended {
            self.tell(Input::TurnEnded { utterances });
        }
        if self.turns.as_mut().is_some_and(TurnMachine::take_likely) {
            self.tell(Input::TurnLikelyOver);
        }
        let verdict = self.barge_in.as_mut().and_then(|b| b.handle_timeout(self.now));
        if let Some(verdict) = verdict {
            self.tell(Input::BargeIn(verdict));
        }
        if self.call.poll_timeout().is_some_and(|(at, _)| at <= self.now) {
            self.take_notices();
            self.log.push((self.now, Seen::Woken));
            self.recording.timeout(&self.call, self.now);
            self.call.handle_timeout(self.now);
            self.perform_all();
        }
        self.pump();
    }

    fn arrive(&mut self, coming: Coming) {
        match coming {
            Coming::Input(input) => self.tell(input),
            Coming::Sound(sound) => {
                let input = BargeInInput::Sound(sound);
                let verdict = self.barge_in.as_mut().and_then(|b| b.handle(&input, self.now));
                if let Some(verdict) = verdict {
                    self.tell(Input::BargeIn(verdict));
                }
            }
            Coming::AtPhone(wire) => {
                let marks = self.phone.receive(wire, self.now);
                self.return_marks(marks);
            }
            Coming::MarkBack(name) => {
                self.downlink.on_mark(&name);
                self.pump();
            }
            Coming::Session { serial, event } if serial == self.model.serial => {
                self.arrive_from_session(event);
            }
            Coming::Service { serial, tells } if serial == self.model.serial => {
                self.service_tells(tells);
            }
            Coming::Session { .. } | Coming::Service { .. } => {}
            Coming::Frame(frame) => self.caller_frame(&frame),
            Coming::Model { serial, sends, scheduled_at } => {
                if serial == self.model.serial {
                    self.arrive_from_model(sends, scheduled_at);
                }
            }
        }
    }

    /// One step of the call, as its actor does it: what the media path has to tell
    /// comes first. What a detector says to an output is a step of its own.
    fn step(&mut self, input: Option<Input>) {
        self.take_notices();
        if let Some(input) = input {
            self.handle(input);
        }
        self.perform_all();
    }

    fn take_notices(&mut self) {
        for notice in self.downlink.take_notices() {
            self.handle(Input::Media(notice));
        }
    }

    fn handle(&mut self, input: Input) {
        if let Input::Model(ModelEvent::ResponseAnnounced { response }) = &input {
            self.announced.insert(response.clone());
        }
        self.log.push((self.now, Seen::Told(self.inputs.len())));
        self.inputs.push((self.now, input.clone()));
        self.recording.tape.input(&input, self.now);
        let may_end = self.call.may_end_by(Some(&input));
        self.call.handle(input, self.now);
        holds(may_end || self.call.phase() != PhaseName::Ended, Invariant::CoreHolds, || {
            "it ended by what no call ends by".to_owned()
        });
    }

    fn schedule(&mut self, at: Micros, coming: Coming) {
        self.serial += 1;
        self.coming.insert((at, self.serial), coming);
    }
}
