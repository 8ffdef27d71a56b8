//! `look_up`: an answer from the tenant's file, such as opening hours.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::{not_blank, read_arguments, schema_of};
use super::words::{in_common, words};
use super::{Prepared, Tool, ToolContext, ToolError};
use crate::tenant::Tenant;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What the caller wants to know, in a few words, such as "opening hours".
    #[schemars(length(min = 1))]
    topic: String,
}

pub(super) struct LookUp;

impl Tool for LookUp {
    fn name(&self) -> &'static str {
        "look_up"
    }

    fn description(&self) -> &'static str {
        "Looks up a fact about the business, such as hours, prices, the address or what it does. \
         Use it before you answer a question about the business; never guess."
    }

    fn schema(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn suits(&self, tenant: &Tenant) -> bool {
        !tenant.facts.is_empty()
    }

    fn prepare(&self, arguments: &str, context: &ToolContext) -> Result<Prepared, ToolError> {
        let Arguments { topic } = read_arguments(arguments)?;
        let topic = not_blank("topic", topic)?;
        Ok(Prepared::Answer(match find(&topic, &context.tenant) {
            Some((topic, fact)) => json!({"topic": topic, "answer": fact}),
            None => json!({
                "error": "nothing is known about that",
                "hint": "ask again with one of these topics, or say that you do not know",
                "topics": context.tenant.facts.keys().collect::<Vec<_>>(),
            }),
        }))
    }
}

/// The fact whose topic shares the most words with what was asked. Of equals
/// the one with the fewest words left over, then the first by name.
fn find<'a>(asked: &str, tenant: &'a Tenant) -> Option<(&'a String, &'a String)> {
    let asked = words(asked);
    tenant
        .facts
        .iter()
        .filter_map(|(topic, fact)| {
            let topic_words = words(topic);
            let common = in_common(&asked, &topic_words);
            (common > 0).then_some((common, topic_words.len() - common, topic, fact))
        })
        .min_by_key(|(common, left_over, topic, _)| (Reverse(*common), *left_over, *topic))
        .map(|(_, _, topic, fact)| (topic, fact))
}
