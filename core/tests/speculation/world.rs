//! A call in pipeline mode on one clock: what the caller says goes to a recogniser,
//! which brings it word by word and late; a language model answers what it was asked
//! last; a voice says it; a phone plays it.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use trunkline_core::call::{
    Call, Input, MediaCommand, ModelEvent, Output, ToolEffect, ToolOutcome, TranscriptEntry,
};
use trunkline_core::ids::{StreamSid, ToolCallId};
use trunkline_core::media::{Downlink, Phrase};
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{
    Heard, Input as Told, Output as Wanted, Pipeline, PipelineSettings, Question, Speculation,
    Thought, ThrownAway, Voiced,
};
use trunkline_core::tenant::Mode;
use trunkline_core::time::Micros;
use trunkline_core::turn::barge_in::BargeInDetector;
use trunkline_core::turn::endpoint::TurnMachine;
use trunkline_core::wire::chat::{Message, ToolCall};

use crate::support::{GREETING_BYTES, GREETING_TAG, Phone, Plan, Wire, audio, ms};

/// How long the services take.
#[derive(Clone, Copy, Debug)]
pub struct Latencies {
    pub recogniser: Micros,
    pub first_token: Micros,
    pub first_audio: Micros,
}

/// What is realistic.
pub const REALISTIC: Latencies =
    Latencies { recogniser: ms(150), first_token: ms(350), first_audio: ms(120) };

/// Bytes of a sentence: a second.
pub const SENTENCE: u64 = 7_998;
/// Time that a spoken word takes.
pub const WORD: Micros = ms(250);
/// Audio between two interim results.
const INTERIM: Micros = ms(300);

#[derive(Debug)]
enum Coming {
    Input(Input),
    Pipeline(Told),
    Voice { request: u32, from: u64, bytes: u64 },
    AtPhone(Wire),
    MarkBack(String),
}

/// One request to the language model.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Micros,
    /// What the caller said last.
    pub said: String,
    pub messages: Vec<Message>,
}

/// See the module's text.
pub struct World {
    pub now: Micros,
    pub call: Call,
    pub pipeline: Pipeline,
    pub downlink: Downlink,
    pub phone: Phone,
    pub takes: Latencies,
    /// What is written in answer to words; where none is named, a sentence with them.
    pub answers: BTreeMap<&'static str, Vec<Thought>>,
    pub turns: Option<TurnMachine>,
    pub detector: Option<BargeInDetector>,
    pub asked: Vec<Asked>,
    pub stopped: Vec<u32>,
    pub hushed: Vec<u32>,
    /// What was spoken, by the request to the voice.
    pub spoken: BTreeMap<u32, String>,
    /// What went to the media path, by request to the voice.
    pub handed_over: BTreeMap<u32, u64>,
    pub held: BTreeMap<u32, Vec<(u64, u64)>>,
    pub speculated: Vec<Speculation>,
    pub outputs: Vec<(Micros, Output)>,
    pub told: Vec<(Micros, ModelEvent)>,
    /// When audio of each request went to the carrier first.
    pub sent: BTreeMap<u8, Micros>,
    pub closed: bool,
    pub connection: u32,
    serial: u64,
    coming: BTreeMap<(Micros, u64), Coming>,
}

impl World {
    /// A call that has greeted, two and a half seconds ago.
    pub fn new(plan: &Plan, speculate: bool) -> Self {
        let mut settings = plan.settings();
        let mut tenant = (*settings.tenant).clone();
        tenant.mode = Mode::Pipeline;
        tenant.pipeline.speculate = speculate;
        settings.tenant = Arc::new(tenant);
        let pipeline = Pipeline::new(PipelineSettings {
            serial: 1,
            instructions: "Be kind.".to_owned(),
            tools: Vec::new(),
            recognisers: 1,
            agents: 2,
            voices: 2,
            history_tokens: 4_000,
            silence: ms(500),
            speculate,
        });
        let mut world = Self {
            now: Micros::ZERO,
            call: Call::new(settings, Micros::ZERO),
            pipeline,
            downlink: Downlink::new(StreamSid::parse("MZ0").unwrap()),
            phone: Phone::default(),
            takes: REALISTIC,
            answers: BTreeMap::new(),
            turns: None,
            detector: None,
            asked: Vec::new(),
            stopped: Vec::new(),
            hushed: Vec::new(),
            spoken: BTreeMap::new(),
            handed_over: BTreeMap::new(),
            held: BTreeMap::new(),
            speculated: Vec::new(),
            outputs: Vec::new(),
            told: Vec::new(),
            sent: BTreeMap::new(),
            closed: false,
            connection: 0,
            serial: 0,
            coming: BTreeMap::new(),
        };
        world.tell(Input::Started);
        world.run_for(ms(4_500));
        world
    }

    /// The caller says this, in so many words, and is then silent: the recogniser
    /// brings it as it grows, and whole once the silence was long enough. Answers
    /// when the last word is over.
    pub fn say(&mut self, words: &str) -> Micros {
        let end = self.speak(words);
        self.settle(words, end);
        end
    }

    /// The same without an end that the recogniser would notice.
    pub fn speak(&mut self, words: &str) -> Micros {
        let words: Vec<&str> = words.split_whitespace().collect();
        let takes = Micros(WORD.0 * words.len() as u64);
        let connection = self.connection;
        let begun = Heard::SpeechStarted;
        let at = self.now + ms(60) + self.takes.recogniser;
        self.schedule(at, Coming::Pipeline(Told::Heard { connection, event: begun }));
        let mut heard = Micros::ZERO;
        while heard < takes {
            heard = heard + INTERIM;
            let by_then = usize::try_from(heard.0 / WORD.0).unwrap().min(words.len());
            let text = Personal::new(words[..by_then].join(" "));
            let event = Heard::Interim { text };
            let at = self.now + heard + self.takes.recogniser;
            self.schedule(at, Coming::Pipeline(Told::Heard { connection, event }));
        }
        self.now + takes
    }

    /// The recogniser takes what ended at `end` for over, half a second later.
    pub fn settle(&mut self, words: &str, end: Micros) {
        let connection = self.connection;
        let text = Personal::new(words);
        let event = Heard::Final { text, to_ms: end.as_millis(), ends: true };
        let at = end + ms(500) + self.takes.recogniser;
        self.schedule(at, Coming::Pipeline(Told::Heard { connection, event }));
    }

    /// The recogniser tells this after a while.
    pub fn hears_in(&mut self, after: Micros, event: Heard) {
        let connection = self.connection;
        self.schedule(self.now + after, Coming::Pipeline(Told::Heard { connection, event }));
    }

    pub fn run_for(&mut self, time: Micros) {
        self.run_until(self.now + time);
    }

    /// Lets time pass, doing all that is due on the way.
    pub fn run_until(&mut self, until: Micros) {
        let mut steps = 0;
        while let Some(at) = self.next_wake().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.wake();
            steps += 1;
            assert!(steps < 200_000, "the clock stands still at {:?}", self.now);
        }
        self.now = self.now.max(until);
    }

    /// Something happens to the call now.
    pub fn tell(&mut self, input: Input) {
        self.notices();
        self.call.handle(input, self.now);
        self.perform();
    }

    fn next_wake(&self) -> Option<Micros> {
        let writes = if self.closed { None } else { self.downlink.next_write() };
        let candidates = [
            self.coming.keys().next().map(|(at, _)| *at),
            self.call.poll_timeout().map(|(at, _)| at),
            self.pipeline.poll_timeout(),
            self.turns.as_ref().and_then(TurnMachine::poll_timeout),
            self.detector.as_ref().and_then(BargeInDetector::poll_timeout),
            self.phone.next_event(),
            writes,
        ];
        candidates.into_iter().flatten().min()
    }

    fn wake(&mut self) {
        let marks = self.phone.advance(self.now);
        self.marks(marks);
        while let Some(entry) = self.coming.first_entry().filter(|e| e.key().0 <= self.now) {
            let coming = entry.remove();
            self.arrive(coming);
        }
        let ended = self.turns.as_mut().and_then(|turns| turns.handle_timeout(self.now));
        if let Some(utterances) = ended {
            self.tell(Input::TurnEnded { utterances });
        }
        if self.turns.as_mut().is_some_and(TurnMachine::take_likely) {
            self.tell(Input::TurnLikelyOver);
        }
        let verdict = self.detector.as_mut().and_then(|d| d.handle_timeout(self.now));
        if let Some(verdict) = verdict {
            self.tell(Input::BargeIn(verdict));
        }
        if self.pipeline.poll_timeout().is_some_and(|at| at <= self.now) {
            self.pipeline.handle_timeout(self.now);
            self.perform_pipeline();
        }
        if self.call.poll_timeout().is_some_and(|(at, _)| at <= self.now) {
            self.notices();
            self.call.handle_timeout(self.now);
            self.perform();
        }
        self.pump();
    }

    fn arrive(&mut self, coming: Coming) {
        match coming {
            Coming::Input(input) => self.tell(input),
            Coming::Pipeline(input) => self.pipeline(input),
            Coming::Voice { request, from, bytes } => {
                if self.pipeline.holds(request) {
                    self.held.entry(request).or_default().push((from, bytes));
                } else if let Some((response, item)) = self.pipeline.spoken_by(request) {
                    self.hand_over(request, (response.as_str(), item.as_str()), (from, bytes));
                }
                self.pipeline(Told::Voiced { request, event: Voiced::Audio { bytes } });
            }
            Coming::AtPhone(wire) => {
                let marks = self.phone.receive(wire, self.now);
                self.marks(marks);
            }
            Coming::MarkBack(name) => {
                self.downlink.on_mark(&name);
                self.pump();
            }
        }
    }

    fn hand_over(&mut self, request: u32, of: (&str, &str), (from, bytes): (u64, u64)) {
        let tag = tag_of(request);
        let payload = STANDARD.encode(audio(tag, from, bytes));
        self.downlink.push(of.0, of.1, &payload);
        *self.handed_over.entry(request).or_default() += bytes;
    }

    /// Something happens to the pipeline now.
    pub fn pipeline(&mut self, input: Told) {
        self.pipeline.handle(input, self.now);
        self.perform_pipeline();
    }

    fn perform_pipeline(&mut self) {
        while let Some(wanted) = self.pipeline.poll_output() {
            match wanted {
                Wanted::Tell(event) => {
                    self.told.push((self.now, event.clone()));
                    // The call has a mailbox.
                    self.schedule(self.now, Coming::Input(Input::Model(event)));
                }
                Wanted::Dial { connection, delay, .. } => {
                    self.connection = connection;
                    let up = Told::Heard { connection, event: Heard::Up };
                    self.schedule(self.now + delay + ms(50), Coming::Pipeline(up));
                }
                Wanted::Ask(question) => self.ask(*question),
                Wanted::StopAsking { request } => {
                    self.stopped.push(request);
                    self.forget(|told| {
                        matches!(told, Coming::Pipeline(Told::Thought { request: r, .. }) if *r == request)
                    });
                }
                Wanted::Speak(speech) => {
                    self.spoken.insert(speech.request, speech.text.expose().to_owned());
                    self.voice(speech.request);
                }
                Wanted::Hush { request } => {
                    self.hushed.push(request);
                    self.held.remove(&request);
                    self.forget(|told| match told {
                        Coming::Pipeline(Told::Voiced { request: r, .. }) => *r == request,
                        Coming::Voice { request: r, .. } => *r == request,
                        _ => false,
                    });
                }
                Wanted::Release { request, response, item } => {
                    for piece in self.held.remove(&request).unwrap_or_default() {
                        self.hand_over(request, (response.as_str(), item.as_str()), piece);
                    }
                }
                Wanted::Speculated(speculation) => self.speculated.push(speculation),
                Wanted::FinishItem { item, .. } => self.downlink.finish(item.as_str()),
                Wanted::FinishResponse { response } => {
                    self.downlink.finish_response(response.as_str());
                }
                Wanted::Measured(_) | Wanted::Hear(_) | Wanted::GiveBack(_) => {}
            }
        }
        self.pump();
    }

    fn forget(&mut self, is_it: impl Fn(&Coming) -> bool) {
        self.coming.retain(|_, coming| !is_it(coming));
    }

    fn ask(&mut self, question: Question) {
        let Question { request, messages, .. } = question;
        let said = messages.iter().rev().find_map(|message| match message {
            Message::User { text } => Some(text.clone()),
            _ => None,
        });
        let said = said.unwrap_or_default();
        let own = vec![
            Thought::Text(Personal::new(format!("{} ", answer_to(&said)))),
            Thought::Text(Personal::new("And that is all I know.")),
            Thought::Finished { usage: None },
        ];
        let told_of_a_tool = matches!(messages.last(), Some(Message::Tool { .. }));
        let scripted = self.answers.get(said.as_str()).filter(|_| !told_of_a_tool).cloned();
        let mut at = self.now + self.takes.first_token;
        for event in scripted.unwrap_or(own) {
            self.schedule(at, Coming::Pipeline(Told::Thought { request, event }));
            at = at + ms(20);
        }
        self.asked.push(Asked { at: self.now, said, messages });
    }

    /// A sentence takes a second, and comes in two pieces as fast as voices are.
    fn voice(&mut self, request: u32) {
        let at = self.now + self.takes.first_audio;
        let half = SENTENCE / 6 * 3;
        self.schedule(at, Coming::Voice { request, from: 0, bytes: half });
        let rest = SENTENCE - half;
        self.schedule(at + ms(80), Coming::Voice { request, from: half, bytes: rest });
        let over = Told::Voiced { request, event: Voiced::Finished };
        self.schedule(at + ms(90), Coming::Pipeline(over));
    }

    fn notices(&mut self) {
        for notice in self.downlink.take_notices() {
            self.call.handle(Input::Media(notice), self.now);
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.call.poll_output() {
            self.outputs.push((self.now, output.clone()));
            match output {
                Output::Media(command) => self.media(command),
                Output::Model(event) => {
                    self.schedule(self.now, Coming::Pipeline(Told::Call(event)))
                }
                Output::Speculate => self.schedule(self.now, Coming::Pipeline(Told::Speculate)),
                Output::StartModel { .. } => {
                    self.pipeline.start(self.now);
                    self.perform_pipeline();
                }
                Output::StopModel => {
                    self.pipeline.stop();
                    self.perform_pipeline();
                }
                Output::StartTurnManager(from) => {
                    self.turns = Some(TurnMachine::new(from, self.now))
                }
                Output::StartBargeIn(from) => self.detector = Some(BargeInDetector::new(from)),
                Output::Turn(input) => {
                    if let Some(turns) = &mut self.turns {
                        turns.handle(&input, self.now);
                    }
                }
                Output::BargeIn(input) => {
                    let verdict = self.detector.as_mut().and_then(|d| d.handle(&input, self.now));
                    if let Some(verdict) = verdict {
                        self.schedule(self.now, Coming::Input(Input::BargeIn(verdict)));
                    }
                }
                Output::RunTool { call_id, .. } => {
                    let output = Personal::new("{\"ok\":true}");
                    let outcome = ToolOutcome { output, ok: true, effect: ToolEffect::GoOn };
                    let input = Input::ToolFinished { call_id, outcome };
                    self.schedule(self.now + ms(100), Coming::Input(input));
                }
                Output::CloseStream => self.closed = true,
                _ => {}
            }
        }
        self.pump();
    }

    fn media(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::PlayGreeting { item } => {
                self.downlink
                    .play(&item, &Phrase::from_mulaw(&audio(GREETING_TAG, 0, GREETING_BYTES)));
            }
            MediaCommand::Admit { response } => self.downlink.admit(&response),
            MediaCommand::Reject { response } => self.downlink.reject(&response),
            MediaCommand::Interrupt { generation, clear } => {
                self.downlink.interrupt(generation, clear, self.now);
            }
            MediaCommand::Hold { generation, clear, unheard } => {
                self.downlink.hold(generation, clear, &unheard, self.now);
            }
            MediaCommand::Resume { generation } => self.downlink.resume(generation),
            MediaCommand::FinishAll => self.downlink.finish_all(),
            _ => {}
        }
    }

    fn pump(&mut self) {
        if self.closed {
            return;
        }
        let mut texts = Vec::new();
        self.downlink.poll_write(self.now, |text| texts.push(text));
        for text in texts {
            let wire = Wire::parse(&text);
            if let Wire::Media { tag, .. } = wire {
                self.sent.entry(tag).or_insert(self.now);
            }
            self.schedule(self.now + ms(20), Coming::AtPhone(wire));
        }
        if self.downlink.has_news() {
            self.notices();
            self.perform();
        }
    }

    fn marks(&mut self, names: Vec<String>) {
        for name in names {
            self.schedule(self.now + ms(20), Coming::MarkBack(name));
        }
    }

    fn schedule(&mut self, at: Micros, coming: Coming) {
        self.serial += 1;
        self.coming.insert((at, self.serial), coming);
    }
}

/// What was seen of a call.
impl World {
    pub fn count(&self, what: Speculation) -> usize {
        self.speculated.iter().filter(|seen| **seen == what).count()
    }

    /// Why answers were thrown away.
    pub fn thrown_away(&self) -> Vec<ThrownAway> {
        let why = |seen: &Speculation| match seen {
            Speculation::ThrownAway { why, .. } => Some(*why),
            Speculation::Started | Speculation::Used => None,
        };
        self.speculated.iter().filter_map(why).collect()
    }

    /// When a sentence that begins so was on the wire first.
    pub fn sent_at(&self, text: &str) -> Option<Micros> {
        let of_it = self.spoken.iter().filter(|(_, spoken)| spoken.starts_with(text));
        of_it.filter_map(|(request, _)| self.sent.get(&tag_of(*request)).copied()).min()
    }

    pub fn transcript(&self) -> Vec<&TranscriptEntry> {
        let entries = self.outputs.iter().filter_map(|(_, output)| match output {
            Output::Transcript(entry) => Some(entry),
            _ => None,
        });
        entries.collect()
    }

    pub fn lines(&self) -> Vec<&str> {
        self.transcript().iter().map(|entry| entry.generated.expose()).collect()
    }

    /// The texts of which the caller heard something.
    pub fn heard(&self) -> Vec<&str> {
        let heard = self.spoken.iter().filter(|(r, _)| self.phone.furthest(tag_of(**r)) > 0);
        heard.map(|(_, text)| text.as_str()).collect()
    }

    pub fn wanted(&self, is_it: impl Fn(&Output) -> bool) -> usize {
        self.outputs.iter().filter(|(_, output)| is_it(output)).count()
    }
}

/// The first sentence in answer to words: one sentence, whatever they are.
pub fn answer_to(words: &str) -> String {
    format!("You said {} ok.", words.replace(['.', ',', '?', '!'], ""))
}

/// What the audio of a request is made of: the greeting's tag is not among them.
pub fn tag_of(request: u32) -> u8 {
    u8::try_from(request % 0xF0).unwrap()
}

pub fn wants_tool() -> Vec<Thought> {
    let call = ToolCall {
        id: ToolCallId::parse("call_1").unwrap(),
        name: "look_up".to_owned(),
        arguments: "{}".to_owned(),
    };
    vec![
        Thought::Text(Personal::new("Let me see. ")),
        Thought::Call(call),
        Thought::Finished { usage: None },
    ]
}
