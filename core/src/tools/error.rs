//! A function call that cannot be carried out, told so that the model can
//! correct itself.

use serde_json::{Value, json};

use super::MAX_ARGUMENTS_BYTES;
use crate::pii::Personal;

/// Why a function call is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// The arguments are longer than [`MAX_ARGUMENTS_BYTES`].
    #[error("arguments of {bytes} bytes are too long")]
    TooLong {
        /// Their length.
        bytes: usize,
    },
    /// The arguments are no JSON, or not what the schema asks for. The detail
    /// may quote them, and so what the caller said.
    #[error("arguments do not fit the schema: {detail}")]
    BadArguments {
        /// What is wrong, for the model.
        detail: Personal,
    },
    /// There is no such tool, or this tenant does not offer it.
    #[error("the model called a tool that is not offered")]
    Unknown {
        /// What the model called, cut to 64 characters.
        name: String,
        /// What it could have called.
        known: Vec<&'static str>,
    },
}

impl ToolError {
    /// The answer to the model: what is wrong, and what to do instead.
    #[must_use]
    pub fn output(&self) -> Value {
        match self {
            Self::TooLong { bytes } => json!({
                "error": format!("the arguments have {bytes} bytes"),
                "hint": format!(
                    "call the tool again with less than {MAX_ARGUMENTS_BYTES} bytes of arguments"
                ),
            }),
            Self::BadArguments { detail } => json!({
                "error": detail.expose(),
                "hint": "correct the arguments to fit the tool's schema and call it again",
            }),
            Self::Unknown { name, known } => json!({
                "error": format!("there is no tool `{name}`"),
                "hint": match known.as_slice() {
                    [] => "go on without tools".to_owned(),
                    known => format!("the tools are: {}", known.join(", ")),
                },
            }),
        }
    }
}
