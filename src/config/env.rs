//! The environment as data, so that a test can bring its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use secrecy::SecretString;

/// Names and values. Shows only names, as many values are secrets.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

/// A variable whose value is no UTF-8 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not UTF-8 text")]
pub struct NotText;

impl Environment {
    /// The process's own, as it is now. Names that are no text are left out.
    #[must_use]
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
        )
    }

    /// Made of pairs.
    #[must_use]
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }

    /// Sets one variable here, not in the process.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// A variable's value. An empty one is as good as unset, because compose
    /// files hand on empty values for what nobody chose.
    ///
    /// # Errors
    /// When it is set to bytes that are no UTF-8 text.
    pub fn get(&self, name: &str) -> Result<Option<&str>, NotText> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                None => Err(NotText),
                Some(text) if text.trim().is_empty() => Ok(None),
                Some(text) => Ok(Some(text.trim())),
            },
        }
    }

    /// A variable's value as a secret; none when it is unset or no text.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).ok().flatten().map(SecretString::from)
    }

    /// The names that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
