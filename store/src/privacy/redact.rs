//! What of an event's particulars stays once the person is to be forgotten.

use serde_json::{Map, Value};

/// Says that something was taken out. The database lets an event be changed only
/// into one that says so and adds nothing else.
pub(super) const REDACTED: &str = "redacted";

/// Fields whose texts are words of this program's own, never somebody's: the rest
/// of an event's texts may be what was said, or what another side sent.
const OWN_WORDS: [&str; 9] =
    ["cause", "child", "ended_by", "exit", "outcome", "path", "step", "tool", "who"];

/// How JSON writes a zero byte.
const ZERO_BYTE: &str = "\\u0000";

/// What stays of particulars as they are stored, likewise; none when there is nothing
/// to take out.
pub(super) fn left_of(stored: &str) -> Option<String> {
    let data: Value = serde_json::from_str(stored).unwrap_or_default();
    let left = redacted(&data)?;
    Some(if stored.contains(ZERO_BYTE) { marked(Map::new()) } else { left }.to_string())
}

/// The same, and said in any case.
///
/// Postgres cannot look into JSON with a zero byte, to see that the fields that stay
/// are as they were: then none of them stays.
pub(super) fn always_left_of(stored: &str) -> String {
    let data: Value = serde_json::from_str(stored).unwrap_or_default();
    let empty = stored.contains(ZERO_BYTE);
    if empty { marked(Map::new()) } else { always_redacted(&data) }.to_string()
}

/// The particulars without what may be personal; none when there is nothing to
/// take out. Numbers and switches stay, texts only where they are our own words.
fn redacted(data: &Value) -> Option<Value> {
    let Value::Object(fields) = data else {
        return Some(marked(Map::new()));
    };
    let kept: Map<String, Value> = fields
        .iter()
        .filter(|(name, value)| may_stay(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    (kept.len() < fields.len()).then(|| marked(kept))
}

/// The same, and said in any case.
fn always_redacted(data: &Value) -> Value {
    redacted(data).unwrap_or_else(|| match data {
        Value::Object(fields) => marked(fields.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            marked(Map::new())
        }
    })
}

fn marked(mut fields: Map<String, Value>) -> Value {
    fields.insert(REDACTED.to_owned(), Value::Bool(true));
    Value::Object(fields)
}

fn may_stay(name: &str, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(_) => OWN_WORDS.contains(&name),
        Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_go_but_for_our_own_words() {
        let data = json!({"reason": "Ada wants it", "ms": 7, "ok": true, "outcome": "booked",
            "args": {"name": "Ada"}, "list": ["+1"]});
        let left = json!({"ms": 7, "ok": true, "outcome": "booked", "redacted": true});
        assert_eq!(redacted(&data), Some(left.clone()));
        assert_eq!(redacted(&left), None, "a second time there is nothing to do");
        assert_eq!(redacted(&json!({"ms": 7})), None);
        assert_eq!(redacted(&json!("Ada")), Some(json!({"redacted": true})));
        assert_eq!(always_redacted(&json!({"ms": 7})), json!({"ms": 7, "redacted": true}));
        assert_eq!(left_of(r#"{"ms":7}"#), None);
        assert_eq!(
            left_of(r#"{"ms":7,"x":"Ada"}"#).as_deref(),
            Some(r#"{"ms":7,"redacted":true}"#)
        );
        let zero = r#"{"ms":7,"x":"A\u0000"}"#;
        assert_eq!(left_of(zero).as_deref(), Some(r#"{"redacted":true}"#));
        assert_eq!(always_left_of(zero), r#"{"redacted":true}"#);
    }
}
