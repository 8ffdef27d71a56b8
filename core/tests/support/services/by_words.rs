//! A language model that answers by what the caller said last, so that a test can tell
//! which words an answer is to.

use std::collections::BTreeMap;

use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{Question, Thought};
use trunkline_core::time::Micros;
use trunkline_core::wire::chat::Message;

use super::{Script, Tells};
use crate::support::settings::ms;

/// From one piece of an answer to the next.
const PIECE: Micros = ms(20);

/// What is written in answer to words; where none is named, a sentence with them.
pub type Answers = BTreeMap<&'static str, Vec<Thought>>;

/// One question to a language model.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Micros,
    /// What the caller said last.
    pub said: String,
    pub messages: Vec<Message>,
}

impl Asked {
    pub fn new(question: &Question, at: Micros) -> Self {
        let said = question.messages.iter().rev().find_map(|message| match message {
            Message::User { text } => Some(text.clone()),
            Message::System { .. } | Message::Assistant { .. } | Message::Tool { .. } => None,
        });
        Self { at, said: said.unwrap_or_default(), messages: question.messages.clone() }
    }

    /// What is told in answer, the first of it after `first_token`.
    pub fn answer(&self, request: u32, answers: &Answers, first_token: Micros) -> Script {
        let told_of_a_tool = matches!(self.messages.last(), Some(Message::Tool { .. }));
        let scripted = answers.get(self.said.as_str()).filter(|_| !told_of_a_tool).cloned();
        let mut at = first_token;
        let mut script = Vec::new();
        for event in scripted.unwrap_or_else(|| self.with_the_words()) {
            script.push((at, Tells::Thought { request, event }));
            at = at + PIECE;
        }
        script
    }

    fn with_the_words(&self) -> Vec<Thought> {
        vec![
            Thought::Text(Personal::new(format!("{} ", answer_to(&self.said)))),
            Thought::Text(Personal::new("And that is all I know.")),
            Thought::Finished { usage: None },
        ]
    }
}

/// The first sentence in answer to words: one sentence, whatever they are.
pub fn answer_to(words: &str) -> String {
    format!("You said {} ok.", words.replace(['.', ',', '?', '!'], ""))
}
