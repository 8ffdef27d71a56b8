//! What the simulated model says: rules from what it heard to what it answers.

use std::path::Path;

use serde::Deserialize;

/// The script that is used where none is given: a friendly receptionist.
const RECEPTIONIST: &str = include_str!("receptionist.toml");

/// A dialogue, as its TOML file says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Said when a response is asked for before anybody has spoken.
    pub greeting: String,
    /// Said, in turn, when no rule applies. At least one.
    pub default: Vec<String>,
    /// From the caller's words to an answer; the first that applies is taken.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
    /// From a function's result to an answer; the first that applies is taken.
    #[serde(default, rename = "result")]
    pub results: Vec<ResultRule>,
}

/// What is answered to certain words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Words or phrases, any of which makes the rule apply. Letter case and
    /// punctuation do not matter; whole words do.
    pub heard: Vec<String>,
    /// Said; before the calls, where there are any.
    pub say: Option<String>,
    /// Functions to call, in one response; only those that the session offers.
    #[serde(default, rename = "call")]
    pub calls: Vec<Call>,
    /// Said instead where the session offers none of the functions.
    pub without_tool: Option<String>,
}

/// One function call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The function's name.
    pub tool: String,
    /// Its arguments; sent as JSON.
    #[serde(default)]
    pub arguments: toml::Table,
}

/// What is said to a function's result.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultRule {
    /// The function's name; any function where unset.
    pub tool: Option<String>,
    /// A text in which `{output}` stands for the result in words, and `{name}`
    /// for the result's field of that name.
    pub say: String,
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("script {0}: {1}")]
    Unreadable(String, #[source] std::io::Error),
    /// Not TOML, or not a script.
    #[error("script: {0}")]
    Bad(#[from] toml::de::Error),
    /// There is nothing to say when no rule applies.
    #[error("script: `default` needs at least one text")]
    NoDefault,
}

impl Script {
    /// Reads a script's text.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or lacks a default.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let script: Self = toml::from_str(text)?;
        if script.default.is_empty() { Err(ScriptError::NoDefault) } else { Ok(script) }
    }

    /// Reads a script's file.
    ///
    /// # Errors
    /// As [`Script::parse`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| ScriptError::Unreadable(path.display().to_string(), e))?;
        Self::parse(&text)
    }

    /// The built-in receptionist.
    ///
    /// # Errors
    /// Never, as built: a test reads it.
    pub fn receptionist() -> Result<Self, ScriptError> {
        Self::parse(RECEPTIONIST)
    }

    /// The first rule that applies to what was heard.
    #[must_use]
    pub fn rule_for(&self, heard: &str) -> Option<&Rule> {
        let words = words(heard);
        let applies = |rule: &&Rule| rule.heard.iter().any(|h| words.contains(&self::words(h)));
        self.rules.iter().find(applies)
    }

    /// The first rule for a function's result.
    #[must_use]
    pub fn result_for(&self, tool: &str) -> Option<&ResultRule> {
        self.results.iter().find(|r| r.tool.as_deref().is_none_or(|name| name == tool))
    }
}

/// Lower case, single spaces and nothing but words, with a space at either end,
/// so that a search finds whole words only.
fn words(text: &str) -> String {
    let lower = text.to_lowercase().replace(['\'', '’'], "");
    let mut words = String::from(" ");
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        words.push_str(word);
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_receptionist_knows_what_callers_ask() {
        let script = Script::receptionist().unwrap();
        let tool = |heard: &str| {
            let rule = script.rule_for(heard).unwrap();
            rule.calls.first().map(|c| c.tool.clone())
        };
        assert_eq!(
            tool("Hello, what are your opening HOURS on Saturday?").as_deref(),
            Some("look_up")
        );
        assert_eq!(tool("Sorry, that's all I needed.").as_deref(), Some("end_call"));
        let long = script.rule_for("Tell me about your services.").unwrap().say.clone().unwrap();
        assert!(long.len() > 8 * 14, "long enough to be interrupted");
        assert_eq!(script.rule_for("The openness of hoursglass"), None);
    }

    #[test]
    fn a_script_without_a_default_is_refused() {
        let text = "greeting = \"hi\"\ndefault = []";
        assert!(matches!(Script::parse(text), Err(ScriptError::NoDefault)));
        assert!(Script::parse("greeting = \"hi\"\ndefault = [\"a\"]\nrulez = 1").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|\n|=|\\[|\\]|\"){0,120}") {
            if let Ok(script) = Script::parse(&text) {
                let _seen = script.rule_for(&text);
            }
        }
    }
}
