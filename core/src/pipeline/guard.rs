//! What may not be said: names of tools, and data that was meant for a machine.

use super::sentences::Sentence;
use crate::wire::realtime::ToolSpec;

/// Said in place of a sentence that may not be.
pub const SAFE_SENTENCE: &str = "One moment, please.";

/// The complaint that stands for a sentence that was replaced.
pub const UNSAFE_OUTPUT: &str = "unsafe_output";

/// Looks at every sentence before it is spoken.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Tools whose names no person would say.
    names: Vec<String>,
}

impl Guard {
    /// One for these tools.
    #[must_use]
    pub fn new(tools: &[ToolSpec]) -> Self {
        let names = tools.iter().map(|tool| tool.name.to_lowercase());
        Self { names: names.filter(|name| name.contains('_')).collect() }
    }

    /// The sentence, or the safe one in its place, and whether it was replaced.
    #[must_use]
    pub fn check(&self, sentence: Sentence) -> (Sentence, bool) {
        let text = sentence.written.to_lowercase();
        let named = self.names.iter().any(|name| text.contains(name.as_str()));
        if named || looks_like_data(&text) {
            let safe = SAFE_SENTENCE.to_owned();
            return (Sentence { written: safe.clone(), spoken: safe }, true);
        }
        (sentence, false)
    }
}

fn looks_like_data(text: &str) -> bool {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    ["{\"", "[{", "\"}", "{'", "<tool", "</tool"].iter().any(|mark| dense.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn replaced(text: &str) -> bool {
        let tool = |name: &str| ToolSpec {
            name: name.to_owned(),
            description: String::new(),
            parameters: json!({}),
        };
        let guard = Guard::new(&[tool("look_up"), tool("transfer")]);
        let sentence = Sentence { written: text.to_owned(), spoken: text.to_owned() };
        let (given, replaced) = guard.check(sentence);
        assert_eq!(given.written == SAFE_SENTENCE, replaced);
        replaced
    }

    #[test]
    fn tools_and_data_are_not_said() {
        assert!(replaced("I will call look_up now."));
        assert!(replaced("LOOK_UP(topic)"));
        assert!(replaced(r#"{"topic": "hours"}"#));
        assert!(replaced(r#"[ {"a" : 1} ]"#));
        assert!(!replaced("Let me look up the hours, then transfer you."));
        assert!(!replaced("He said \"yes\": fine."), "a quotation is no data");
    }
}
