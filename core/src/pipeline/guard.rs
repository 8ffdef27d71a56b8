//! What may not be said: names of tools, and data that was meant for a machine.

use super::sentences::Sentence;
use crate::tools::all_names;
use crate::wire::realtime::ToolSpec;

/// Said in place of a sentence that may not be.
pub const SAFE_SENTENCE: &str = "One moment, please.";

/// The complaint that stands for a sentence that was replaced.
pub const UNSAFE_OUTPUT: &str = "unsafe_output";

/// Words of the protocol that tools are called by, which no person would say.
const PROTOCOL: [&str; 5] = ["function_call", "tool_call", "tool_choice", "call_id", "tool_result"];

/// What is to become of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It may be said.
    Fine(Sentence),
    /// It may not, and this is said in its place.
    Replaced(Sentence),
    /// It may not, and something was said in place of one before it in this answer.
    Dropped,
}

/// Looks at every sentence of an answer before it is spoken. Data that a sentence
/// begins goes on in the sentences after it, until its brackets are closed.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Names of tools that no person would say.
    names: Vec<String>,
    /// Names that may be words of the language too.
    words: Vec<String>,
    /// Brackets of data that are open.
    depth: usize,
    /// Something was said in place of a sentence.
    replaced: bool,
}

impl Guard {
    /// One for these tools, and for all that the product has.
    #[must_use]
    pub fn new(tools: &[ToolSpec]) -> Self {
        let given = tools.iter().map(|tool| tool.name.to_lowercase());
        let own = all_names().map(str::to_owned);
        let protocol = PROTOCOL.into_iter().map(str::to_owned);
        let all = given.chain(own).chain(protocol);
        let (names, words) = all.partition(|name| name.contains('_'));
        Self { names, words, ..Self::default() }
    }

    /// Another answer begins.
    pub fn begin(&mut self) {
        (self.depth, self.replaced) = (0, false);
    }

    /// What is to become of the next sentence of the answer.
    #[must_use]
    pub fn check(&mut self, sentence: Sentence) -> Checked {
        let was_open = self.depth > 0;
        self.follow_brackets(&sentence.written);
        if !was_open && !self.is_unsafe(&sentence.written) {
            return Checked::Fine(sentence);
        }
        if std::mem::replace(&mut self.replaced, true) {
            return Checked::Dropped;
        }
        let safe = SAFE_SENTENCE.to_owned();
        Checked::Replaced(Sentence { written: safe.clone(), spoken: safe })
    }

    /// Whether a text names a tool, or carries data for a machine.
    #[must_use]
    pub fn is_unsafe(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let dense: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect();
        let named = self.names.iter().any(|name| {
            dense.contains(name.as_str()) || text.contains(&name.replace('_', " underscore "))
        });
        let called = self.words.iter().any(|word| is_called(&text, word));
        named || called || looks_like_data(&text, &dense)
    }

    fn follow_brackets(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '{' => self.depth += 1,
                '[' if self.depth > 0 => self.depth += 1,
                '}' => self.depth = self.depth.saturating_sub(1),
                ']' if self.depth > 1 => self.depth -= 1,
                _ => {}
            }
        }
    }
}

/// Whether the text writes `word(`, as a function is called.
fn is_called(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let begins = !text.get(..at).is_some_and(|head| head.ends_with(char::is_alphanumeric));
        begins && text.get(at + word.len()..).is_some_and(|after| after.starts_with('('))
    })
}

fn looks_like_data(text: &str, dense: &str) -> bool {
    let marks = ["{", "}", "[\"", "\"]", "[{"];
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    let tagged = text.match_indices('<').any(|(at, _)| {
        let after = text.get(at + 1..).and_then(|after| after.chars().next());
        after.is_some_and(|c| c.is_alphabetic() || matches!(c, '/' | '|'))
    });
    // What is left of the fence around a block of code.
    bare == "json" || tagged || marks.iter().any(|mark| dense.contains(mark))
}

#[cfg(test)]
#[path = "guard/tests.rs"]
mod tests;
