//! What a pipeline wants done, as plain data.

use crate::call::ModelEvent;
use crate::ids::{ItemId, ResponseId};
use crate::pii::Personal;
use crate::time::Micros;
use crate::wire::chat::Message;
use crate::wire::realtime::ToolSpec;

use super::Speculation;

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Tell the call.
    Tell(ModelEvent),
    /// Record this.
    Measured(Measure),
    /// Dial a recogniser in place of the one there is.
    Dial {
        /// Number of the connection.
        connection: u32,
        /// Which, in the tenant's order.
        provider: usize,
        /// How long to wait first.
        delay: Micros,
    },
    /// Send the recogniser this audio, μ-law.
    Hear(Vec<u8>),
    /// Keep these pieces of the caller's audio for the next session: nobody heard them.
    GiveBack(Vec<Vec<u8>>),
    /// Ask a language model.
    Ask(Box<Question>),
    /// Its answer is not wanted any more.
    StopAsking {
        /// Which request.
        request: u32,
    },
    /// Have a sentence spoken. Its audio goes to the media path as it comes, or is
    /// held where [`Pipeline::holds`](super::Pipeline::holds) says so.
    Speak(Box<Speech>),
    /// The rest of it is not wanted any more, nor what is held of it.
    Hush {
        /// Which request.
        request: u32,
    },
    /// What is held of a sentence goes to the media path, and so does the rest of it.
    Release {
        /// Which request.
        request: u32,
        /// The response that it belongs to.
        response: ResponseId,
        /// And the item.
        item: ItemId,
    },
    /// An answer was begun before it was wanted, or became of use or of none: for
    /// those who count.
    Speculated(Speculation),
    /// All audio of an item has been handed over: to be done before the call hears
    /// of it.
    FinishItem {
        /// Of which response.
        response: ResponseId,
        /// Which.
        item: ItemId,
    },
    /// All audio of a response has.
    FinishResponse {
        /// Which.
        response: ResponseId,
    },
}

/// Something that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// From a question to a language model to the first of its answer.
    FirstToken(Micros),
    /// From the question to the first sentence that a voice is given.
    FirstSentence(Micros),
    /// From a sentence's order to its first sound.
    FirstSound(Micros),
    /// Another service of this kind was asked instead: `agent`, `recogniser` or `voice`.
    Failover(&'static str),
}

/// What a language model is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Number of the request.
    pub request: u32,
    /// Which model, in the tenant's order.
    pub provider: usize,
    /// The conversation.
    pub messages: Vec<Message>,
    /// What it may call.
    pub tools: Vec<ToolSpec>,
}

/// What a voice is to say.
#[derive(Clone, Debug)]
pub struct Speech {
    /// Number of the request.
    pub request: u32,
    /// Which voice, in the tenant's order.
    pub provider: usize,
    /// The words, as they are to be read.
    pub text: Personal,
    /// The response that they belong to.
    pub response: ResponseId,
    /// And the item.
    pub item: ItemId,
}
