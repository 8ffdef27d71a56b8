//! What a streamed answer consists of.

use serde::{Deserialize, Serialize};

use super::ToolCall;
use crate::ids::ToolCallId;
use crate::pii::Personal;
use crate::wire::refusal::Advice;

/// One thing that an answer says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ChatEvent {
    /// More words.
    Text(Personal),
    /// More words, by which the model declines to answer.
    Declined(Personal),
    /// A function call has begun; its arguments are still being written.
    CallBegun {
        /// The model's name of the call.
        id: ToolCallId,
        /// The function.
        name: String,
    },
    /// A function call is complete. All of an answer's calls come together, in
    /// their order, before [`ChatEvent::Finished`].
    Call(ToolCall),
    /// The answer is complete; usage may follow.
    Finished(FinishReason),
    /// What the answer cost.
    Usage(Usage),
    /// The stream is over: the last event.
    Done,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model had said what it wanted.
    Stop,
    /// It ran out of tokens, in the middle of something.
    Length,
    /// It calls functions.
    ToolCalls,
    /// A filter stopped it.
    ContentFilter,
    /// A reason that we do not know.
    Other,
}

impl FinishReason {
    pub(super) fn read(text: &str) -> Self {
        match text {
            "stop" | "end_turn" => Self::Stop,
            "length" | "max_tokens" => Self::Length,
            "tool_calls" | "function_call" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            _ => Self::Other,
        }
    }
}

/// Tokens of one answer. Lost where the stream is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read by the model, cached ones included.
    pub prompt: u64,
    /// Read from the cache.
    pub cached: u64,
    /// Written by the model, reasoning included.
    pub completion: u64,
}

/// Why a stream cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The service reports an error in the middle of its answer.
    #[error("{}: {message}", code.as_deref().unwrap_or("error"))]
    Service {
        /// Its code or type, where it has one.
        code: Option<String>,
        /// Words for a person, cut short; may be empty.
        message: String,
    },
    /// It ended before the answer was complete.
    #[error("the stream ended before the answer was complete")]
    Cut,
    /// A line, the arguments of a call, or the number of calls is beyond reason.
    #[error("the answer has a {0} beyond its limit")]
    TooLong(&'static str),
    /// A line that is no chunk. Holds no part of it, because it may hold what a
    /// person said.
    #[error("unreadable chunk at column {0}")]
    Unreadable(usize),
}

impl StreamError {
    /// What it asks of us. Asking again is for those who have used nothing of
    /// the answer yet.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self {
            Self::Service { code, .. } => {
                code.as_deref().and_then(Advice::of_code).unwrap_or(Advice::Retry)
            }
            Self::Cut | Self::Unreadable(_) | Self::TooLong(_) => Advice::Retry,
        }
    }
}
