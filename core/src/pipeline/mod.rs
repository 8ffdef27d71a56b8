//! Hearing, thinking and speaking with three services, which together present
//! themselves to a call as one session of a speech model: it takes the same
//! [`ClientEvent`]s and tells the same [`ModelEvent`]s. So the call's playback
//! clock, its turns, interruptions, recovery and tools are the same in both modes.
//!
//! The contract is the call's: one mutation, then [`Pipeline::poll_output`] until
//! it is empty, then wait for [`Pipeline::poll_timeout`] or the next input.
//! [`Recogniser`] hears; `answer` writes and speaks one response, and where it is
//! told to begins it before it is wanted; [`History`] is what the language model is
//! told; [`Guard`] what it may not say.

mod answer;
mod guard;
mod history;
mod input;
mod output;
mod pace;
mod pool;
mod recogniser;
mod sentences;
mod speculated;
mod spoken;

use std::collections::VecDeque;

use crate::call::{ModelEvent, TRANSCRIPTION_FAILED, set_sentence};
use crate::ids::{IdError, ItemId, ResponseId};
use crate::pii::Personal;
use crate::time::Micros;
use crate::wire::realtime::{ClientEvent, ToolSpec};

pub use guard::{Checked, Guard, SAFE_SENTENCE, UNSAFE_OUTPUT};
pub use history::History;
pub use input::{Input, Thought, Voiced};
pub use output::{Measure, Output, Question, Speech};
pub use pool::{EJECTED_FOR, Pool};
pub use recogniser::{Heard, Hearing, Recogniser};
pub use sentences::{Sentence, Sentences};
pub use speculated::{Speculation, ThrownAway};

use answer::Answer;

/// What a pipeline is made for.
#[derive(Clone, Debug)]
pub struct PipelineSettings {
    /// Number of the session within its call: makes its names unlike those of the
    /// sessions before.
    pub serial: u32,
    /// Who the agent is and what it is to do.
    pub instructions: String,
    /// What the language model may call.
    pub tools: Vec<ToolSpec>,
    /// How many recognisers may be asked; one at least.
    pub recognisers: usize,
    /// How many language models.
    pub agents: usize,
    /// How many voices.
    pub voices: usize,
    /// What the language model is told at most, in tokens, as far as they can be
    /// counted here.
    pub history_tokens: usize,
    /// Whether an answer may be begun before it is wanted.
    pub speculate: bool,
    /// How long the caller is silent before a recogniser says that they stopped.
    pub silence: Micros,
}

/// See the module's text.
#[derive(Debug)]
pub struct Pipeline {
    settings: PipelineSettings,
    recogniser: Recogniser,
    history: History,
    guard: Guard,
    agents: Pool,
    voices: Pool,
    answer: Option<Answer>,
    /// The recogniser that was dialled last.
    dialled: Option<usize>,
    /// The caller's words as they were told last, where they may still change.
    interim: String,
    /// Numbers of responses, items and requests.
    counter: u32,
    outputs: VecDeque<Output>,
}

impl Pipeline {
    /// A session that has yet to begin.
    #[must_use]
    pub fn new(settings: PipelineSettings) -> Self {
        Self {
            recogniser: Recogniser::new(settings.recognisers),
            history: History::new(settings.instructions.clone(), settings.history_tokens),
            guard: Guard::new(&settings.tools),
            agents: Pool::new(settings.agents),
            voices: Pool::new(settings.voices),
            answer: None,
            dialled: None,
            interim: String::new(),
            counter: 0,
            outputs: VecDeque::new(),
            settings,
        }
    }

    /// Begins to listen.
    pub fn start(&mut self, now: Micros) {
        self.recogniser.start(now);
        self.take_hearing();
    }

    /// Takes in what happened at `now`.
    pub fn handle(&mut self, input: Input, now: Micros) {
        match input {
            Input::Call(event) => self.wanted(event, now),
            Input::Speculate => self.speculate(now),
            Input::Audio(audio) => self.recogniser.audio(audio),
            Input::Heard { connection, event } => self.recogniser.handle(connection, event, now),
            Input::Thought { request, event } => self.thought(request, event, now),
            Input::Voiced { request, event } => self.voiced(request, event, now),
        }
        self.take_hearing();
        self.go_on(now);
    }

    /// Time has passed: does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Micros) {
        self.recogniser.handle_timeout(now);
        self.take_hearing();
        self.answer_due(now);
        self.go_on(now);
    }

    /// The session is over: what was begun for nothing is counted.
    pub fn stop(&mut self) {
        self.throw_away(ThrownAway::Unwanted);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        let answer = self.answer.as_ref().and_then(Answer::due);
        [self.recogniser.poll_timeout(), answer].into_iter().flatten().min()
    }

    /// What the audio of a request to a voice belongs to; none when it is not
    /// wanted any more.
    #[must_use]
    pub fn spoken_by(&self, request: u32) -> Option<(ResponseId, ItemId)> {
        let wanted = self.answer.as_ref().filter(|answer| !answer.is_guess());
        wanted.and_then(|answer| answer.spoken_by(request))
    }

    /// Whether the audio of a request to a voice is to be held: until it is to be
    /// released, or hushed.
    #[must_use]
    pub fn holds(&self, request: u32) -> bool {
        let guess = self.answer.as_ref().filter(|answer| answer.is_guess());
        guess.is_some_and(|answer| answer.spoken_by(request).is_some())
    }

    fn measure(&mut self, measure: Measure) {
        self.outputs.push_back(Output::Measured(measure));
    }

    fn tell(&mut self, event: ModelEvent) {
        self.outputs.push_back(Output::Tell(event));
    }

    fn count(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    /// A name of ours, which is short and plain and so always an id.
    fn name<T>(&mut self, kind: char, parse: impl Fn(&str) -> Result<T, IdError>) -> Option<T> {
        let number = self.count();
        parse(&format!("pipe_{}_{kind}{number}", self.settings.serial)).ok()
    }

    fn wanted(&mut self, event: ClientEvent, now: Micros) {
        match event {
            ClientEvent::CreateItem(item) => self.history.add(&item),
            ClientEvent::TruncateItem { item_id, audio_end_ms, .. } => {
                self.history.truncate(&item_id, audio_end_ms);
            }
            ClientEvent::DeleteItem { item_id } => self.history.delete(&item_id),
            ClientEvent::CreateResponse { instructions, tool_choice_none } => {
                self.begin_answer(instructions, tool_choice_none, now);
            }
            ClientEvent::CancelResponse { response_id } => self.cancel(response_id.as_ref()),
            // There is no buffer to speak of, and the session was configured when
            // it was made.
            ClientEvent::CommitAudio | ClientEvent::ClearAudio | ClientEvent::SessionUpdate(_) => {}
        }
    }

    fn begin_answer(&mut self, instructions: Option<String>, without_tools: bool, now: Micros) {
        if self.confirm(instructions.is_none() && !without_tools, now) {
            return;
        }
        if self.answer.is_some() {
            self.tell(ModelEvent::Busy);
            return;
        }
        let Some((response, item)) = self.response_names() else {
            return;
        };
        self.tell(ModelEvent::ResponseAnnounced { response: response.clone() });
        self.history.begin(item.clone());
        self.guard.begin();
        let mut answer = Answer::new(response, item, without_tools, now);
        match instructions.as_deref().and_then(set_sentence) {
            // What is to be said word for word needs no thought.
            Some(text) => answer.say(text),
            None => answer.instructions = instructions,
        }
        let thinks = !answer.is_set();
        self.answer = Some(answer);
        if thinks {
            self.ask(now);
        }
    }

    /// Names for a response and its item.
    fn response_names(&mut self) -> Option<(ResponseId, ItemId)> {
        Some((self.name('r', ResponseId::parse)?, self.name('i', ItemId::parse)?))
    }

    fn take_hearing(&mut self) {
        while let Some(heard) = self.recogniser.poll_output() {
            match heard {
                Hearing::Dial { connection, provider, delay } => {
                    let before = self.dialled.replace(provider);
                    if before.is_some_and(|before| before != provider) {
                        self.measure(Measure::Failover("recogniser"));
                    }
                    self.outputs.push_back(Output::Dial { connection, provider, delay });
                }
                Hearing::Audio(audio) => self.outputs.push_back(Output::Hear(audio)),
                Hearing::Unheard(frames) => self.outputs.push_back(Output::GiveBack(frames)),
                Hearing::Ready => self.tell(ModelEvent::Ready),
                Hearing::Started => self.tell(ModelEvent::SpeechStarted),
                Hearing::Partial(text) => self.partial(text),
                Hearing::Stopped(text) => self.caller_stopped(text),
                Hearing::Deaf { reason, retry } => {
                    self.throw_away(ThrownAway::Unwanted);
                    self.tell(ModelEvent::Lost { reason, retry });
                }
            }
        }
        self.interim();
    }

    /// Tells what the caller's words are by now, where somebody wants to know.
    fn interim(&mut self) {
        if !self.settings.speculate || self.interim == self.recogniser.so_far() {
            return;
        }
        self.recogniser.so_far().clone_into(&mut self.interim);
        self.words_changed();
        if !self.interim.is_empty() {
            let text = Personal::new(self.interim.clone());
            self.tell(ModelEvent::CallerInterim { text });
        }
    }

    fn partial(&mut self, text: Personal) {
        if let Ok(item) = ItemId::parse(&format!("pipe_{}_caller", self.settings.serial)) {
            self.tell(ModelEvent::CallerPartial { item, text });
        }
    }

    fn caller_stopped(&mut self, text: Personal) {
        self.words_settled(text.expose());
        self.tell(ModelEvent::SpeechStopped);
        if let Some(at) = self.recogniser.stopped_at() {
            let at = Micros(at.0.saturating_sub(self.settings.silence.0));
            self.tell(ModelEvent::SpeechEnded { at });
        }
        if text.is_blank() {
            self.tell(ModelEvent::Complaint { code: TRANSCRIPTION_FAILED.to_owned() });
            return;
        }
        self.history.caller(text.expose());
        if let Some(item) = self.name('c', ItemId::parse) {
            self.tell(ModelEvent::CallerTranscript { item, text });
        }
    }
}
