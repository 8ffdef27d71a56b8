//! `end_call`: the model hangs up.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{read_arguments, schema_of};
use super::{Prepared, Tool, ToolContext, ToolError};
use crate::pii::Personal;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Why the call ends, in a few words.
    reason: Option<String>,
}

pub(super) struct EndCall;

impl Tool for EndCall {
    fn name(&self) -> &'static str {
        "end_call"
    }

    fn description(&self) -> &'static str {
        "Ends the phone call. Use it when the caller has said goodbye or wants nothing more, \
         never in the middle of a task. You can say goodbye afterwards, before the line closes."
    }

    fn schema(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn prepare(&self, arguments: &str, _: &ToolContext) -> Result<Prepared, ToolError> {
        let Arguments { reason } = read_arguments(arguments)?;
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        Ok(Prepared::EndCall {
            answer: json!({
                "status": "ending",
                "next": "Say goodbye in one short sentence. The line closes after it.",
            }),
            reason: Personal::new(reason.unwrap_or_else(|| "the conversation is over".to_owned())),
        })
    }
}
