//! A TOML text as a tree in which every value knows its line.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problems, Source};

/// A value and the line it stands on, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What a configuration file can say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i128),
    Decimal(f64),
    Flag(bool),
    Date(String),
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// One key of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) node: Node,
}

impl Value {
    /// The text, if it is one.
    pub(crate) const fn as_text(&self) -> Option<&String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// What it is, for a person.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Whole(_) => "a whole number",
            Self::Decimal(_) => "a decimal number",
            Self::Flag(_) => "true or false",
            Self::Date(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a section",
        }
    }
}

/// The text of a file, or a problem that says where it stops being text.
pub(crate) fn utf8<'a>(path: &Path, bytes: &'a [u8], problems: &mut Problems) -> Option<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).and_then(|b| std::str::from_utf8(b).ok());
            let (line, column) = position(good.unwrap_or_default(), usize::MAX);
            problems.error(
                Source::line(path, line),
                "",
                format!("not UTF-8 text from line {line}, column {column} on"),
                "save the file as UTF-8",
            );
            None
        }
    }
}

/// Parses a whole file, or the part of one that begins on `first_line`. Every
/// mistake of the grammar is a problem; what could be read is returned.
pub(crate) fn parse(
    path: &Path,
    text: &str,
    first_line: usize,
    problems: &mut Problems,
) -> Vec<Entry> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let (line, column) = position(text, error.span().map_or(usize::MAX, |span| span.start));
        let line = line + first_line - 1;
        // The offending line itself is left out: it could hold a secret.
        problems.error(
            Source::line(path, line),
            "",
            format!(
                "not TOML at line {line}, column {column}: {}",
                error.message().replace('\n', ", ")
            ),
            "correct the line; text needs quotes, a key appears once",
        );
    }
    let lines = Lines { text, first_line };
    lines.table(table.into_inner())
}

/// Line and column, both from 1, of a byte offset; of the end when it is beyond.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

struct Lines<'a> {
    text: &'a str,
    first_line: usize,
}

impl Lines<'_> {
    fn of(&self, offset: usize) -> usize {
        position(self.text, offset).0 + self.first_line - 1
    }

    fn table(&self, table: DeTable<'_>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| {
                let line = self.of(key.span().start);
                let node = Node { line, value: self.value(value.into_inner()) };
                Entry { key: key.into_inner().into_owned(), node }
            })
            .collect();
        entries.sort_by_key(|entry| entry.node.line);
        entries
    }

    fn node(&self, value: Spanned<DeValue<'_>>) -> Node {
        let line = self.of(value.span().start);
        Node { line, value: self.value(value.into_inner()) }
    }

    fn value(&self, value: DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => Value::Whole(
                i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX),
            ),
            DeValue::Float(number) => Value::Decimal(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(items) => {
                Value::List(items.into_iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::panic,
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test may fail loudly"
    )]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_knows_its_line() {
        let mut problems = Problems::default();
        let entries = parse(Path::new("x"), "a = 1\n\n[b]\nc = \"d\"\n", 1, &mut problems);
        assert!(problems.is_empty(), "{problems}");
        assert_eq!(entries[0].node, Node { line: 1, value: Value::Whole(1) });
        let Value::Table(inner) = &entries[1].node.value else { panic!("{entries:?}") };
        assert_eq!(inner[0].node, Node { line: 4, value: Value::Text("d".to_owned()) });
    }

    #[test]
    fn a_mistake_names_line_and_column_and_not_the_text() {
        let mut problems = Problems::default();
        parse(Path::new("x.toml"), "a = 1\ntoken = sk-secret!\n", 1, &mut problems);
        let shown = problems.to_string();
        assert!(shown.contains("x.toml:2") && shown.contains("line 2, column"), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn bytes_that_are_not_text_are_located() {
        let mut problems = Problems::default();
        assert_eq!(utf8(Path::new("x"), b"a = 1\nb = \xff", &mut problems), None);
        assert!(problems.to_string().contains("line 2, column 5"), "{problems}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut problems = Problems::default();
            if let Some(text) = utf8(Path::new("x"), &bytes, &mut problems) {
                parse(Path::new("x"), text, 1, &mut problems);
            }
        }

        #[test]
        fn no_toml_like_text_makes_it_panic(text in "[a-c0-9=.\"'\\[\\]{},# \n_+-]{0,80}") {
            parse(Path::new("x"), &text, 3, &mut Problems::default());
        }
    }
}
