//! Reads one table of a file, key by key. What was asked for is what may be
//! there: a key that nobody asked for is a problem, with a suggestion.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use super::document::{Entry, Node, Value};
use super::problem::{Problems, Source};
use super::suggest::did_you_mean;

/// A word that stands for "none" where a key has a default to switch off.
const NONE: &str = "none";

/// One table while it is being read.
pub(crate) struct Section<'a> {
    path: &'a Path,
    /// `limits.` in the table `[limits]`; empty at the top.
    prefix: String,
    entries: &'a [Entry],
    asked: Vec<&'static str>,
    problems: &'a mut Problems,
}

impl<'a> Section<'a> {
    /// The top of a file.
    pub(crate) const fn top(
        path: &'a Path,
        entries: &'a [Entry],
        problems: &'a mut Problems,
    ) -> Self {
        Self { path, prefix: String::new(), entries, asked: Vec::new(), problems }
    }

    fn find(&mut self, key: &'static str) -> Option<&'a Node> {
        self.asked.push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// Whether the file says anything about `key`.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Where `key` stands, or the file where it does not.
    pub(crate) fn source(&self, key: &str) -> Source {
        self.entries.iter().find(|entry| entry.key == key).map_or_else(
            || Source::file(self.path),
            |entry| Source::line(self.path, entry.node.line),
        )
    }

    /// These keys may be there, though nothing is read of them.
    pub(crate) fn known(&mut self, keys: &[&'static str]) {
        self.asked.extend_from_slice(keys);
    }

    /// A date, for people; nothing follows from it.
    pub(crate) fn date(&mut self, key: &'static str) {
        if let Some(node) = self.find(key)
            && !matches!(node.value, Value::Date(_))
        {
            self.wrong_kind(key, &node.value, "a date", "2026-01-31");
        }
    }

    /// A number, which may be written as a text: as it stands there.
    pub(crate) fn number_as_text(&mut self, key: &'static str, example: &str) -> Option<String> {
        let node = self.find(key)?;
        match &node.value {
            Value::Text(text) => Some(text.trim().to_owned()),
            Value::Whole(number) => Some(number.to_string()),
            Value::Decimal(number) => Some(number.to_string()),
            Value::Flag(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
                self.wrong_kind(key, &node.value, "a number", example);
                None
            }
        }
    }

    /// Notes an error about `key`, on its line if it has one.
    pub(crate) fn error(&mut self, key: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.problems.error(self.source(key), format!("{}{key}", self.prefix), message, fix);
    }

    /// Notes a warning about `key`, on its line if it has one.
    pub(crate) fn warning(
        &mut self,
        key: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.problems.warning(self.source(key), format!("{}{key}", self.prefix), message, fix);
    }

    fn wrong_kind(&mut self, key: &str, value: &Value, wanted: &str, example: &str) {
        self.error(
            key,
            format!("is {}, not {wanted}", value.kind()),
            format!("write {key} = {example}"),
        );
    }

    /// A text that says something; white space around it is dropped.
    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        let node = self.find(key)?;
        let Some(text) = node.value.as_text() else {
            self.wrong_kind(key, &node.value, "text", "\"…\"");
            return None;
        };
        if text.trim().is_empty() {
            self.error(key, "is empty", "write something between the quotes, or remove the key");
            return None;
        }
        Some(text.trim().to_owned())
    }

    /// A text without which the file is of no use.
    pub(crate) fn needed_text(&mut self, key: &'static str, example: &str) -> Option<String> {
        if !self.has(key) {
            self.asked.push(key);
            self.error(key, "is missing", format!("add {key} = \"{example}\""));
            return None;
        }
        self.text(key)
    }

    /// A list of texts; empty when it is not there.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(node) = self.find(key) else {
            return Vec::new();
        };
        let Value::List(items) = &node.value else {
            self.wrong_kind(key, &node.value, "a list of texts", "[\"…\", \"…\"]");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items {
            match item.value.as_text().map(|text| text.trim()) {
                None => self.wrong_kind(key, &item.value, "text (one of its items)", "[\"…\"]"),
                Some("") => self.error(key, "has an empty item", "remove the item"),
                Some(text) => texts.push(text.to_owned()),
            }
        }
        texts
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let node = self.find(key)?;
        let Value::Flag(flag) = &node.value else {
            self.wrong_kind(key, &node.value, "true or false", "true");
            return None;
        };
        Some(*flag)
    }

    /// A whole number within `range`.
    pub(crate) fn whole<T>(&mut self, key: &'static str, range: RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i128> + PartialOrd + std::fmt::Display,
    {
        let node = self.find(key)?;
        let Value::Whole(number) = &node.value else {
            self.wrong_kind(key, &node.value, "a whole number", &range.start().to_string());
            return None;
        };
        let inside = T::try_from(*number).ok().filter(|n| range.contains(n));
        if inside.is_none() {
            self.out_of_range(key, &number.to_string(), &range);
        }
        inside
    }

    /// A number within `range`, with or without a decimal point.
    pub(crate) fn decimal(&mut self, key: &'static str, range: RangeInclusive<f32>) -> Option<f32> {
        let node = self.find(key)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "settings of two digits, and the range is checked afterwards"
        )]
        let number = match &node.value {
            Value::Whole(number) => *number as f32,
            Value::Decimal(number) => *number as f32,
            Value::Text(_) | Value::Flag(_) | Value::Date(_) | Value::List(_) | Value::Table(_) => {
                self.wrong_kind(key, &node.value, "a number", &range.start().to_string());
                return None;
            }
        };
        if !range.contains(&number) {
            self.out_of_range(key, &number.to_string(), &range);
            return None;
        }
        Some(number)
    }

    fn out_of_range<T: std::fmt::Display>(
        &mut self,
        key: &str,
        number: &str,
        range: &RangeInclusive<T>,
    ) {
        let (low, high) = (range.start(), range.end());
        self.error(key, format!("{number} is out of range"), format!("choose {low} to {high}"));
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.error(key, format!("{text:?} is not known here"), did_you_mean(&text, &known));
        }
        found
    }

    /// What `read` finds at `key`, or `Some(None)` when the file says `"none"`.
    pub(crate) fn or_none<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Option<T>,
    ) -> Option<Option<T>> {
        let none = Value::Text(NONE.to_owned());
        if self.find(key).is_some_and(|node| node.value == none) {
            return Some(None);
        }
        read(self, key).map(Some)
    }

    /// Reads the table `key`, an empty one when it is not there.
    pub(crate) fn section<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> T,
    ) -> T {
        let entries = match self.find(key) {
            None => &[],
            Some(Node { value: Value::Table(entries), .. }) => entries.as_slice(),
            Some(node) => {
                self.error(
                    key,
                    format!("is {}, not a section", node.value.kind()),
                    format!("write [{key}] on a line of its own"),
                );
                &[]
            }
        };
        let prefix = format!("{}{key}.", self.prefix);
        let mut inner = Section {
            path: self.path,
            prefix,
            entries,
            asked: Vec::new(),
            problems: &mut *self.problems,
        };
        let read = read(&mut inner);
        inner.finish();
        read
    }

    /// Reads each of the tables `[[key]]`, in their order.
    pub(crate) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'_>) -> T,
    ) -> Vec<T> {
        let items = match self.find(key) {
            None => return Vec::new(),
            Some(Node { value: Value::List(items), .. }) => items.as_slice(),
            Some(node) => std::slice::from_ref(node),
        };
        let prefix = format!("{}{key}.", self.prefix);
        let mut all = Vec::new();
        for item in items {
            let Value::Table(entries) = &item.value else {
                self.error(
                    key,
                    format!("is {}, not a section", item.value.kind()),
                    format!("write [[{}]] on a line of its own", prefix.trim_end_matches('.')),
                );
                continue;
            };
            let mut inner = Section {
                path: self.path,
                prefix: prefix.clone(),
                entries,
                asked: Vec::new(),
                problems: &mut *self.problems,
            };
            all.push(read(&mut inner));
            inner.finish();
        }
        all
    }

    /// A table whose keys are the file's own, with texts as values.
    pub(crate) fn map(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let entries = match self.find(key) {
            None => return BTreeMap::new(),
            Some(Node { value: Value::Table(entries), .. }) => entries,
            Some(node) => {
                self.wrong_kind(key, &node.value, "a section", "{ topic = \"…\" }");
                return BTreeMap::new();
            }
        };
        let mut map = BTreeMap::new();
        for entry in entries {
            let full = format!("{}{key}.{}", self.prefix, entry.key);
            let source = Source::line(self.path, entry.node.line);
            match entry.node.value.as_text().map(|text| text.trim()) {
                None => self.problems.error(
                    source,
                    full,
                    format!("is {}, not text", entry.node.value.kind()),
                    format!("write \"{}\" = \"…\"", entry.key),
                ),
                Some("") => self.problems.error(
                    source,
                    full,
                    "is empty",
                    "write the answer, or remove the line",
                ),
                Some(text) => {
                    map.insert(entry.key.clone(), text.to_owned());
                }
            }
        }
        map
    }

    /// Complains of every key that was not asked for.
    pub(crate) fn finish(&mut self) {
        for entry in self.entries {
            if !self.asked.iter().any(|asked| *asked == entry.key) {
                let fix = did_you_mean(&entry.key, &self.asked);
                self.error(&entry.key, "there is no such key", fix);
            }
        }
    }
}
