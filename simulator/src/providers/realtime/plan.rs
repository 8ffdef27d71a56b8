//! A response: what it will say, cut into steps, and how far it has come.

use std::sync::Arc;

use serde_json::{Value, json};

use super::dialect::Dialect;
use super::usage::Tokens;
use crate::providers::knobs::Knobs;
use crate::speech::level::AudioFormat;

/// One event, or a group that always comes together. `index` is the item's
/// place in the response's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The item appears, and its content part if it is a message.
    Begin { index: usize },
    /// Words of the transcript, or of a written answer.
    Words { index: usize, text: String },
    /// Octets `from..to` of the item's audio.
    Audio { index: usize, from: usize, to: usize },
    /// Part of a function call's arguments.
    Arguments { index: usize, text: String },
    /// The item is complete.
    End { index: usize },
    /// The response is complete.
    Finish,
}

/// One item of a response's output.
#[derive(Clone, Debug)]
pub(crate) struct OutItem {
    pub(crate) id: String,
    pub(crate) content: Content,
    pub(crate) begun: bool,
    pub(crate) ended: bool,
}

/// What an item says or calls.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Speech { text: String, audio: Arc<[u8]>, said: String, sent_bytes: usize },
    Text { text: String, said: String },
    Call { call_id: String, name: String, arguments: String },
}

/// A response that is not over.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) number: u16,
    pub(crate) id: String,
    /// Whether it belongs to the default conversation.
    pub(crate) in_conversation: bool,
    pub(crate) metadata: Value,
    pub(crate) modalities: Value,
    pub(crate) format: AudioFormat,
    pub(crate) items: Vec<OutItem>,
    pub(crate) input: Tokens,
    /// Ends only when it is cancelled: the caller's own audio is its content.
    pub(crate) echo: bool,
}

impl OutItem {
    /// As it is shown in the output, complete or not.
    pub(crate) fn body(&self, dialect: Dialect, status: &str) -> Value {
        match &self.content {
            Content::Speech { .. } | Content::Text { .. } => {
                let part = self.part(dialect);
                let content = if status == "in_progress" { json!([]) } else { json!([part]) };
                json!({
                    "id": self.id, "object": "realtime.item", "type": "message",
                    "role": "assistant", "status": status, "content": content,
                })
            }
            Content::Call { call_id, name, arguments } => json!({
                "id": self.id, "object": "realtime.item", "type": "function_call",
                "status": status, "name": name, "call_id": call_id,
                "arguments": if status == "completed" { arguments.as_str() } else { "" },
            }),
        }
    }

    /// What was said so far, as a content part of an item.
    fn part(&self, dialect: Dialect) -> Value {
        match &self.content {
            Content::Speech { said, .. } => {
                json!({"type": dialect.audio_content(), "transcript": said})
            }
            Content::Text { said, .. } => json!({"type": dialect.text_content(), "text": said}),
            Content::Call { .. } => Value::Null,
        }
    }

    /// What was said so far, as a content part of an event.
    pub(crate) fn event_part(&self) -> Value {
        match &self.content {
            Content::Speech { said, .. } => json!({"type": "audio", "transcript": said}),
            Content::Text { said, .. } => json!({"type": "text", "text": said}),
            Content::Call { .. } => Value::Null,
        }
    }

    fn tokens(&self, format: AudioFormat) -> Tokens {
        match &self.content {
            Content::Speech { said, sent_bytes, .. } => {
                Tokens::of_text(said) + Tokens::of_assistant_audio(format.ms(*sent_bytes))
            }
            Content::Text { said, .. } => Tokens::of_text(said),
            Content::Call { arguments, .. } => Tokens::of_text(arguments),
        }
    }
}

impl Active {
    pub(crate) fn output_tokens(&self) -> Tokens {
        self.items.iter().filter(|i| i.begun).map(|i| i.tokens(self.format)).sum()
    }

    /// When each step is due, in milliseconds after the response's creation.
    pub(crate) fn schedule(&self, knobs: &Knobs) -> Vec<(u64, Step)> {
        let mut clock = Clock { at_ms: knobs.first_audio_ms, steps: Vec::new() };
        for (index, item) in self.items.iter().enumerate() {
            clock.add(Step::Begin { index });
            match &item.content {
                Content::Speech { text, audio, .. } => {
                    clock.speech(index, text, audio.len(), self.format, knobs);
                }
                Content::Text { text, .. } => {
                    for word in text.split_inclusive(' ') {
                        clock.add(Step::Words { index, text: word.to_owned() });
                        clock.at_ms += 5;
                    }
                }
                Content::Call { arguments, .. } => clock.arguments(index, arguments),
            }
            clock.add(Step::End { index });
        }
        clock.add(Step::Finish);
        clock.steps
    }
}

struct Clock {
    at_ms: u64,
    steps: Vec<(u64, Step)>,
}

impl Clock {
    fn add(&mut self, step: Step) {
        self.steps.push((self.at_ms, step));
    }

    /// The words of each delta come just ahead of its audio.
    fn speech(
        &mut self,
        index: usize,
        text: &str,
        bytes: usize,
        format: AudioFormat,
        knobs: &Knobs,
    ) {
        let whole_frames = usize::try_from(knobs.delta_ms / 20).unwrap_or(20).max(1);
        let delta = whole_frames * format.frame_bytes();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate above zero, and a delta of seconds at most"
        )]
        let pace_ms = (knobs.delta_ms as f64 / knobs.rate) as u64;
        let mut said = 0;
        for from in (0..bytes).step_by(delta) {
            let to = (from + delta).min(bytes);
            let until = word_end(text, text.len() * to / bytes.max(1));
            if let Some(words) = text.get(said..until).filter(|w| !w.is_empty()) {
                self.add(Step::Words { index, text: words.to_owned() });
                said = until;
            }
            self.add(Step::Audio { index, from, to });
            self.at_ms += pace_ms;
        }
    }

    fn arguments(&mut self, index: usize, arguments: &str) {
        let characters: Vec<char> = arguments.chars().collect();
        for piece in characters.chunks(12) {
            self.add(Step::Arguments { index, text: piece.iter().collect() });
            self.at_ms += 5;
        }
    }
}

/// The first end of a word at or after octet `at`.
fn word_end(text: &str, at: usize) -> usize {
    let later = |(n, c): (usize, char)| (n >= at && c == ' ').then_some(n + 1);
    text.char_indices().find_map(later).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]
    use super::*;

    fn active(text: &str, bytes: usize) -> Active {
        let content = Content::Speech {
            text: text.to_owned(),
            audio: vec![0; bytes].into(),
            said: String::new(),
            sent_bytes: 0,
        };
        let item = OutItem { id: "item_1".to_owned(), content, begun: false, ended: false };
        Active {
            number: 1,
            id: "resp_1".to_owned(),
            in_conversation: true,
            metadata: Value::Null,
            modalities: Value::Null,
            format: AudioFormat::Mulaw,
            items: vec![item],
            input: Tokens::default(),
            echo: false,
        }
    }

    #[test]
    fn audio_comes_five_times_faster_than_real_time_in_deltas_of_400_ms() {
        let steps = active("one two three", 8_000).schedule(&Knobs::default());
        let audio: Vec<(u64, usize)> = steps
            .iter()
            .filter_map(|(at, step)| match step {
                Step::Audio { from, to, .. } => Some((*at, to - from)),
                Step::Begin { .. }
                | Step::Words { .. }
                | Step::Arguments { .. }
                | Step::End { .. }
                | Step::Finish => None,
            })
            .collect();
        assert_eq!(audio, [(250, 3_200), (330, 3_200), (410, 1_600)]);
        assert_eq!(steps.last(), Some(&(490, Step::Finish)));
    }

    #[test]
    fn the_words_are_all_said_once_and_whole() {
        let text = "Grüß Gott, one two three four five six";
        let steps = active(text, 16_000).schedule(&Knobs::default());
        let said: Vec<&str> = steps
            .iter()
            .filter_map(|(_, step)| match step {
                Step::Words { text, .. } => Some(text.as_str()),
                Step::Begin { .. }
                | Step::Audio { .. }
                | Step::Arguments { .. }
                | Step::End { .. }
                | Step::Finish => None,
            })
            .collect();
        assert_eq!(said.concat(), text);
        assert!(said.len() > 2);
        assert!(said[..said.len() - 1].iter().all(|w| w.ends_with(' ')));
    }
}
