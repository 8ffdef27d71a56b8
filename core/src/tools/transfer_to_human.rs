//! `transfer_to_human`: the model hands the caller to a person.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{not_blank, read_arguments, schema_of};
use super::{Prepared, Tool, ToolContext, ToolError};
use crate::pii::Personal;
use crate::tenant::Tenant;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Why the caller needs a person, in one sentence that the person can be told.
    #[schemars(length(min = 1))]
    reason: String,
}

pub(super) struct TransferToHuman;

impl Tool for TransferToHuman {
    fn name(&self) -> &'static str {
        "transfer_to_human"
    }

    fn description(&self) -> &'static str {
        "Connects the caller to a person at the business. Use it when the caller asks for a \
         person, is upset, reports an emergency, or needs what you cannot do."
    }

    fn schema(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn suits(&self, tenant: &Tenant) -> bool {
        tenant.human_number.is_some()
    }

    fn prepare(&self, arguments: &str, _: &ToolContext) -> Result<Prepared, ToolError> {
        let Arguments { reason } = read_arguments(arguments)?;
        Ok(Prepared::Transfer {
            answer: json!({
                "status": "transferring",
                "next": "Tell the caller in one short sentence that you are connecting them now.",
            }),
            reason: Personal::new(not_blank("reason", reason)?),
        })
    }
}
