//! Fields of JSON objects.

use serde_json::{Map, Value};

/// Sets a field; what was no object becomes one.
pub(crate) fn set(holder: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(map) = holder {
        map.insert(key.to_owned(), value.into());
    } else {
        *holder = Value::Object(Map::from_iter([(key.to_owned(), value.into())]));
    }
}
