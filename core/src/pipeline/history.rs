//! What the language model is told of the conversation: who said what, as it was
//! heard, and what tools gave, within a budget of tokens.

use std::fmt;

use crate::call::words_heard;
use crate::ids::{ItemId, ToolCallId};
use crate::suspicion::stripped;
use crate::wire::chat::{Message, ToolCall};
use crate::wire::realtime::Item;

/// Bytes of μ-law in a millisecond.
const BYTES_PER_MS: u64 = 8;

/// The result of a tool that has not brought one.
const NO_RESULT: &str = r#"{"error":"no result yet"}"#;

/// About how many tokens a message takes: four bytes are one, and its frame four.
fn tokens(message: &Message) -> usize {
    let bytes = match message {
        Message::System { text } | Message::User { text } => text.len(),
        Message::Assistant { text, calls } => {
            text.len() + calls.iter().map(|c| c.name.len() + c.arguments.len()).sum::<usize>()
        }
        Message::Tool { output, .. } => output.len(),
    };
    bytes.div_ceil(4) + 4
}

/// A sentence that was spoken, and how long it took.
#[derive(Clone)]
struct Piece {
    text: String,
    bytes: u64,
}

/// Something that happened in the conversation.
enum Entry {
    System(String),
    User(String),
    Agent { item: Option<ItemId>, pieces: Vec<Piece>, calls: Vec<ToolCall> },
    Output { id: ToolCallId, output: String },
}

/// See the module's text.
pub struct History {
    instructions: String,
    budget: usize,
    entries: Vec<Entry>,
}

impl History {
    /// A conversation that has not begun. `budget` is in tokens, the instructions'
    /// own included.
    #[must_use]
    pub fn new(instructions: String, budget: usize) -> Self {
        Self { instructions, budget, entries: Vec::new() }
    }

    /// The caller said something.
    pub fn caller(&mut self, text: &str) {
        match self.entries.last_mut() {
            Some(Entry::User(before)) => {
                before.push(' ');
                before.push_str(text);
            }
            Some(Entry::System(_) | Entry::Agent { .. } | Entry::Output { .. }) | None => {
                self.entries.push(Entry::User(text.to_owned()));
            }
        }
    }

    /// Something is added from outside, as to a realtime session.
    pub fn add(&mut self, item: &Item) {
        self.entries.push(match item {
            Item::AssistantText { id, text } => {
                let pieces = vec![Piece { text: text.clone(), bytes: 0 }];
                Entry::Agent { item: id.clone(), pieces, calls: Vec::new() }
            }
            Item::UserText { text } => Entry::User(text.clone()),
            Item::SystemText { text } => Entry::System(text.clone()),
            Item::FunctionCall { call_id, name, arguments } => {
                let call = ToolCall {
                    id: call_id.clone(),
                    name: name.clone(),
                    arguments: arguments.clone(),
                };
                Entry::Agent { item: None, pieces: Vec::new(), calls: vec![call] }
            }
            Item::FunctionCallOutput { call_id, output } => {
                Entry::Output { id: call_id.clone(), output: output.clone() }
            }
        });
    }

    /// The agent is about to answer, as this item.
    pub fn begin(&mut self, item: ItemId) {
        self.entries.push(Entry::Agent { item: Some(item), pieces: Vec::new(), calls: Vec::new() });
    }

    /// The agent speaks one more sentence.
    pub fn speak(&mut self, item: &ItemId, text: &str) {
        if let Some(pieces) = self.pieces(item) {
            pieces.push(Piece { text: text.to_owned(), bytes: 0 });
        }
    }

    /// More words of the sentence.
    pub fn words(&mut self, item: &ItemId, more: &str) {
        if let Some(piece) = self.pieces(item).and_then(|pieces| pieces.last_mut()) {
            piece.text.push_str(more);
        }
    }

    /// So much audio came for the sentence.
    pub fn audio(&mut self, item: &ItemId, bytes: u64) {
        if let Some(piece) = self.pieces(item).and_then(|pieces| pieces.last_mut()) {
            piece.bytes += bytes;
        }
    }

    /// The agent called tools.
    pub fn called(&mut self, item: &ItemId, called: &[ToolCall]) {
        for entry in &mut self.entries {
            if let Entry::Agent { item: Some(known), calls, .. } = entry
                && known == item
            {
                calls.extend_from_slice(called);
            }
        }
    }

    /// Only so much of the item was heard: what was heard is what was said.
    pub fn truncate(&mut self, item: &ItemId, heard_ms: u64) {
        let Some(pieces) = self.pieces(item) else {
            return;
        };
        let mut left = heard_ms.saturating_mul(BYTES_PER_MS);
        for piece in pieces.iter_mut() {
            if left < piece.bytes {
                piece.text = words_heard(&piece.text, left, piece.bytes).to_owned();
                piece.bytes = left;
            }
            left = left.saturating_sub(piece.bytes);
        }
        pieces.retain(|piece| !piece.text.is_empty() && piece.bytes > 0);
    }

    /// Nothing of the item was heard.
    pub fn delete(&mut self, item: &ItemId) {
        if let Some(pieces) = self.pieces(item) {
            pieces.clear();
        }
    }

    fn pieces(&mut self, item: &ItemId) -> Option<&mut Vec<Piece>> {
        self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Agent { item: Some(known), pieces, .. } if known == item => Some(pieces),
            Entry::Agent { .. } | Entry::System(_) | Entry::User(_) | Entry::Output { .. } => None,
        })
    }

    /// The conversation as it would be told if the caller said this besides, which
    /// is not remembered.
    #[must_use]
    pub fn messages_with(&mut self, words: &str) -> Vec<Message> {
        if words.is_empty() {
            return self.messages(None);
        }
        let before = match self.entries.last() {
            Some(Entry::User(text)) => Some(text.clone()),
            Some(Entry::System(_) | Entry::Agent { .. } | Entry::Output { .. }) | None => None,
        };
        self.caller(words);
        let messages = self.messages(None);
        self.entries.pop();
        self.entries.extend(before.map(Entry::User));
        messages
    }

    /// The conversation as the model is to be told it: the instructions, and as
    /// much of what came last as the budget holds. Every call has its result
    /// right behind it, as the protocol wants it.
    #[must_use]
    pub fn messages(&self, extra: Option<&str>) -> Vec<Message> {
        let mut head = vec![Message::System { text: self.instructions.clone() }];
        let tail = extra.map(|text| Message::System { text: text.to_owned() });
        let tail: Vec<Message> = tail.into_iter().collect();
        let fixed: usize = head.iter().chain(&tail).map(tokens).sum();
        let mut left = self.budget.saturating_sub(fixed);
        let mut kept: Vec<Vec<Message>> = Vec::new();
        for entry in self.entries.iter().rev() {
            let group = self.group(entry);
            let cost: usize = group.iter().map(tokens).sum();
            // The newest is always told, or there would be nothing to answer.
            if cost > left && !kept.is_empty() {
                break;
            }
            left = left.saturating_sub(cost);
            if !group.is_empty() {
                kept.push(group);
            }
        }
        head.extend(kept.into_iter().rev().flatten());
        head.extend(tail);
        head
    }

    /// The messages of an entry; none for a result, which is told with its call.
    fn group(&self, entry: &Entry) -> Vec<Message> {
        match entry {
            Entry::System(text) => vec![Message::System { text: text.clone() }],
            Entry::User(text) => vec![Message::User { text: stripped(text).into_owned() }],
            Entry::Output { .. } => Vec::new(),
            Entry::Agent { pieces, calls, .. } => {
                let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
                let text = texts.join(" ");
                if text.is_empty() && calls.is_empty() {
                    return Vec::new();
                }
                let results = calls.iter().map(|call| Message::Tool {
                    call_id: call.id.clone(),
                    output: self.output_of(&call.id).unwrap_or(NO_RESULT).to_owned(),
                });
                let results: Vec<Message> = results.collect();
                let mut group = vec![Message::Assistant { text, calls: calls.clone() }];
                group.extend(results);
                group
            }
        }
    }

    fn output_of(&self, call: &ToolCallId) -> Option<&str> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Output { id, output } if id == call => Some(output.as_str()),
            Entry::Output { .. } | Entry::Agent { .. } | Entry::System(_) | Entry::User(_) => None,
        })
    }
}

/// What people said may not reach a log.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn item(name: &str) -> ItemId {
        ItemId::parse(name).unwrap()
    }

    fn said(history: &History) -> Vec<String> {
        let words = |message: &Message| match message {
            Message::System { text } => format!("S {text}"),
            Message::User { text } => format!("U {text}"),
            Message::Assistant { text, calls } => format!("A {text}{calls:?}"),
            Message::Tool { output, .. } => format!("T {output}"),
        };
        history.messages(None).iter().map(words).collect()
    }

    fn spoken() -> History {
        let mut history = History::new("Be kind.".to_owned(), 1_000);
        history.caller("Hello.");
        history.begin(item("i1"));
        history.speak(&item("i1"), "One two.");
        history.audio(&item("i1"), 8_000);
        history.speak(&item("i1"), "Three four five six.");
        history.audio(&item("i1"), 8_000);
        history
    }

    #[test]
    fn what_was_heard_is_what_was_said() {
        let mut history = spoken();
        assert_eq!(said(&history)[2], "A One two. Three four five six.[]");
        history.truncate(&item("i1"), 1_600);
        assert_eq!(said(&history)[2], "A One two. Three four[]");
        history.truncate(&item("i1"), 100);
        assert_eq!(said(&history).len(), 2, "not a word of it");
        let mut history = spoken();
        history.delete(&item("i1"));
        assert_eq!(said(&history), ["S Be kind.", "U Hello."]);
    }

    #[test]
    fn runs_of_the_callers_speech_are_one_message() {
        let mut history = spoken();
        history.caller("And");
        history.caller("one more.");
        assert_eq!(said(&history)[3], "U And one more.");
    }

    #[test]
    fn every_call_has_its_result_right_behind_it() {
        let mut history = spoken();
        let id = |name: &str| ToolCallId::parse(name).unwrap();
        let call = |name: &str| ToolCall { id: id(name), name: "t".into(), arguments: "{}".into() };
        history.called(&item("i1"), &[call("c1"), call("c2")]);
        history.caller("Hm?");
        let output = Item::FunctionCallOutput { call_id: id("c2"), output: "2".to_owned() };
        history.add(&output);
        let all = said(&history);
        assert_eq!(
            all[2..],
            [
                "A One two. Three four five six.[ToolCall(\"t\", c1), ToolCall(\"t\", c2)]"
                    .to_owned(),
                format!("T {NO_RESULT}"),
                "T 2".to_owned(),
                "U Hm?".to_owned(),
            ]
        );
    }

    #[test]
    fn the_oldest_is_forgotten_first_and_the_newest_never() {
        let mut history = History::new("Be kind.".to_owned(), 60);
        for n in 0..10 {
            history.caller(&format!("Question {n} is this long."));
            history.begin(item(&format!("i{n}")));
            history.speak(&item(&format!("i{n}")), "Yes.");
        }
        let all = said(&history);
        assert_eq!(all[0], "S Be kind.");
        assert!(all.len() < 12 && all.len() > 3, "{all:?}");
        assert_eq!(all.last().unwrap(), "A Yes.[]");
        history.caller(&"long ".repeat(200));
        assert_eq!(said(&history).len(), 2);
    }
}
