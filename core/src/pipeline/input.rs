//! What happens to a pipeline, as plain data.

use crate::pii::Personal;
use crate::wire::chat::ToolCall;
use crate::wire::realtime::{ClientEvent, Usage};

use super::Heard;

/// What the language model tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Thought {
    /// More of the answer.
    Text(Personal),
    /// A tool that is to be run, whole.
    Call(ToolCall),
    /// The answer is whole.
    Finished {
        /// What it used, where it says so.
        usage: Option<Usage>,
    },
    /// No more comes, and the answer is not whole.
    Failed {
        /// In words, without secrets.
        reason: String,
        /// Whether asking the same model again could help.
        retry: bool,
    },
}

/// What a voice tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voiced {
    /// So many bytes of μ-law, which are with the media path, or held where
    /// [`Pipeline::holds`](super::Pipeline::holds) says so.
    Audio {
        /// Bytes.
        bytes: u64,
    },
    /// The sentence is whole.
    Finished,
    /// No more comes, and the sentence is not whole.
    Failed {
        /// In words, without secrets.
        reason: String,
        /// Whether asking the same voice again could help.
        retry: bool,
    },
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The call wants something, as of a realtime session.
    Call(ClientEvent),
    /// The call takes the caller's turn for likely over: the answer is to be begun
    /// and held, until the call wants it.
    Speculate,
    /// A piece of the caller's audio, μ-law.
    Audio(Vec<u8>),
    /// A recogniser tells something.
    Heard {
        /// In which connection.
        connection: u32,
        /// What.
        event: Heard,
    },
    /// The language model tells something.
    Thought {
        /// In answer to which request.
        request: u32,
        /// What.
        event: Thought,
    },
    /// A voice tells something.
    Voiced {
        /// In answer to which request.
        request: u32,
        /// What.
        event: Voiced,
    },
}
