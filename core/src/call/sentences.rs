//! Set sentences: said from a kept rendering, at once and without the model, or
//! by the model, whose rendering is then kept for the next call.

use serde_json::json;

use crate::ids::{ItemId, ResponseId};
use crate::time::Micros;
use crate::turn::sequencer::Purpose;
use crate::wire::realtime::{ClientEvent, Item};

use super::{Call, MediaCommand, Output, Sentence};

impl Call {
    /// Says a sentence, by the model where no rendering of it was kept. Where the
    /// model is away, only a kept one is said.
    pub(super) fn say(&mut self, sentence: Sentence, now: Micros) {
        if self.play_kept(sentence, now) || !self.session.is_ready() {
            return;
        }
        if let Some(text) = self.settings.script.text(sentence) {
            let text = text.to_owned();
            self.want(Purpose::Say(text), now);
        }
    }

    /// Plays the kept rendering of a sentence after whatever plays now, unless the
    /// caller speaks. Answers whether there is one.
    pub(super) fn play_kept(&mut self, sentence: Sentence, now: Micros) -> bool {
        let Some(bytes) = self.settings.kept_sentences.get(&sentence).copied() else {
            return false;
        };
        let Some(text) = self.settings.script.text(sentence).map(str::to_owned) else {
            return false;
        };
        self.tally.sentences += 1;
        let Ok(item) = ItemId::parse(&format!("sentence_{}", self.tally.sentences)) else {
            return false;
        };
        if self.floor.caller_speaking {
            return true;
        }
        self.event("sentence", json!({ "sentence": sentence }));
        self.speech.phrase(item.clone(), &text, bytes, self.tally.turns, now);
        self.out(Output::Media(MediaCommand::PlaySentence { item, sentence }));
        if self.session.is_ready() {
            self.tell_what_is_being_said();
        }
        true
    }

    /// Tells the session of sentences that it does not know of and that are being
    /// said right now.
    pub(super) fn tell_what_is_being_said(&mut self) {
        for (item, text) in self.speech.tell_in_progress() {
            let item = Item::AssistantText { id: Some(item), text };
            self.out(Output::Model(ClientEvent::CreateItem(item)));
        }
    }

    /// A response begins. If it is to be a sentence whose rendering is wanted, its
    /// audio is kept.
    pub(super) fn capture_if_wanted(&mut self, response: &ResponseId, purpose: &Purpose) {
        let Some(text) = self.wanted_rendering(purpose) else {
            return;
        };
        self.session.learning = Some(text.clone());
        self.out(Output::Media(MediaCommand::Capture { response: response.clone(), text }));
        self.speech.capture(response.clone());
    }

    fn wanted_rendering(&self, purpose: &Purpose) -> Option<String> {
        let script = &self.settings.script;
        match purpose {
            Purpose::Greeting => Some(script.greeting.clone()),
            Purpose::Say(text) => {
                let is_wanted = |sentence: &Sentence| {
                    script.text(*sentence) == Some(text.as_str())
                        && !self.settings.kept_sentences.contains_key(sentence)
                };
                Sentence::ALL.iter().any(is_wanted).then(|| text.clone())
            }
            Purpose::Answer | Purpose::WrapUp => None,
        }
    }

    /// A response is over: what was captured of it is kept if it is what was asked
    /// for. A model that said something else must not be heard saying it in every
    /// call to come.
    pub(super) fn end_capture(&mut self, response: &ResponseId, completed: bool) {
        if !self.speech.captured(response) {
            return;
        }
        let Some(text) = self.session.learning.take().filter(|_| completed) else {
            return;
        };
        if words(&self.speech.text_of(response)) == words(&text) {
            self.out(Output::LearnPhrase { text });
        } else {
            let is_greeting = text == self.settings.script.greeting;
            let word = if is_greeting { "greeting_not_learned" } else { "sentence_not_learned" };
            self.event(word, json!({}));
        }
    }
}

/// A text without case, punctuation and spacing.
fn words(text: &str) -> Vec<String> {
    let letters = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let words = text.split_whitespace().map(|word| letters(word).to_lowercase());
    words.filter(|word| !word.is_empty()).collect()
}
