//! The arguments of a function call: their schema, and their reading.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::ToolError;
use crate::pii::Personal;

/// Longest arguments that are read, in bytes. A tool's arguments are a few
/// words; more than this is a model that has lost its way.
pub const MAX_ARGUMENTS_BYTES: usize = 16 * 1024;

/// The schema of an argument type, as providers want it: in one piece, and
/// without the names that only schema tools read.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.remove("description");
    schema.to_value()
}

/// Reads arguments as the model wrote them. A model that has nothing to say
/// may send an empty text for an empty object.
pub(super) fn read_arguments<T: DeserializeOwned>(text: &str) -> Result<T, ToolError> {
    if text.len() > MAX_ARGUMENTS_BYTES {
        return Err(ToolError::TooLong { bytes: text.len() });
    }
    let text = if text.trim().is_empty() { "{}" } else { text };
    // Serde would take an array for the fields in their order.
    if !text.trim_start().starts_with('{') {
        return Err(bad("the arguments are not a JSON object"));
    }
    serde_json::from_str(text).map_err(|error| bad(error.to_string()))
}

/// A text argument that must say something.
pub(super) fn not_blank(field: &str, text: String) -> Result<String, ToolError> {
    if text.trim().is_empty() {
        return Err(bad(format!("`{field}` is empty")));
    }
    Ok(text)
}

fn bad(detail: impl Into<String>) -> ToolError {
    ToolError::BadArguments { detail: Personal::new(detail) }
}
