//! One response: written by a language model, cut into sentences, and spoken one
//! after the other, one sentence ahead of the caller's ear.

mod speaking;
mod speculation;
mod telling;
mod thinking;

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
use super::{Output, Pipeline, ThrownAway};

use speaking::Speaking;
use speculation::Guess;
use thinking::Thinking;

/// How long an answer or a sentence may stop in its middle.
const STALLED: Micros = Micros::from_millis(4_000);

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
    /// Nobody has wanted it yet.
    guess: Option<Guess>,
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
            guess: None,
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
        let guess = self.guess.as_ref().map(Guess::until);
        let waits = self.speaking.is_none() && !self.queue.is_empty() && !self.is_guess();
        let ahead = waits.then_some(self.last_begins_at);
        [thinking, speaking, guess, ahead].into_iter().flatten().min()
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
    /// The answer got so far: the call is told, once it wants the answer at all.
    fn reached(&mut self, stage: Stage, at: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        if let Some(guess) = &mut answer.guess {
            guess.reached.push(stage);
            return;
        }
        let response = answer.response.clone();
        self.tell(ModelEvent::Reached { response, stage, at });
    }

    /// Somebody was waited for long enough.
    pub(super) fn answer_due(&mut self, now: Micros) {
        let Some(answer) = &self.answer else {
            return;
        };
        if answer.guess.as_ref().is_some_and(|guess| guess.until() <= now) {
            return self.throw_away(ThrownAway::Unwanted);
        }
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
        let held = answer.guess.as_ref().is_some_and(Guess::has_its_sentence);
        if answer.is_over() && !answer.is_guess() {
            self.end_answer();
            return;
        }
        if held || answer.speaking.is_some() || answer.last_begins_at > now {
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
                match &mut answer.guess {
                    Some(guess) => guess.replaced = true,
                    None => self.tell(ModelEvent::Complaint { code: UNSAFE_OUTPUT.to_owned() }),
                }
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
        self.throw_away(ThrownAway::Unwanted);
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
