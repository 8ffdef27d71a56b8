//! JSON in a text column.

use std::fmt;

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A JSON value of an event or of a call's captured fields. A tool's arguments
/// may name a person, so it prints as the names of its fields alone.
#[derive(Clone, PartialEq, Serialize, Deserialize, FromSqlRow)]
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

impl<DB: Backend> FromSql<Text, DB> for Payload
where
    String: FromSql<Text, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, DB>>::from_sql(bytes)?;
        Ok(Self(serde_json::from_str(&text)?))
    }
}
