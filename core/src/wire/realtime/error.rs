//! What can go wrong: a message that cannot be read, and an error that the
//! provider reports.

use crate::ids::IdError;

/// Why a message from the model could not be read. Holds no part of the
/// message, because it may hold what a person said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than [`super::MAX_MESSAGE_BYTES`].
    #[error("message of {bytes} bytes is too long")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not JSON, or not the shape that its type has.
    #[error("unreadable message at line {line} column {column}")]
    Unreadable {
        /// Line in the part that was being read, from 1.
        line: usize,
        /// Column in that line, from 1.
        column: usize,
    },
    /// A field that this type of event cannot do without.
    #[error("event lacks its {0}")]
    Missing(&'static str),
    /// An identifier that is none.
    #[error(transparent)]
    Id(#[from] IdError),
}

impl From<serde_json::Error> for WireError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable { line: error.line(), column: error.column() }
    }
}

/// An error that the provider reports. Most leave the session open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}: {message}", code.as_ref().map(|code| format!("/{code}")).unwrap_or_default())]
pub struct ApiError {
    /// Its `type`, such as `invalid_request_error`.
    pub kind: String,
    /// Its `code`, such as `session_expired`, where there is one.
    pub code: Option<String>,
    /// Words for a person; may be empty.
    pub message: String,
    /// The `event_id` of our event that caused it, where we gave one.
    pub event_id: Option<String>,
}

/// What an error asks of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// A race that does no harm: log it and go on.
    Benign,
    /// A response is active already: wait for its end, then ask once more.
    ActiveResponse,
    /// The session has reached its longest time: open another.
    SessionOver,
    /// May work later: try again with backoff.
    Retryable,
    /// Will not work until somebody changes a setting or pays a bill.
    Fatal,
    /// We sent what we should not have: log it loudly and go on.
    OurBug,
}

impl ErrorClass {
    /// The class of an error's `code`, if the code alone tells. Also for the
    /// error inside a failed response.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "response_cancel_not_active"
            | "input_audio_buffer_commit_empty"
            | "item_truncate_invalid_item_id" => Self::Benign,
            "conversation_already_has_active_response" => Self::ActiveResponse,
            "session_expired" => Self::SessionOver,
            "rate_limit_exceeded" | "server_error" => Self::Retryable,
            "insufficient_quota"
            | "invalid_api_key"
            | "beta_api_shape_disabled"
            | "model_not_found" => Self::Fatal,
            "invalid_event" | "unknown_parameter" => Self::OurBug,
            _ => return None,
        })
    }
}

impl ApiError {
    /// What this error asks of us. One that nobody has described is taken for
    /// a passing fault, unless it says that our request was wrong.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        if let Some(class) = self.code.as_deref().and_then(ErrorClass::of_code) {
            return class;
        }
        if self.is_late_truncate() {
            return ErrorClass::Benign;
        }
        match self.kind.as_str() {
            "invalid_request_error" => ErrorClass::OurBug,
            "authentication_error" | "permission_error" | "insufficient_quota" => ErrorClass::Fatal,
            _ => ErrorClass::Retryable,
        }
    }

    /// A truncate may reach the server when the item is shorter than we think
    /// or has no audio yet. The codes (`invalid_value` and others) are shared
    /// with real mistakes, so the words decide.
    fn is_late_truncate(&self) -> bool {
        self.message.contains("already shorter than") || self.message.contains("can be truncated")
    }
}
