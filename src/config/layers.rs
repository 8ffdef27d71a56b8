//! One setting's value out of three layers: environment before file before
//! default. Everything that is wrong on the way is noted, and the default
//! stands in, so that reading goes on and the next mistake is found too.

use std::path::Path;
use std::str::FromStr;

use secrecy::SecretString;

use super::document::{Entry, Value};
use super::env::Environment;
use super::keys::{self, Key, Shape};
use super::problem::{Complaint, Problems, Source};
use super::suggest::{did_you_mean, nearest};

/// The layers while settings are read from them.
pub(crate) struct Layers<'a> {
    pub(crate) env: &'a Environment,
    /// The settings file's path, for problems.
    pub(crate) path: &'a Path,
    /// What it says; empty when there is none.
    pub(crate) entries: &'a [Entry],
    pub(crate) problems: &'a mut Problems,
}

impl Layers<'_> {
    /// The value of `key`; `None` when nobody set it and it has no default.
    fn resolve(&mut self, key: &Key) -> Option<String> {
        match self.in_env(key).or_else(|| self.in_file(key)) {
            Some((text, source)) => match check(key, &text) {
                Ok(()) => return Some(text),
                Err(complaint) => self.complain(key, source, complaint),
            },
            None if key.default.is_empty() => return None,
            None => {}
        }
        Some(key.default.to_owned()).filter(|text| !text.is_empty())
    }

    /// Notes an error about a key where its value came from.
    pub(crate) fn complain(&mut self, key: &Key, source: Source, complaint: Complaint) {
        self.problems.error(
            source.clone(),
            name_in(key, &source),
            complaint.message,
            complaint.fix,
        );
    }

    /// Notes a warning about a key where its value came from.
    pub(crate) fn warn(&mut self, key: &Key, message: &str, fix: &str) {
        let source = self.source_of(key);
        self.problems.warning(source.clone(), name_in(key, &source), message, fix);
    }

    /// Where the value of a key comes from.
    pub(crate) fn source_of(&self, key: &Key) -> Source {
        if self.env.get(key.env).is_ok_and(|value| value.is_some()) {
            return Source::Environment;
        }
        self.entry(key).map_or(Source::Default, |entry| Source::line(self.path, entry.node.line))
    }

    fn in_env(&mut self, key: &Key) -> Option<(String, Source)> {
        match self.env.get(key.env) {
            Ok(value) => value.map(|text| (text.to_owned(), Source::Environment)),
            Err(error) => {
                self.problems.error(
                    Source::Environment,
                    key.env,
                    error.to_string(),
                    "set it again, as UTF-8",
                );
                None
            }
        }
    }

    fn entry(&self, key: &Key) -> Option<&Entry> {
        let section = self.entries.iter().find(|entry| entry.key == key.section())?;
        let Value::Table(inner) = &section.node.value else {
            return None;
        };
        inner.iter().find(|entry| entry.key == key.leaf())
    }

    fn in_file(&mut self, key: &Key) -> Option<(String, Source)> {
        let entry = self.entry(key)?;
        let source = Source::line(self.path, entry.node.line);
        match as_text(key, &entry.node.value) {
            // As in the environment, nothing between the quotes is "unset".
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some((text, source)),
            Err(complaint) => {
                self.complain(key, source, complaint);
                None
            }
        }
    }

    /// A setting that always has a value. `fallback` is for a default that
    /// does not parse, which a test rules out.
    pub(crate) fn parsed<T: FromStr>(&mut self, key: &Key, fallback: T) -> T {
        self.resolve(key).and_then(|text| text.parse().ok()).unwrap_or(fallback)
    }

    /// A setting that is true or false.
    pub(crate) fn flag(&mut self, key: &Key) -> bool {
        self.resolve(key).and_then(|text| flag(&text)).unwrap_or(false)
    }

    /// A setting that is text.
    pub(crate) fn text(&mut self, key: &Key) -> String {
        self.resolve(key).unwrap_or_default()
    }

    /// A setting that may be unset.
    pub(crate) fn optional<T>(
        &mut self,
        key: &Key,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.resolve(key).and_then(|text| parse(&text))
    }

    /// A secret that may be unset.
    pub(crate) fn secret(&mut self, key: &Key) -> Option<SecretString> {
        self.resolve(key).map(SecretString::from)
    }

    /// Notes what the file says that no setting listens to, and names in the
    /// environment that look like slips of a setting's name.
    pub(crate) fn unknown(&mut self) {
        let sections: Vec<&str> = sections();
        for entry in self.entries {
            let source = Source::line(self.path, entry.node.line);
            match &entry.node.value {
                Value::Table(inner) if sections.contains(&entry.key.as_str()) => {
                    for leaf in inner {
                        self.unknown_leaf(&entry.key, leaf);
                    }
                }
                Value::Table(_) => {
                    let fix = did_you_mean(&entry.key, &sections);
                    self.problems.error(source, &entry.key, "there is no such section", fix);
                }
                Value::Text(_)
                | Value::Whole(_)
                | Value::Decimal(_)
                | Value::Flag(_)
                | Value::Date(_)
                | Value::List(_) => {
                    let fix = place_for(&entry.key)
                        .unwrap_or_else(|| "put it under a section, or remove it".to_owned());
                    self.problems.error(source, &entry.key, "stands outside every section", fix);
                }
            }
        }
        self.unknown_names();
    }

    fn unknown_leaf(&mut self, section: &str, leaf: &Entry) {
        let here: Vec<&str> =
            keys::ALL.iter().filter(|k| k.section() == section).map(|k| k.leaf()).collect();
        if here.contains(&leaf.key.as_str()) {
            return;
        }
        let fix = match nearest(&leaf.key, here.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => place_for(&leaf.key).unwrap_or_else(|| did_you_mean(&leaf.key, &here)),
        };
        let source = Source::line(self.path, leaf.node.line);
        self.problems.error(source, format!("{section}.{}", leaf.key), "there is no such key", fix);
    }

    fn unknown_names(&mut self) {
        let known = || keys::ALL.iter().map(|k| k.env).chain([keys::CONFIG_ENV]);
        for name in self.env.names().filter(|name| name.len() >= 8 && name.contains('_')) {
            // A longer name that begins with ours is a tenant's own, by custom.
            if known().any(|k| name.starts_with(k)) {
                continue;
            }
            let slip = known().find(|k| strsim::osa_distance(name, k) <= 2);
            if let Some(near) = slip {
                self.problems.warning(
                    Source::Environment,
                    name,
                    "no setting has this name",
                    format!("did you mean {near}?"),
                );
            }
        }
    }
}

/// The sections of the settings file.
pub(crate) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&str> = keys::ALL.iter().map(|k| k.section()).collect();
    sections.dedup();
    sections
}

/// A key of that name in whatever section, or one written as the environment does.
fn place_for(word: &str) -> Option<String> {
    let key = keys::ALL.iter().find(|k| k.leaf() == word || k.env.eq_ignore_ascii_case(word))?;
    Some(format!("write {} under [{}]", key.leaf(), key.section()))
}

fn name_in(key: &Key, source: &Source) -> &'static str {
    match source {
        Source::File { .. } => key.path,
        Source::Environment | Source::Default => key.env,
    }
}

/// A file's value in the form of the environment, when it is of the right kind.
fn as_text(key: &Key, value: &Value) -> Result<String, Complaint> {
    let example = if key.secret || key.default.is_empty() { "…" } else { key.default };
    let (wanted, example) = match (key.shape, value) {
        (Shape::Whole(..) | Shape::Decimal(..), Value::Whole(number)) => {
            return Ok(number.to_string());
        }
        (Shape::Decimal(..), Value::Decimal(number)) => return Ok(number.to_string()),
        (Shape::Flag, Value::Flag(flag)) => return Ok(flag.to_string()),
        (Shape::Word(_) | Shape::Text(_), Value::Text(text)) => return Ok(text.trim().to_owned()),
        (Shape::Whole(..), _) => ("a whole number", example.to_owned()),
        (Shape::Decimal(..), _) => ("a number", example.to_owned()),
        (Shape::Flag, _) => ("true or false", example.to_owned()),
        (Shape::Word(_) | Shape::Text(_), _) => ("text", format!("\"{example}\"")),
    };
    Err(Complaint::new(
        format!("is {}, not {wanted}", value.kind()),
        format!("write {} = {example}", key.leaf()),
    ))
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn check(key: &Key, text: &str) -> Result<(), Complaint> {
    let shown: String = text.chars().take(40).collect();
    let number = |low: &dyn std::fmt::Display, high: &dyn std::fmt::Display, what: &str| {
        Err(Complaint::new(
            format!("{shown:?} is not {what} from {low} to {high}"),
            format!("choose {low} to {high}"),
        ))
    };
    match key.shape {
        Shape::Whole(low, high) => match text.parse::<u64>() {
            Ok(value) if (low..=high).contains(&value) => Ok(()),
            Ok(_) | Err(_) => number(&low, &high, "a whole number"),
        },
        Shape::Decimal(low, high) => match text.parse::<f64>() {
            Ok(value) if (low..=high).contains(&value) => Ok(()),
            Ok(_) | Err(_) => number(&low, &high, "a number"),
        },
        Shape::Flag if flag(text).is_some() => Ok(()),
        Shape::Flag => Err(Complaint::new(
            format!("{shown:?} is neither true nor false"),
            "write true or false",
        )),
        Shape::Word(words) if words.contains(&text) => Ok(()),
        Shape::Word(words) => {
            Err(Complaint::new(format!("{shown:?} is not known here"), did_you_mean(text, words)))
        }
        Shape::Text(check) => check(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_of_its_own_kind() {
        for key in keys::ALL.iter().filter(|key| !key.default.is_empty()) {
            assert_eq!(check(key, key.default), Ok(()), "{}", key.env);
        }
    }

    #[test]
    fn no_two_settings_share_a_name() {
        for (index, key) in keys::ALL.iter().enumerate() {
            let others = keys::ALL.iter().skip(index + 1);
            assert!(
                others.into_iter().all(|o| o.env != key.env && o.path != key.path),
                "{}",
                key.env
            );
        }
    }
}
