//! What [`super::show`] shows, as text.

use serde_json::{Map, Value};

/// On one line, such as `model: caller transcript: item item_3, text [14 characters]`.
/// What is not there is not mentioned.
#[must_use]
pub fn say(shown: &Value) -> String {
    match shown {
        Value::Null => "none".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(say).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => say_fields(fields),
    }
}

fn say_fields(fields: &Map<String, Value>) -> String {
    let mut there: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
    // What sort of thing it is comes before what else there is to say of it.
    there.sort_by_key(|(name, _)| *name != "kind");
    if there.is_empty() {
        return "none".to_owned();
    }
    if let [(name, value)] = there.as_slice() {
        // What stands alone under a name needs no brackets.
        let joint = if value.is_object() { ": " } else { " " };
        return format!("{}{joint}{}", plain(name), say(value));
    }
    let said = there.into_iter().map(|(name, value)| match value {
        Value::Object(_) => format!("{} ({})", plain(name), say(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            format!("{} {}", plain(name), say(value))
        }
    });
    said.collect::<Vec<_>>().join(", ")
}

/// One line for each thing, indented by what it belongs to.
#[must_use]
pub fn say_lines(shown: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    add_lines(shown, 0, &mut lines);
    lines
}

/// Longest text that an inner thing may have on its holder's line.
const SHORT_CHARS: usize = 60;

fn add_lines(shown: &Value, depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match shown {
        Value::Object(fields) => {
            for (name, value) in fields {
                let said = say(value);
                let inner = match value {
                    Value::Object(fields) => !fields.is_empty(),
                    Value::Array(items) => !items.is_empty(),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
                };
                if inner && said.chars().count() > SHORT_CHARS {
                    lines.push(format!("{indent}{}:", plain(name)));
                    add_lines(value, depth + 1, lines);
                } else {
                    lines.push(format!("{indent}{}: {said}", plain(name)));
                }
            }
        }
        Value::Array(items) => {
            lines.extend(items.iter().map(|item| format!("{indent}- {}", say(item))));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            lines.push(format!("{indent}{}", say(shown)));
        }
    }
}

fn plain(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_come_before_what_they_name_and_what_is_not_there_is_left_out() {
        let shown =
            json!({ "model": { "response finished": { "completed": true, "error": null } } });
        assert_eq!(say(&shown), "model: response finished: completed yes");
        let shown = json!({ "a": 1, "b": { "c_d": "x" }, "e": [1, 2] });
        assert_eq!(say(&shown), "a 1, b (c d x), e [1, 2]");
    }

    #[test]
    fn long_things_have_lines_of_their_own() {
        let long = "x".repeat(SHORT_CHARS);
        let shown = json!({ "floor": { "long": long, "n": 1 }, "none": {}, "short": { "n": 1 } });
        let expected = ["floor:", &format!("  long: {long}"), "  n: 1", "none: none", "short: n 1"];
        assert_eq!(say_lines(&shown), expected);
    }
}
