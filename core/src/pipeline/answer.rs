//! One response: written by a language model, cut into sentences, and spoken one
//! after the other, one sentence ahead of the caller's ear.

mod telling;

use std::collections::VecDeque;

use crate::call::ModelEvent;
use crate::ids::{ItemId, ResponseId};
use crate::pii::Personal;
use crate::time::Micros;
use crate::turn::waterfall::Stage;
use crate::wire::chat::ToolCall;
use crate::wire::realtime::Usage;

use super::guard::{Checked, UNSAFE_OUTPUT};
use super::pace::Words;
use super::sentences::{Sentence, Sentences};
use super::{Measure, Output, Pipeline, Question, Speech, Thought, Voiced};

/// How long a language model may think before another one is asked instead.
pub(super) const FIRST_TOKEN: Micros = Micros::from_millis(1_500);
/// The same where there is no other.
const FIRST_TOKEN_OF_LAST: Micros = Micros::from_millis(5_000);
/// How long a voice may take to its first sound before another one is asked.
pub(super) const FIRST_SOUND: Micros = Micros::from_millis(1_500);
/// The same where there is no other.
const FIRST_SOUND_OF_LAST: Micros = Micros::from_millis(4_000);
/// How long an answer or a sentence may stop in its middle.
const STALLED: Micros = Micros::from_millis(4_000);

/// A language model at work.
#[derive(Debug)]
struct Thinking {
    request: u32,
    provider: usize,
    begun: bool,
    asked_at: Micros,
    until: Micros,
}

/// A voice at work.
#[derive(Debug)]
struct Speaking {
    request: u32,
    provider: usize,
    tried: Vec<usize>,
    sentence: Sentence,
    /// Its words, told as they are spoken.
    words: Words,
    bytes: u64,
    ordered_at: Micros,
    until: Micros,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Answer {
    response: ResponseId,
    item: ItemId,
    without_tools: bool,
    /// Beside what the model is told always.
    pub(super) instructions: Option<String>,
    /// It is a set sentence: nobody was asked.
    set: bool,
    tried: Vec<usize>,
    /// When the question was asked, until the first sentence is with a voice.
    waited_since: Option<Micros>,
    thinking: Option<Thinking>,
    sentences: Sentences,
    queue: VecDeque<Sentence>,
    speaking: Option<Speaking>,
    calls: Vec<ToolCall>,
    usage: Option<Usage>,
    error: Option<String>,
    audio_bytes: u64,
    announced: bool,
    /// When the audio that has come will have been heard, and when the last whole
    /// sentence of it begins to be.
    ends_at: Micros,
    last_begins_at: Micros,
}

impl Answer {
    pub(super) fn new(
        response: ResponseId,
        item: ItemId,
        without_tools: bool,
        now: Micros,
    ) -> Self {
        Self {
            response,
            item,
            without_tools,
            instructions: None,
            set: false,
            tried: Vec::new(),
            waited_since: None,
            thinking: None,
            sentences: Sentences::default(),
            queue: VecDeque::new(),
            speaking: None,
            calls: Vec::new(),
            usage: None,
            error: None,
            audio_bytes: 0,
            announced: false,
            ends_at: now,
            last_begins_at: now,
        }
    }

    /// Says this, and nothing else.
    pub(super) fn say(&mut self, text: &str) {
        self.set = true;
        self.queue.extend(Sentences::of(text));
    }

    pub(super) fn is_set(&self) -> bool {
        self.set
    }

    fn take_sentences(&mut self) {
        while let Some(sentence) = self.sentences.next_whole() {
            self.queue.push_back(sentence);
        }
    }

    /// When something has to be done about it if nothing happens.
    pub(super) fn due(&self) -> Option<Micros> {
        let thinking = self.thinking.as_ref().map(|t| t.until);
        let speaking = self.speaking.as_ref().map(|s| s.until);
        let ahead =
            (self.speaking.is_none() && !self.queue.is_empty()).then_some(self.last_begins_at);
        [thinking, speaking, ahead].into_iter().flatten().min()
    }

    pub(super) fn spoken_by(&self, request: u32) -> Option<(ResponseId, ItemId)> {
        let speaks = self.speaking.as_ref().is_some_and(|s| s.request == request);
        speaks.then(|| (self.response.clone(), self.item.clone()))
    }

    /// Whether all that was written has been spoken, and no more is written.
    fn is_over(&self) -> bool {
        self.thinking.is_none() && self.speaking.is_none() && self.queue.is_empty()
    }
}

impl Pipeline {
    /// Asks a language model that has not been asked for this answer.
    pub(super) fn ask(&mut self, now: Micros) {
        let request = self.count();
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(provider) = self.agents.pick_beside(&answer.tried, now) else {
            answer.error.get_or_insert_with(|| "no language model answers".to_owned());
            return;
        };
        answer.tried.push(provider);
        let last = self.agents.pick_beside(&answer.tried, now).is_none();
        let patience = if last { FIRST_TOKEN_OF_LAST } else { FIRST_TOKEN };
        let until = now + patience;
        answer.waited_since.get_or_insert(now);
        let again = answer.tried.len() > 1;
        let asked_at = now;
        answer.thinking = Some(Thinking { request, provider, begun: false, asked_at, until });
        let tools = if answer.without_tools { Vec::new() } else { self.settings.tools.clone() };
        let messages = self.history.messages(answer.instructions.as_deref());
        let question = Question { request, provider, messages, tools };
        self.outputs.push_back(Output::Ask(Box::new(question)));
        if again {
            self.measure(Measure::Failover("agent"));
        }
    }

    pub(super) fn thought(&mut self, request: u32, event: Thought, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(thinking) = answer.thinking.as_mut().filter(|t| t.request == request) else {
            return;
        };
        let is_first = matches!(event, Thought::Text(_) | Thought::Call(_)) && !thinking.begun;
        if is_first {
            let measure = Measure::FirstToken(now.since(thinking.asked_at));
            self.outputs.push_back(Output::Measured(measure));
            let response = answer.response.clone();
            let reached = ModelEvent::Reached { response, stage: Stage::FirstToken, at: now };
            self.outputs.push_back(Output::Tell(reached));
        }
        match event {
            Thought::Text(text) => {
                thinking.begun = true;
                thinking.until = now + STALLED;
                answer.sentences.push(text.expose());
                answer.take_sentences();
            }
            Thought::Call(call) => {
                thinking.begun = true;
                thinking.until = now + STALLED;
                answer.calls.push(call);
            }
            Thought::Finished { usage } => {
                self.agents.worked(thinking.provider);
                answer.usage = usage;
                answer.thinking = None;
                answer.queue.extend(answer.sentences.rest());
            }
            Thought::Failed { reason, retry } => self.thinking_failed(&reason, retry, now),
        }
    }

    /// Before the first token another model takes over; after it, what was written
    /// is what there is.
    fn thinking_failed(&mut self, reason: &str, retry: bool, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(thinking) = answer.thinking.take() else {
            return;
        };
        self.agents.failed(thinking.provider, !retry, now);
        self.outputs.push_back(Output::StopAsking { request: thinking.request });
        if !thinking.begun && self.agents.pick_beside(&answer.tried, now).is_some() {
            self.ask(now);
            return;
        }
        // Arguments may be missing.
        answer.calls.clear();
        answer.error = Some(reason.to_owned());
        // A sentence that breaks off is better than none, and not as good as those
        // before it.
        let none = answer.queue.is_empty() && answer.speaking.is_none();
        let only = none && !answer.announced;
        let rest = answer.sentences.rest();
        answer.queue.extend(rest.filter(|_| only && thinking.begun));
    }

    pub(super) fn voiced(&mut self, request: u32, event: Voiced, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(speaking) = answer.speaking.as_mut().filter(|s| s.request == request) else {
            return;
        };
        match event {
            Voiced::Audio { bytes } => self.sounded(bytes, now),
            Voiced::Finished if speaking.bytes == 0 => {
                self.voice_failed("the voice gave no sound", true, now);
            }
            Voiced::Finished => {
                self.voices.worked(speaking.provider);
                let rest = speaking.words.rest();
                self.tell_words(&rest, None);
                self.end_sentence();
            }
            Voiced::Failed { reason, retry } => self.voice_failed(&reason, retry, now),
        }
    }

    /// The sentence is spoken, as far as it will be.
    fn end_sentence(&mut self) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        answer.speaking = None;
        if answer.announced {
            // The call is told how much there is by now.
            let (item, audio_bytes) = (answer.item.clone(), answer.audio_bytes);
            self.tell(ModelEvent::AgentText { item, text: Personal::new(""), audio_bytes });
        }
    }

    /// Before its first sound, the sentence is given to another voice. After that
    /// the rest of it is lost, as no word may be heard twice, and another voice
    /// goes on with the next sentence.
    fn voice_failed(&mut self, reason: &str, retry: bool, now: Micros) {
        let request = self.count();
        let Some(answer) = &mut self.answer else {
            return;
        };
        let Some(mut speaking) = answer.speaking.take() else {
            return;
        };
        self.voices.failed(speaking.provider, !retry, now);
        self.outputs.push_back(Output::Hush { request: speaking.request });
        if speaking.bytes > 0 {
            // Not all of it was said: nobody may keep it for other calls.
            answer.error.get_or_insert_with(|| reason.to_owned());
            // A voice that breaks off is not asked for what comes next.
            while !self.voices.failed(speaking.provider, !retry, now) {}
            self.end_sentence();
            return;
        }
        match self.voices.pick_beside(&speaking.tried, now) {
            Some(provider) => {
                speaking.provider = provider;
                speaking.tried.push(provider);
                speaking.request = request;
                self.speak(speaking, now);
                self.measure(Measure::Failover("voice"));
            }
            None => {
                answer.error.get_or_insert_with(|| reason.to_owned());
                answer.queue.clear();
                answer.calls.clear();
                if let Some(thinking) = answer.thinking.take() {
                    let request = thinking.request;
                    self.outputs.push_back(Output::StopAsking { request });
                }
            }
        }
    }

    fn speak(&mut self, mut speaking: Speaking, now: Micros) {
        let last = self.voices.pick_beside(&speaking.tried, now).is_none();
        speaking.until = now + if last { FIRST_SOUND_OF_LAST } else { FIRST_SOUND };
        speaking.ordered_at = now;
        let Some(answer) = &mut self.answer else {
            return;
        };
        if let Some(since) = answer.waited_since.take() {
            let measure = Measure::FirstSentence(now.since(since));
            self.outputs.push_back(Output::Measured(measure));
            let response = answer.response.clone();
            let reached = ModelEvent::Reached { response, stage: Stage::FirstSentence, at: now };
            self.outputs.push_back(Output::Tell(reached));
        }
        let speech = Speech {
            request: speaking.request,
            provider: speaking.provider,
            text: Personal::new(speaking.sentence.spoken.clone()),
            response: answer.response.clone(),
            item: answer.item.clone(),
        };
        answer.speaking = Some(speaking);
        self.outputs.push_back(Output::Speak(Box::new(speech)));
    }

    /// Somebody was waited for long enough.
    pub(super) fn answer_due(&mut self, now: Micros) {
        let Some(answer) = &self.answer else {
            return;
        };
        let slow_model = answer.thinking.as_ref().is_some_and(|t| t.until <= now);
        let slow_voice = answer.speaking.as_ref().is_some_and(|s| s.until <= now);
        if slow_model {
            self.thinking_failed("the language model is too slow", true, now);
        }
        if slow_voice {
            self.voice_failed("the voice is too slow", true, now);
        }
    }

    /// Has the next sentence spoken, once the last one begins to be heard, and
    /// ends the response behind the last.
    pub(super) fn go_on(&mut self, now: Micros) {
        let request = self.counter + 1;
        let Some(answer) = &mut self.answer else {
            return;
        };
        if answer.is_over() {
            self.end_answer();
            return;
        }
        if answer.speaking.is_some() || answer.last_begins_at > now {
            return;
        }
        let Some(sentence) = answer.queue.pop_front() else {
            return;
        };
        self.counter = request;
        let checked = if answer.set { Checked::Fine(sentence) } else { self.guard.check(sentence) };
        let sentence = match checked {
            Checked::Fine(sentence) => sentence,
            Checked::Replaced(sentence) => {
                self.tell(ModelEvent::Complaint { code: UNSAFE_OUTPUT.to_owned() });
                sentence
            }
            Checked::Dropped => return self.go_on(now),
        };
        let provider = self.voices.pick(now);
        let tried = vec![provider];
        let words = Words::new(&sentence.written);
        let (bytes, ordered_at, until) = (0, now, now);
        self.speak(
            Speaking { request, provider, tried, sentence, words, bytes, ordered_at, until },
            now,
        );
    }

    fn end_answer(&mut self) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        let Answer { response, item, calls, usage, error, audio_bytes, announced, .. } = answer;
        if announced {
            let finished = (response.clone(), item.clone());
            self.outputs.push_back(Output::FinishItem { response: finished.0, item: finished.1 });
            self.tell(ModelEvent::ItemFinished { item: item.clone(), audio_bytes });
        }
        self.history.called(&item, &calls);
        let completed = error.is_none();
        for ToolCall { id, name, arguments } in calls {
            let arguments = Personal::new(arguments);
            let response = response.clone();
            self.tell(ModelEvent::FunctionCall { response, call_id: id, name, arguments });
        }
        self.outputs.push_back(Output::FinishResponse { response: response.clone() });
        self.tell(ModelEvent::ResponseFinished { response, completed, error, usage });
    }

    /// The response is not wanted any more. What was spoken of it stays what was
    /// said, until the call says how much was heard.
    pub(super) fn cancel(&mut self, response: Option<&ResponseId>) {
        let is_it = |answer: &mut Answer| response.is_none_or(|id| *id == answer.response);
        let Some(answer) = self.answer.take_if(is_it) else {
            return;
        };
        if let Some(thinking) = &answer.thinking {
            self.outputs.push_back(Output::StopAsking { request: thinking.request });
        }
        if let Some(speaking) = &answer.speaking {
            self.outputs.push_back(Output::Hush { request: speaking.request });
        }
        let response = answer.response;
        self.outputs.push_back(Output::FinishResponse { response: response.clone() });
        let error = Some("cancelled".to_owned());
        let usage = answer.usage;
        self.tell(ModelEvent::ResponseFinished { response, completed: false, error, usage });
    }
}
