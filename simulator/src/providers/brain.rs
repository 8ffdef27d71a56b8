//! What a response says and calls, from the script and the conversation so far.

use serde_json::Value;

use super::script::{Rule, Script};

/// Said to a result that is an error.
const NOT_FOUND: &str = "I am sorry, I could not find that out.";

/// One piece of a response, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Words to speak, or to write in a text session.
    Say(String),
    /// A function call; the arguments are JSON text.
    Call { tool: String, arguments: String },
}

/// What stands in a dialogue for the number of the answer that says it.
const NUMBER: &str = "{number}";

impl Part {
    /// Puts in the answer's number where the dialogue asks for it, so that no two
    /// answers say the same.
    pub(crate) fn number(&mut self, number: u64) {
        match self {
            Self::Say(text) if text.contains(NUMBER) => {
                *text = text.replace(NUMBER, &number.to_string());
            }
            Self::Say(_) | Self::Call { .. } => {}
        }
    }
}

/// What a response is decided from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// Instructions of this response alone, not the session's.
    pub(crate) instructions: Option<String>,
    /// Names of the functions that may be called.
    pub(crate) tools: Vec<String>,
    /// A function that must be called.
    pub(crate) forced_tool: Option<String>,
    /// The caller's last words, where they are still unanswered.
    pub(crate) heard: Option<String>,
    /// Results since the last response: function name and output.
    pub(crate) results: Vec<(String, String)>,
    /// Whether anybody has said anything yet.
    pub(crate) begun: bool,
    /// Responses so far; chooses among the default answers.
    pub(crate) turn: usize,
}

/// Decides a response: never empty.
pub(crate) fn decide(script: &Script, context: &Context) -> Vec<Part> {
    if let Some(tool) = &context.forced_tool {
        return vec![Part::Call { tool: tool.clone(), arguments: "{}".to_owned() }];
    }
    if let Some(text) = context.instructions.as_deref().and_then(quoted) {
        return vec![Part::Say(text.to_owned())];
    }
    if !context.results.is_empty() {
        let said = context.results.iter().map(|(tool, output)| answer(script, tool, output));
        return vec![Part::Say(said.collect::<Vec<_>>().join(" "))];
    }
    match &context.heard {
        Some(heard) => script
            .rule_for(heard)
            .and_then(|rule| apply(rule, &context.tools))
            .unwrap_or_else(|| vec![Part::Say(default(script, context.turn))]),
        None if context.begun => vec![Part::Say(default(script, context.turn))],
        None => vec![Part::Say(script.greeting.clone())],
    }
}

/// The text between the first and the last quotation mark, if there is any.
fn quoted(instructions: &str) -> Option<&str> {
    let is_quote = |c: char| matches!(c, '"' | '“' | '”');
    let start = instructions.find(is_quote)?;
    let after = start + instructions.get(start..)?.chars().next()?.len_utf8();
    let end = instructions.rfind(is_quote).filter(|end| *end >= after)?;
    let text = instructions.get(after..end)?.trim();
    (!text.is_empty()).then_some(text)
}

fn apply(rule: &Rule, tools: &[String]) -> Option<Vec<Part>> {
    let offered: Vec<Part> = rule
        .calls
        .iter()
        .filter(|call| tools.contains(&call.tool))
        .map(|call| Part::Call {
            tool: call.tool.clone(),
            arguments: serde_json::to_string(&call.arguments).unwrap_or_else(|_| "{}".to_owned()),
        })
        .collect();
    let missing = offered.is_empty() && !rule.calls.is_empty();
    let text =
        if missing { rule.without_tool.as_ref().or(rule.say.as_ref()) } else { rule.say.as_ref() };
    let mut parts: Vec<Part> = text.cloned().map(Part::Say).into_iter().collect();
    parts.extend(offered);
    (!parts.is_empty()).then_some(parts)
}

fn default(script: &Script, turn: usize) -> String {
    let texts = &script.default;
    texts.get(turn % texts.len().max(1)).cloned().unwrap_or_default()
}

/// A result put into its rule's words.
fn answer(script: &Script, tool: &str, output: &str) -> String {
    let template = script.result_for(tool).map_or("{output}", |rule| rule.say.as_str());
    let parsed: Option<Value> = serde_json::from_str(output).ok();
    let mut text = template.replace("{output}", &in_words(parsed.as_ref(), output));
    if let Some(Value::Object(fields)) = &parsed {
        for (name, value) in fields {
            let value = in_words(Some(value), &value.to_string());
            text = text.replace(&format!("{{{name}}}"), &value);
        }
    }
    if text.trim().is_empty() { "All right.".to_owned() } else { text }
}

/// A result as something to say: its texts, without the names of the fields.
fn in_words(parsed: Option<&Value>, raw: &str) -> String {
    match parsed {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(fields)) if fields.contains_key("error") => NOT_FOUND.to_owned(),
        Some(Value::Object(fields)) => {
            let named = ["answer", "text", "result", "message", "output"];
            let best = named.iter().find_map(|name| fields.get(*name)?.as_str());
            best.map_or_else(
                || fields.values().filter_map(Value::as_str).collect::<Vec<_>>().join(". "),
                str::to_owned,
            )
        }
        Some(Value::Null) => String::new(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_)) | None => raw.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    fn say(context: &Context) -> Vec<Part> {
        decide(&Script::receptionist().unwrap(), context)
    }

    fn heard(text: &str, tools: &[&str]) -> Context {
        Context {
            heard: Some(text.to_owned()),
            tools: tools.iter().map(|t| (*t).to_owned()).collect(),
            begun: true,
            ..Context::default()
        }
    }

    #[test]
    fn what_is_quoted_is_said_exactly() {
        let context = Context {
            instructions: Some(
                "Greet the caller. Say exactly: \"Good \"evening\" to you.\"".to_owned(),
            ),
            ..Context::default()
        };
        assert_eq!(say(&context), [Part::Say("Good \"evening\" to you.".to_owned())]);
        assert_eq!(quoted("Say “Grüß Gott”!"), Some("Grüß Gott"));
        assert_eq!(quoted("no \"end"), None);
        assert_eq!(quoted("\"\""), None);
    }

    #[test]
    fn a_function_is_called_only_where_it_is_offered() {
        let with = say(&heard("when are you open", &["look_up"]));
        let call = Part::Call {
            tool: "look_up".to_owned(),
            arguments: r#"{"topic":"opening hours"}"#.to_owned(),
        };
        assert_eq!(with.last(), Some(&call));
        let without = say(&heard("when are you open", &[]));
        assert!(matches!(without.as_slice(), [Part::Say(text)] if text.contains("nine to five")));
    }

    #[test]
    fn a_result_is_put_into_words() {
        let result = |output: &str| {
            let results = vec![("look_up".to_owned(), output.to_owned())];
            say(&Context { results, begun: true, ..Context::default() })
        };
        let said = |text: &str| vec![Part::Say(text.to_owned())];
        assert_eq!(result(r#"{"answer":"Ten to two.","found":true}"#), said("Ten to two."));
        assert_eq!(result("Ten to two."), said("Ten to two."));
        assert_eq!(result(r#"{"error":"unknown"}"#), said(NOT_FOUND));
        assert_eq!(result("null"), said("All right."));
    }

    #[test]
    fn the_first_response_is_the_greeting_and_a_stranger_gets_a_default() {
        assert!(
            matches!(say(&Context::default()).as_slice(), [Part::Say(t)] if t.starts_with("Hello"))
        );
        let first = say(&heard("gibberish", &[]));
        let second = say(&Context { turn: 1, ..heard("gibberish", &[]) });
        assert_ne!(first, second);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|\"|“|\\{|\\}){0,60}") {
            let _seen = quoted(&text);
            let script = Script::receptionist().unwrap();
            let results = vec![(text.clone(), text.clone())];
            let _seen = decide(&script, &Context { results, ..Context::default() });
        }
    }
}
