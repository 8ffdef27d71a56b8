//! A pipeline as a call sees it, with services played by hand in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail loudly"
)]

use serde_json::json;
use trunkline_core::call::ModelEvent;
use trunkline_core::ids::{ItemId, ResponseId, ToolCallId};
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{
    Heard, Input, Measure, Output, Pipeline, PipelineSettings, Question, SAFE_SENTENCE, Speech,
    Thought, UNSAFE_OUTPUT, Voiced,
};
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;
use trunkline_core::wire::chat::{Message, ToolCall};
use trunkline_core::wire::realtime::{ClientEvent, Item, ToolSpec};

/// A second of μ-law.
const SECOND: u64 = 8_000;

struct World {
    pipeline: Pipeline,
    now: Micros,
    asked: Vec<Question>,
    spoken: Vec<Speech>,
    stopped: Vec<u32>,
    hushed: Vec<u32>,
    told: Vec<ModelEvent>,
    reached: Vec<(Stage, Micros)>,
    speech_ended: Option<Micros>,
    measured: Vec<Measure>,
}

impl World {
    fn new() -> Self {
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

    fn step(&mut self, input: Input) {
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
    fn pass(&mut self, time: Micros) {
        let end = self.now + time;
        while let Some(at) = self.pipeline.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.pipeline.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn hear(&mut self, event: Heard) {
        self.step(Input::Heard { connection: 1, event });
    }

    fn caller_says(&mut self, text: &str) {
        let text = Personal::new(text);
        self.hear(Heard::Final { text, to_ms: 1_000, ends: true });
    }

    fn respond(&mut self, instructions: Option<&str>) {
        let instructions = instructions.map(str::to_owned);
        let tool_choice_none = instructions.is_some();
        self.step(Input::Call(ClientEvent::CreateResponse { instructions, tool_choice_none }));
    }

    fn think(&mut self, event: Thought) {
        let request = self.asked.last().expect("a question").request;
        self.step(Input::Thought { request, event });
    }

    fn write(&mut self, text: &str) {
        self.think(Thought::Text(Personal::new(text)));
    }

    fn voice(&mut self, event: Voiced) {
        let request = self.spoken.last().expect("speech").request;
        self.step(Input::Voiced { request, event });
    }

    /// The voice says the sentence that it was given last, which takes a second.
    fn sounds(&mut self) {
        self.voice(Voiced::Audio { bytes: SECOND });
        self.voice(Voiced::Finished);
    }

    fn texts(&self) -> Vec<&str> {
        self.spoken.iter().map(|speech| speech.text.expose()).collect()
    }

    /// What the language model would be told now.
    fn history(&mut self) -> Vec<String> {
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

    fn finished(&self) -> Option<(bool, Option<&str>)> {
        self.told.iter().rev().find_map(|event| match event {
            ModelEvent::ResponseFinished { completed, error, .. } => {
                Some((*completed, error.as_deref()))
            }
            _ => None,
        })
    }

    fn item(&self) -> ItemId {
        self.spoken.last().unwrap().item.clone()
    }

    fn cancel(&mut self) {
        let announced = self.told.iter().rev().find_map(|event| match event {
            ModelEvent::ResponseAnnounced { response } => Some(response.clone()),
            _ => None,
        });
        let response_id: Option<ResponseId> = announced;
        self.step(Input::Call(ClientEvent::CancelResponse { response_id }));
    }
}

fn failed(retry: bool) -> Thought {
    Thought::Failed { reason: "it broke".to_owned(), retry }
}

fn voice_failed() -> Voiced {
    Voiced::Failed { reason: "it broke".to_owned(), retry: true }
}

#[test]
fn a_set_sentence_is_spoken_without_a_thought() {
    let mut world = World::new();
    world.respond(Some(
        "Say exactly this, word for word, and nothing else: \"Hello. This is \"Robin\".\"",
    ));
    assert!(world.asked.is_empty());
    world.sounds();
    world.sounds();
    assert_eq!(world.texts(), ["Hello.", "This is \"Robin\"."]);
    assert_eq!(world.finished(), Some((true, None)));
    assert_eq!(world.history()[1], "A Hello. This is \"Robin\". 0");
}

#[test]
fn the_first_sentence_is_spoken_while_the_second_is_written() {
    let mut world = World::new();
    world.caller_says("When are you open?");
    let said: Vec<_> = world.told.iter().skip(1).collect();
    assert!(matches!(said[0], ModelEvent::SpeechStarted), "{said:?}");
    assert!(matches!(said[2], ModelEvent::SpeechStopped), "{said:?}");
    assert!(matches!(said[3], ModelEvent::CallerTranscript { .. }), "{said:?}");
    world.respond(None);
    assert_eq!(world.asked[0].messages.len(), 2);
    assert_eq!(world.asked[0].tools.len(), 1);
    world.write("From nine to");
    assert!(world.spoken.is_empty());
    world.write(" five. And on");
    assert_eq!(world.texts(), ["From nine to five."]);
    world.write(" Sundays never.");
    world.sounds();
    world.think(Thought::Finished { usage: None });
    assert_eq!(world.texts(), ["From nine to five.", "And on Sundays never."]);
    assert_eq!(world.finished(), None, "it is still being spoken");
    world.sounds();
    assert_eq!(world.finished(), Some((true, None)));
    let words: Vec<&str> = world
        .told
        .iter()
        .filter_map(|event| match event {
            ModelEvent::AgentText { text, .. } => Some(text.expose()),
            _ => None,
        })
        .collect();
    assert_eq!(words.concat(), "From nine to five. And on Sundays never.");
}

#[test]
fn a_voice_is_one_sentence_ahead_and_no_more() {
    let mut world = World::new();
    world.respond(None);
    world.write("One is one. Two is two. Three is three. Four is four. ");
    world.think(Thought::Finished { usage: None });
    world.sounds();
    assert_eq!(world.spoken.len(), 2, "the second while the first is heard");
    world.sounds();
    assert_eq!(world.spoken.len(), 2);
    world.pass(Micros::from_millis(900));
    assert_eq!(world.spoken.len(), 2);
    world.pass(Micros::from_millis(200));
    assert_eq!(world.spoken.len(), 3, "the third once the second is heard");
}

#[test]
fn a_tools_result_is_told_with_its_call() {
    let mut world = World::new();
    world.caller_says("When are you open?");
    world.respond(None);
    world.write("Let me see. ");
    let call_id = ToolCallId::parse("call_1").unwrap();
    let call = |name: &str| {
        Thought::Call(ToolCall {
            id: ToolCallId::parse(name).unwrap(),
            name: "look_up".to_owned(),
            arguments: "{}".to_owned(),
        })
    };
    world.think(call("call_1"));
    world.think(call("call_2"));
    world.think(Thought::Finished { usage: None });
    world.sounds();
    let called = |e: &&ModelEvent| matches!(e, ModelEvent::FunctionCall { .. });
    assert_eq!(world.told.iter().filter(called).count(), 2);
    assert_eq!(world.finished(), Some((true, None)));
    let output = Item::FunctionCallOutput { call_id, output: "nine".to_owned() };
    world.step(Input::Call(ClientEvent::CreateItem(output)));
    let history = world.history();
    assert_eq!(history[2..4], ["A Let me see. 2".to_owned(), "T nine".to_owned()]);
    assert!(history[4].starts_with("T "), "the other one has a result as well");
}

#[test]
fn what_was_heard_is_what_was_said() {
    let mut world = World::new();
    world.respond(None);
    world.write("One is one. Two is as good as two. Three is three. ");
    world.sounds();
    world.voice(Voiced::Audio { bytes: SECOND });
    world.cancel();
    assert_eq!(world.finished(), Some((false, Some("cancelled"))));
    assert_eq!((world.stopped.len(), world.hushed.len()), (1, 1), "nobody goes on");
    let item_id = world.item();
    let truncate = ClientEvent::TruncateItem { item_id, content_index: 0, audio_end_ms: 1_500 };
    world.step(Input::Call(truncate));
    let late = world.spoken.last().unwrap().request;
    assert_eq!(world.pipeline.spoken_by(late), None, "late audio is nobody's");
    assert_eq!(world.history()[1], "A One is one. Two is 0");
}

#[test]
fn another_model_is_asked_before_the_first_token_and_never_after_it() {
    let mut world = World::new();
    world.respond(None);
    world.think(failed(true));
    assert_eq!(world.asked.iter().map(|q| q.provider).collect::<Vec<_>>(), [0, 1]);
    world.write("Yes. But ");
    world.think(failed(true));
    assert_eq!(world.asked.len(), 2);
    world.sounds();
    assert_eq!(world.texts(), ["Yes."], "half a sentence is not spoken after a whole one");
    assert_eq!(world.finished(), Some((false, Some("it broke"))));
}

#[test]
fn a_model_that_thinks_too_long_gives_way() {
    let mut world = World::new();
    world.respond(None);
    world.pass(Micros::from_millis(1_600));
    assert_eq!(world.asked.iter().map(|q| q.provider).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(world.stopped, [world.asked[0].request]);
    world.write("Here I am.");
    world.think(Thought::Finished { usage: None });
    world.sounds();
    assert_eq!((world.finished(), world.texts()), (Some((true, None)), vec!["Here I am."]));
}

#[test]
fn where_the_time_of_a_turn_goes_is_measured() {
    let mut world = World::new();
    world.respond(None);
    world.pass(Micros::from_millis(300));
    world.write("Here ");
    world.pass(Micros::from_millis(100));
    world.write("I am. ");
    world.pass(Micros::from_millis(120));
    world.sounds();
    let ms = Micros::from_millis;
    let expected = [
        Measure::FirstToken(ms(300)),
        Measure::FirstSentence(ms(400)),
        Measure::FirstSound(ms(120)),
    ];
    assert_eq!(world.measured, expected);
    world.write("And there. ");
    world.voice(voice_failed());
    assert_eq!(world.measured[3..], [Measure::Failover("voice")]);
}

#[test]
fn no_model_at_all_is_told() {
    let mut world = World::new();
    world.respond(None);
    world.think(failed(true));
    world.think(failed(true));
    assert_eq!(world.finished(), Some((false, Some("it broke"))));
}

#[test]
fn another_voice_says_what_was_not_heard_and_nothing_twice() {
    let mut world = World::new();
    world.respond(None);
    world.write("One is one. Two is two. Three is three. ");
    world.think(Thought::Finished { usage: None });
    world.voice(voice_failed());
    let said: Vec<_> = world.spoken.iter().map(|s| (s.provider, s.text.expose())).collect();
    assert_eq!(said, [(0, "One is one."), (1, "One is one.")], "nothing of it was heard");
    world.sounds();
    // Half of the second is heard.
    world.voice(Voiced::Audio { bytes: SECOND / 2 });
    world.voice(voice_failed());
    world.pass(Micros::from_secs(1));
    let said: Vec<_> = world.spoken.iter().skip(2).map(|s| (s.provider, s.text.expose())).collect();
    assert_eq!(said, [(0, "Two is two."), (1, "Three is three.")]);
    world.sounds();
    let completed = world.finished().map(|(completed, _)| completed);
    assert_eq!(completed, Some(false), "what is not whole is not kept for other calls");
}

#[test]
fn a_voice_that_gives_no_sound_gives_way() {
    let mut world = World::new();
    world.respond(Some("Say exactly this, word for word, and nothing else: \"Hello.\""));
    world.pass(Micros::from_millis(1_600));
    assert_eq!(world.spoken.iter().map(|s| s.provider).collect::<Vec<_>>(), [0, 1]);
    world.voice(Voiced::Finished);
    assert_eq!(world.finished(), Some((false, Some("the voice gave no sound"))));
}

#[test]
fn what_is_meant_for_a_machine_is_not_said() {
    let mut world = World::new();
    world.respond(None);
    world.write("I will call look_up now. ");
    assert_eq!(world.texts(), [SAFE_SENTENCE]);
    let flagged = ModelEvent::Complaint { code: UNSAFE_OUTPUT.to_owned() };
    assert!(world.told.contains(&flagged));
}

#[test]
fn the_call_is_told_when_nobody_hears_any_more() {
    let mut world = World::new();
    for connection in 1..=6 {
        let event = Heard::Lost { reason: "gone".to_owned(), retry: true };
        world.step(Input::Heard { connection, event });
    }
    let lost = ModelEvent::Lost { reason: "gone".to_owned(), retry: true };
    assert_eq!(world.told.last(), Some(&lost));
}

#[test]
fn a_second_response_is_refused_while_one_is_open() {
    let mut world = World::new();
    world.respond(None);
    world.respond(None);
    assert_eq!(world.told.last(), Some(&ModelEvent::Busy));
}

#[test]
fn the_stages_of_an_answer_are_told_when_they_are_reached() {
    let mut world = World::new();
    world.step(Input::Audio(vec![0xff; 9_000]));
    world.pass(Micros::from_millis(100));
    world.caller_says("When are you open?");
    // A thousand bytes came behind the audio that the words go up to, which ends
    // with the silence that the recogniser waited for.
    let stopped = world.now.since(Micros::from_millis(125 + 500));
    assert_eq!(world.speech_ended, Some(stopped));
    let began = world.now;
    world.respond(None);
    world.pass(Micros::from_millis(300));
    world.write("From nine");
    world.pass(Micros::from_millis(50));
    world.write(" to five. And on Sundays never.");
    world.pass(Micros::from_millis(120));
    world.sounds();
    world.sounds();
    let reached: Vec<_> =
        world.reached.iter().map(|(stage, at)| (*stage, at.since(began).as_millis())).collect();
    let stages = [(Stage::FirstToken, 300), (Stage::FirstSentence, 350), (Stage::FirstAudio, 470)];
    assert_eq!(reached, stages, "each once");
}

#[test]
fn a_recogniser_that_does_not_say_how_far_it_listened_tells_no_end_of_speech() {
    let mut world = World::new();
    world.step(Input::Audio(vec![0xff; 9_000]));
    world.hear(Heard::Interim { text: Personal::new("when are you") });
    world.hear(Heard::UtteranceEnd);
    assert!(matches!(
        world.told.last(),
        Some(ModelEvent::CallerTranscript { .. } | ModelEvent::Complaint { .. })
    ));
    assert_eq!(world.speech_ended, None);
}
