//! What outlasts the process: each request to a provider, as a line of JSON in a file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Value, json};

/// A file that is appended to, or none.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Option<Mutex<File>>,
    /// Numbers of the last chat completion and the last piece of speech so far.
    pub(crate) chats: u64,
    pub(crate) spoken: u64,
}

impl Journal {
    /// The journal at `path`, whose numbers go on where the file ends, and behind
    /// `numbers_from` where there is nothing in it yet.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(crate) fn open(path: Option<&Path>, numbers_from: u64) -> io::Result<Self> {
        let mut journal = Self { file: None, chats: numbers_from, spoken: numbers_from };
        let Some(path) = path else {
            return Ok(journal);
        };
        let file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        for line in BufReader::new(&file).lines() {
            // The last line of a life that was cut short may be half of one.
            let line: Value = serde_json::from_str(&line?).unwrap_or_default();
            let number = line.get("number").and_then(Value::as_u64).unwrap_or(0);
            match line.get("kind").and_then(Value::as_str) {
                Some("chat") => journal.chats = journal.chats.max(number),
                Some("spoken") => journal.spoken = journal.spoken.max(number),
                Some(_) | None => {}
            }
        }
        journal.file = Some(Mutex::new(file));
        Ok(journal)
    }

    /// Appends a record: in one piece, so that what was noted is there whenever the
    /// process is killed.
    pub(crate) fn note(&self, kind: &str, record: &impl Serialize) {
        let Some(file) = &self.file else {
            return;
        };
        let mut line = json!(record);
        if let Some(fields) = line.as_object_mut() {
            fields.insert("kind".to_owned(), json!(kind));
        }
        let line = format!("{line}\n");
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()) {
            tracing::error!(%error, "the journal takes nothing");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]
    use super::*;

    #[test]
    fn numbers_go_on_in_the_next_life() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::open(Some(&path), 500).unwrap();
        assert_eq!((journal.chats, journal.spoken), (500, 500));
        journal.note("chat", &json!({"number": 501}));
        journal.note("chat", &json!({"number": 502}));
        journal.note("spoken", &json!({"number": 501}));
        drop(journal);
        let journal = Journal::open(Some(&path), 500).unwrap();
        assert_eq!((journal.chats, journal.spoken), (502, 501));
        assert_eq!(Journal::open(None, 7).unwrap().chats, 7);
    }
}
