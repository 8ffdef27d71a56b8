//! An answer that is begun before it is wanted, as the caller has likely said all.
//!
//! Its first sentence is spoken and held; nothing else of it leaves the pipeline: no
//! event, no entry in the history, no tool. When the call wants an answer, and the
//! conversation by then is what the language model was told (but for capitals and
//! punctuation), it becomes that answer. In all other cases it is thrown away.

use crate::call::ModelEvent;
use crate::time::Micros;
use crate::turn::likely::{goes_on, same_words};
use crate::turn::waterfall::Stage;
use crate::wire::chat::Message;

use super::super::guard::UNSAFE_OUTPUT;
use super::super::{Output, Pipeline, Speculation, ThrownAway};
use super::Answer;
use super::speaking::Speaking;

/// How long it is kept at most: no pause that ends a turn is nearly as long.
const KEPT_FOR: Micros = Micros::from_secs(15);

/// Audio that is held at most, in bytes: half a minute, and so more than a sentence.
pub(super) const MOST_HELD: u64 = 30 * 8_000;

/// What makes an answer one that nobody has wanted yet.
#[derive(Debug)]
pub(super) struct Guess {
    /// What the language model is told.
    pub(super) messages: Vec<Message>,
    /// The words of the utterance that it answers, as they were heard by then; empty
    /// where its words are final already.
    words: String,
    /// Its first sentence, once the voice has said it whole.
    pub(super) finished: Option<Speaking>,
    /// The guard replaced the sentence.
    pub(super) replaced: bool,
    /// How far the answer got, which is told as if it got there when it is wanted.
    pub(super) reached: Vec<Stage>,
    until: Micros,
}

impl Guess {
    fn new(messages: Vec<Message>, words: String, now: Micros) -> Self {
        Self {
            messages,
            words,
            finished: None,
            replaced: false,
            reached: Vec::new(),
            until: now + KEPT_FOR,
        }
    }

    pub(super) const fn until(&self) -> Micros {
        self.until
    }

    pub(super) const fn has_its_sentence(&self) -> bool {
        self.finished.is_some()
    }
}

impl Answer {
    pub(in crate::pipeline) const fn is_guess(&self) -> bool {
        self.guess.is_some()
    }
}

impl Pipeline {
    /// The caller has likely said all: the answer is begun on what was heard, unless
    /// it is already, or there is nothing that could be answered.
    pub(in crate::pipeline) fn speculate(&mut self, now: Micros) {
        let words = self.recogniser.so_far().to_owned();
        let messages = self.history.messages_with(&words);
        let asks = matches!(messages.last(), Some(Message::User { .. }));
        if !self.settings.speculate || !asks || self.guessed(&messages) {
            return;
        }
        self.throw_away(ThrownAway::Differs);
        if self.answer.is_some() {
            return;
        }
        let Some((response, item)) = self.response_names() else {
            return;
        };
        self.guard.begin();
        let mut answer = Answer::new(response, item, false, now);
        answer.guess = Some(Guess::new(messages, words, now));
        self.answer = Some(answer);
        self.outputs.push_back(Output::Speculated(Speculation::Started));
        self.ask(now);
    }

    /// Whether the answer to this was begun.
    fn guessed(&self, messages: &[Message]) -> bool {
        let guess = self.answer.as_ref().and_then(|answer| answer.guess.as_ref());
        guess.is_some_and(|guess| same_conversation(&guess.messages, messages))
    }

    /// More was heard of the caller, or it was heard otherwise.
    pub(in crate::pipeline) fn words_changed(&mut self) {
        let so_far = self.recogniser.so_far();
        let guess = self.answer.as_ref().and_then(|answer| answer.guess.as_ref());
        let Some(guess) = guess.filter(|_| !so_far.is_empty()) else {
            return;
        };
        if same_words(&guess.words, so_far) {
            return;
        }
        let on = guess.words.is_empty() || goes_on(&guess.words, so_far);
        self.throw_away(if on { ThrownAway::WentOn } else { ThrownAway::Differs });
    }

    /// The words of an utterance are final.
    pub(in crate::pipeline) fn words_settled(&mut self, text: &str) {
        let guess = self.answer.as_mut().and_then(|answer| answer.guess.as_mut());
        let Some(guess) = guess else {
            return;
        };
        let words = std::mem::take(&mut guess.words);
        // A noise after the words that were answered changes nothing.
        let nothing_new = words.is_empty() && text.trim().is_empty();
        if nothing_new || same_words(&words, text) {
            return;
        }
        let on = words.is_empty() || goes_on(&words, text);
        self.throw_away(if on { ThrownAway::WentOn } else { ThrownAway::Differs });
    }

    /// The call wants an answer: the one that was begun becomes it, where it answers
    /// what there is to answer now. Says whether it did.
    pub(in crate::pipeline) fn confirm(&mut self, plain: bool, now: Micros) -> bool {
        if !plain {
            self.throw_away(ThrownAway::Unwanted);
            return false;
        }
        let messages = self.history.messages(None);
        if !self.guessed(&messages) {
            self.throw_away(ThrownAway::Differs);
            return false;
        }
        let guess = self.answer.as_mut().and_then(|answer| answer.guess.take());
        let Some(guess) = guess else {
            return false;
        };
        self.outputs.push_back(Output::Speculated(Speculation::Used));
        self.release(guess, now);
        true
    }

    /// What was held is handed over, and told as if it came now.
    fn release(&mut self, guess: Guess, now: Micros) {
        let Some(answer) = &mut self.answer else {
            return;
        };
        let (response, item) = (answer.response.clone(), answer.item.clone());
        answer.ends_at = now;
        answer.last_begins_at = now;
        let finished = guess.finished.is_some();
        answer.speaking = answer.speaking.take().or(guess.finished);
        let held = answer.speaking.as_ref().map(|speaking| (speaking.request, speaking.bytes));
        self.history.begin(item.clone());
        self.tell(ModelEvent::ResponseAnnounced { response: response.clone() });
        for stage in guess.reached {
            self.reached(stage, now);
        }
        if guess.replaced {
            self.tell(ModelEvent::Complaint { code: UNSAFE_OUTPUT.to_owned() });
        }
        if let Some((request, bytes)) = held.filter(|(_, bytes)| *bytes > 0) {
            self.outputs.push_back(Output::Release { request, response, item });
            self.heard_of(bytes, true, now);
        }
        if finished {
            self.finish_sentence();
        }
    }

    /// What was begun came to nothing. Nobody hears of it but who counts.
    pub(in crate::pipeline) fn throw_away(&mut self, why: ThrownAway) {
        let Some(answer) = self.answer.take_if(|answer| answer.is_guess()) else {
            return;
        };
        let Answer { thinking, speaking, guess, .. } = answer;
        let Some(guess) = guess else {
            return;
        };
        if let Some(thinking) = thinking {
            self.outputs.push_back(Output::StopAsking { request: thinking.request });
        }
        if let Some(speaking) = speaking.or(guess.finished) {
            self.outputs.push_back(Output::Hush { request: speaking.request });
        }
        self.outputs.push_back(Output::Speculated(Speculation::ThrownAway(why)));
    }
}

/// Whether a model that is told either would be told the same: all of it, and the
/// caller's last words but for capitals and punctuation.
fn same_conversation(one: &[Message], other: &[Message]) -> bool {
    match (one.split_last(), other.split_last()) {
        (Some((Message::User { text: said }, one)), Some((Message::User { text }, other))) => {
            one == other && same_words(said, text)
        }
        _ => false,
    }
}
