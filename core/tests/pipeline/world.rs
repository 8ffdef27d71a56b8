//! A pipeline whose services are played by hand.

use serde_json::json;
use trunkline_core::call::ModelEvent;
use trunkline_core::ids::{ItemId, ResponseId};
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{
    Heard, Input, Measure, Output, Pipeline, PipelineSettings, Question, Speech, Thought, Voiced,
};
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;
use trunkline_core::wire::chat::Message;
use trunkline_core::wire::realtime::{ClientEvent, ToolSpec};

/// A second of μ-law.
pub const SECOND: u64 = 8_000;

pub struct World {
    pub pipeline: Pipeline,
    pub now: Micros,
    pub asked: Vec<Question>,
    pub spoken: Vec<Speech>,
    pub stopped: Vec<u32>,
    pub hushed: Vec<u32>,
    pub told: Vec<ModelEvent>,
    pub reached: Vec<(Stage, Micros)>,
    pub speech_ended: Option<Micros>,
    pub measured: Vec<Measure>,
}

impl World {
    pub fn new() -> Self {
        let tool = ToolSpec {
            name: "look_up".to_owned(),
            description: String::new(),
            parameters: json!({}),
        };
        let mut world = Self {
            pipeline: Pipeline::new(PipelineSettings {
                serial: 1,
                instructions: "Be kind.".to_owned(),
                tools: vec![tool],
                recognisers: 2,
                agents: 2,
                voices: 2,
                history_tokens: 1_000,
                speculate: false,
                silence: Micros::from_millis(500),
            }),
            now: Micros::from_secs(1),
            asked: Vec::new(),
            spoken: Vec::new(),
            stopped: Vec::new(),
            hushed: Vec::new(),
            told: Vec::new(),
            reached: Vec::new(),
            speech_ended: None,
            measured: Vec::new(),
        };
        world.pipeline.start(world.now);
        world.hear(Heard::Up);
        assert_eq!(world.told, [ModelEvent::Ready]);
        world
    }

    pub fn step(&mut self, input: Input) {
        self.pipeline.handle(input, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.pipeline.poll_output() {
            match output {
                Output::Tell(ModelEvent::Reached { stage, at, .. }) => {
                    self.reached.push((stage, at));
                }
                Output::Tell(ModelEvent::SpeechEnded { at }) => self.speech_ended = Some(at),
                Output::Tell(event) => self.told.push(event),
                Output::Ask(question) => self.asked.push(*question),
                Output::Speak(speech) => self.spoken.push(*speech),
                Output::StopAsking { request } => self.stopped.push(request),
                Output::Hush { request } => self.hushed.push(request),
                Output::Measured(measure) => self.measured.push(measure),
                Output::Dial { .. }
                | Output::Hear(_)
                | Output::Release { .. }
                | Output::Speculated(_)
                | Output::GiveBack(_)
                | Output::FinishItem { .. }
                | Output::FinishResponse { .. } => {}
            }
        }
    }

    /// Lets time pass, doing what is due on the way.
    pub fn pass(&mut self, time: Micros) {
        let end = self.now + time;
        while let Some(at) = self.pipeline.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.pipeline.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub fn hear(&mut self, event: Heard) {
        self.step(Input::Heard { connection: 1, event });
    }

    pub fn caller_says(&mut self, text: &str) {
        let text = Personal::new(text);
        self.hear(Heard::Final { text, to_ms: 1_000, ends: true });
    }

    pub fn respond(&mut self, instructions: Option<&str>) {
        let instructions = instructions.map(str::to_owned);
        let tool_choice_none = instructions.is_some();
        self.step(Input::Call(ClientEvent::CreateResponse { instructions, tool_choice_none }));
    }

    pub fn think(&mut self, event: Thought) {
        let request = self.asked.last().expect("a question").request;
        self.step(Input::Thought { request, event });
    }

    pub fn write(&mut self, text: &str) {
        self.think(Thought::Text(Personal::new(text)));
    }

    pub fn voice(&mut self, event: Voiced) {
        let request = self.spoken.last().expect("speech").request;
        self.step(Input::Voiced { request, event });
    }

    /// The voice says the sentence that it was given last, which takes a second.
    pub fn sounds(&mut self) {
        self.voice(Voiced::Audio { bytes: SECOND });
        self.voice(Voiced::Finished);
    }

    pub fn texts(&self) -> Vec<&str> {
        self.spoken.iter().map(|speech| speech.text.expose()).collect()
    }

    /// What the language model would be told now.
    pub fn history(&mut self) -> Vec<String> {
        self.respond(None);
        let question = self.asked.last().unwrap();
        let words = |message: &Message| match message {
            Message::System { text } => format!("S {text}"),
            Message::User { text } => format!("U {text}"),
            Message::Assistant { text, calls } => format!("A {text} {}", calls.len()),
            Message::Tool { output, .. } => format!("T {output}"),
        };
        question.messages.iter().map(words).collect()
    }

    pub fn finished(&self) -> Option<(bool, Option<&str>)> {
        self.told.iter().rev().find_map(|event| match event {
            ModelEvent::ResponseFinished { completed, error, .. } => {
                Some((*completed, error.as_deref()))
            }
            _ => None,
        })
    }

    pub fn item(&self) -> ItemId {
        self.spoken.last().unwrap().item.clone()
    }

    pub fn cancel(&mut self) {
        let announced = self.told.iter().rev().find_map(|event| match event {
            ModelEvent::ResponseAnnounced { response } => Some(response.clone()),
            _ => None,
        });
        let response_id: Option<ResponseId> = announced;
        self.step(Input::Call(ClientEvent::CancelResponse { response_id }));
    }
}

pub fn failed(retry: bool) -> Thought {
    Thought::Failed { reason: "it broke".to_owned(), retry }
}

pub fn voice_failed() -> Voiced {
    Voiced::Failed { reason: "it broke".to_owned(), retry: true }
}
