//! What is wrong with a configuration, said so that a person can mend it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, and the line (from 1) where that is known.
    File {
        /// The file as it was opened, relative to the working directory as a rule.
        path: PathBuf,
        /// The line the problem is on, from 1.
        line: Option<usize>,
    },
    /// The process's environment.
    Environment,
    /// Neither: the built-in value.
    Default,
}

impl Source {
    /// A file as a whole.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self::File { path: path.to_owned(), line: None }
    }

    /// One line of a file, from 1.
    #[must_use]
    pub fn line(path: &Path, line: usize) -> Self {
        Self::File { path: path.to_owned(), line: Some(line) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Environment => f.write_str("environment"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether the server can run with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but probably not as was meant.
    Warning,
}

/// One mistake: where, what, and what to do about it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the server can run with it.
    pub severity: Severity,
    /// The file and line, or the environment.
    pub source: Source,
    /// The key's full path in its file, or the variable's name; empty for a
    /// file as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{word}: {}: ", self.source)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}\n  fix: {}", self.message, self.fix)
    }
}

/// Every problem that was found, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds an error.
    pub fn error(
        &mut self,
        source: Source,
        key: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(Severity::Error, source, key.into(), message.into(), fix.into());
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        source: Source,
        key: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(Severity::Warning, source, key.into(), message.into(), fix.into());
    }

    fn add(
        &mut self,
        severity: Severity,
        source: Source,
        key: String,
        message: String,
        fix: String,
    ) {
        self.0.push(Problem { severity, source, key, message, fix });
    }

    /// Appends what another step found.
    pub fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// Whether nothing at all was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Errors and warnings together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How many of them keep the server from running.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|p| p.severity == Severity::Error).count()
    }

    /// `value` and the warnings when nothing keeps the server from running.
    ///
    /// # Errors
    /// Itself, errors and warnings, when something does.
    pub fn unless_errors<T>(self, value: T) -> Result<(T, Self), Self> {
        if self.errors() == 0 { Ok((value, self)) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What is wrong with one value, before it is known where the value stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) fix: String,
}

impl Complaint {
    pub(crate) fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { message: message.into(), fix: fix.into() }
    }
}
