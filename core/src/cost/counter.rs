//! Counts what a session orders of its services, by watching it: a pipeline's inputs
//! and outputs pass by here, and a speech model's transcriptions are noted.

use std::collections::BTreeMap;

use crate::pipeline::{Input, Output, Speculation, Thought};
use crate::wire::chat::Message;
use crate::wire::realtime::Usage;

use super::{Amount, Part, Used, Waste};

/// Bytes of μ-law in a millisecond.
const BYTES_PER_MS: u64 = 8;
/// Characters of text in a token, about: for answers that nobody counted.
pub(crate) const CHARACTERS_PER_TOKEN: u64 = 4;
/// Audio that may be unreported while nothing depends on it.
const PATIENCE_MS: u64 = 1_000;

/// A question to a language model that has not been counted.
#[derive(Clone, Copy, Debug)]
struct Asked {
    provider: usize,
    cheaper: bool,
    read: u64,
    written: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Counter {
    session: usize,
    cheaper: bool,
    recogniser: usize,
    /// Audio that was sent to it and not reported.
    heard_bytes: u64,
    asked: BTreeMap<u32, Asked>,
    used: Vec<Used>,
    /// What an answer took that was begun in advance, while nobody knows whether it
    /// is wanted.
    begun: Option<Waste>,
    wasted: Waste,
}

impl Counter {
    /// Another session begins: the tenant's model or pipeline of this number.
    pub fn begin_session(&mut self, session: usize) {
        self.report_audio();
        for request in self.asked.keys().copied().collect::<Vec<_>>() {
            self.stopped(request);
        }
        self.thrown_away();
        self.session = session;
        self.recogniser = 0;
    }

    /// Cheaper models are asked from now on.
    pub fn economise(&mut self) {
        self.cheaper = true;
    }

    /// Something happens to the pipeline.
    pub fn input(&mut self, input: &Input) {
        let Input::Thought { request, event } = input else {
            return;
        };
        match event {
            Thought::Text(text) => self.wrote(*request, text.expose()),
            Thought::Call(call) => {
                self.wrote(*request, &call.name);
                self.wrote(*request, &call.arguments);
            }
            Thought::Finished { usage: Some(usage) } => {
                if let Some(asked) = self.asked.remove(request) {
                    self.answered(asked, *usage, false);
                }
            }
            Thought::Finished { usage: None } => self.stopped(*request),
            // One that was refused, and wrote nothing, took no money.
            Thought::Failed { .. } => {
                let broke_off = self.asked.get(request).is_some_and(|asked| asked.written > 0);
                if broke_off {
                    self.stopped(*request);
                } else {
                    self.asked.remove(request);
                }
            }
        }
    }

    /// The pipeline wants something done.
    pub fn output(&mut self, output: &Output) {
        if let Output::Dial { provider, .. } = output {
            self.report_audio();
            self.recogniser = *provider;
        } else if let Output::Hear(audio) = output {
            self.heard_bytes += audio.len() as u64;
        } else if let Output::Ask(question) = output {
            let read = question.messages.iter().map(length).sum();
            let (provider, cheaper) = (question.provider, self.cheaper);
            let asked = Asked { provider, cheaper, read, written: 0 };
            self.asked.insert(question.request, asked);
        } else if let Output::StopAsking { request } = output {
            self.stopped(*request);
        } else if let Output::Speak(speech) = output {
            let characters = speech.text.expose().chars().count() as u64;
            self.note(Part::Voice, speech.provider, Amount::Characters(characters));
        } else if let Output::Speculated(speculation) = output {
            match speculation {
                Speculation::Started => self.begun = Some(Waste::default()),
                Speculation::Used => self.begun = None,
                Speculation::ThrownAway(_) => self.thrown_away(),
            }
        }
    }

    /// The speech model's session had the caller's words put down.
    pub fn transcribed(&mut self, session: usize, amount: Amount) {
        let (part, index, cheaper) = (Part::Transcription, 0, false);
        self.used.push(Used { session, part, index, cheaper, amount, estimated: false });
    }

    /// What was used since the last time. Who is in no hurry gets little pieces of
    /// audio together, once there is a second of them.
    pub fn take(&mut self, in_no_hurry: bool) -> Vec<Used> {
        if !in_no_hurry || self.heard_bytes >= PATIENCE_MS * BYTES_PER_MS {
            self.report_audio();
        }
        std::mem::take(&mut self.used)
    }

    /// How much of what was used went into answers that were thrown away since the
    /// last time.
    pub fn take_waste(&mut self) -> Waste {
        std::mem::take(&mut self.wasted)
    }

    /// What does not fill a millisecond waits for the rest of it.
    fn report_audio(&mut self) {
        let ms = self.heard_bytes / BYTES_PER_MS;
        self.heard_bytes %= BYTES_PER_MS;
        if ms > 0 {
            self.note(Part::Recogniser, self.recogniser, Amount::AudioMs(ms));
        }
    }

    fn note(&mut self, part: Part, index: usize, amount: Amount) {
        let session = self.session;
        self.add(Used { session, part, index, cheaper: false, amount, estimated: false });
    }

    /// A pipeline writes one answer at a time: while one is begun in advance, all
    /// that is used is used for it.
    fn add(&mut self, used: Used) {
        if let Some(begun) = &mut self.begun {
            begun.add(used.amount);
        }
        self.used.push(used);
    }

    fn thrown_away(&mut self) {
        if let Some(begun) = self.begun.take() {
            self.wasted.add_all(begun);
        }
    }

    fn wrote(&mut self, request: u32, text: &str) {
        if let Some(asked) = self.asked.get_mut(&request) {
            asked.written += text.chars().count() as u64;
        }
    }

    /// No more comes of an answer, and nobody says what it took.
    fn stopped(&mut self, request: u32) {
        if let Some(asked) = self.asked.remove(&request) {
            let usage = Usage {
                text_in: asked.read.div_ceil(CHARACTERS_PER_TOKEN),
                text_out: asked.written.div_ceil(CHARACTERS_PER_TOKEN),
                ..Usage::default()
            };
            self.answered(asked, usage, true);
        }
    }

    fn answered(&mut self, asked: Asked, usage: Usage, estimated: bool) {
        self.add(Used {
            session: self.session,
            part: Part::Agent,
            index: asked.provider,
            cheaper: asked.cheaper,
            amount: Amount::Tokens(usage),
            estimated,
        });
    }
}

/// Characters of one entry of a conversation.
fn length(message: &Message) -> u64 {
    let characters = |text: &str| text.chars().count() as u64;
    match message {
        Message::System { text } | Message::User { text } => characters(text),
        Message::Assistant { text, calls } => {
            let called = calls.iter().map(|c| characters(&c.name) + characters(&c.arguments));
            characters(text) + called.sum::<u64>()
        }
        Message::Tool { output, .. } => characters(output),
    }
}
