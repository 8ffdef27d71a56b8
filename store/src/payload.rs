//! JSON in a text column.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON value of an event or of a call's captured fields. A tool's arguments
/// may name a person, so it prints as the names of its fields alone.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Payload(pub Value);

impl Default for Payload {
    /// The empty object.
    fn default() -> Self {
        Self(Value::Object(Map::new()))
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Object(fields) => f.debug_set().entries(fields.keys()).finish(),
            Value::Array(items) => write!(f, "[{} items]", items.len()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => f.write_str("…"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_it_holds_is_not_printed() {
        let payload = Payload(json!({"name": "Ada", "digits": ["1"]}));
        assert_eq!(format!("{payload:?}"), r#"{"digits", "name"}"#);
        assert_eq!(format!("{:?}", Payload(json!("Ada"))), "…");
    }
}
