//! Tools: functions that the model may call, and what comes of it.
//!
//! A tool is one file: a name, a description for the model, an argument type
//! that gives its JSON schema, and a handler. The handler is pure: it says
//! what is to be done ([`Prepared`]), and the shell does it.
//!
//! # Adding a tool
//!
//! 1. A file in this folder with a unit struct that implements [`Tool`]:
//!
//!    ```text
//!    /// Where the business is.
//!    #[derive(Deserialize, JsonSchema)]
//!    #[serde(deny_unknown_fields)]
//!    struct Arguments {
//!        /// The landmark the caller knows.
//!        near: Option<String>,
//!    }
//!
//!    pub(super) struct GiveDirections;
//!
//!    impl Tool for GiveDirections {
//!        fn name(&self) -> &'static str { "give_directions" }
//!        fn description(&self) -> &'static str { "Tells the way to the business." }
//!        fn schema(&self) -> Value { schema_of::<Arguments>() }
//!        fn prepare(&self, arguments: &str, context: &ToolContext) -> Result<Prepared, ToolError> {
//!            let arguments: Arguments = read_arguments(arguments)?;
//!            Ok(Prepared::Answer(json!({"way": …})))
//!        }
//!    }
//!    ```
//!
//!    The comments on the argument type are what the model is told about it;
//!    `deny_unknown_fields` closes the schema.
//!    A tool that changes something outside of the call says so in `side_effect`.
//! 2. One line in the table `ALL` below.
//! 3. Its name in the `tools` list of the tenants that may use it.

mod arguments;
mod collect_digits;
mod end_call;
mod error;
mod look_up;
mod toolbox;
mod transfer_to_human;
mod words;

use std::sync::Arc;

use serde_json::Value;

use crate::pii::Personal;
use crate::tenant::Tenant;

pub use arguments::MAX_ARGUMENTS_BYTES;
pub use collect_digits::DigitPlan;
pub use error::ToolError;
pub use toolbox::{Toolbox, UnknownTool};

/// Every tool there is.
const ALL: &[&dyn Tool] = &[
    &collect_digits::CollectDigits,
    &end_call::EndCall,
    &look_up::LookUp,
    &transfer_to_human::TransferToHuman,
];

/// The names of all tools that there are, whoever may use them.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|tool| tool.name())
}

/// A function that the model may call.
pub trait Tool: Send + Sync {
    /// What the model and the tenant files call it: small letters, digits, `_`.
    fn name(&self) -> &'static str;

    /// When to use it, in words for the model.
    fn description(&self) -> &'static str;

    /// JSON schema of its arguments: an object that allows no other fields.
    fn schema(&self) -> Value;

    /// Whether it makes sense for this tenant; it is not offered otherwise.
    fn suits(&self, _: &Tenant) -> bool {
        true
    }

    /// Whether it changes something outside of the call: a booking, a message. It
    /// is then done once for the same arguments, however often the model asks, and
    /// is written down before anybody is told.
    fn side_effect(&self) -> bool {
        false
    }

    /// Reads the arguments, JSON text as the model wrote it, and says what is
    /// to be done.
    ///
    /// # Errors
    /// When the arguments are wrong. The error's [`ToolError::output`] tells
    /// the model how to put it right.
    fn prepare(&self, arguments: &str, context: &ToolContext) -> Result<Prepared, ToolError>;
}

/// What a handler may see of the call.
#[derive(Clone, Debug)]
pub struct ToolContext {
    /// The business that is called.
    pub tenant: Arc<Tenant>,
}

/// What is to be done about a function call. Each but the last carries the answer
/// that goes back to the model, a JSON object.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepared {
    /// Nothing but to answer.
    Answer(Value),
    /// End the call, once the model has said goodbye.
    EndCall {
        /// For the model.
        answer: Value,
        /// Why, in the model's words.
        reason: Personal,
    },
    /// Hand the caller to a human.
    Transfer {
        /// For the model.
        answer: Value,
        /// Why, in the model's words.
        reason: Personal,
    },
    /// Take keys from the caller. What was pressed is the answer.
    CollectDigits(DigitPlan),
}
