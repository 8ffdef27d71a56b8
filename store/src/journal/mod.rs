//! The journal: a file of one's own beside a server of everybody's.
//!
//! While the database is slow or away, records are committed here instead, and
//! drained into it in order afterwards. A record is taken out only once the
//! database has it, so a process that dies in between hands it over twice, and
//! applying it twice is applying it once.
//!
//! One process holds the file, from opening it to its end. What is taken out is
//! overwritten: it may be what somebody said.

mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::apply::Refused;
use crate::error::StoreError;
use crate::record::Record;
use crate::store::Store;

use file::{File, Line};

/// What a record costs beside its own text: a row's header and its page's share.
const BYTES_PER_RECORD: u64 = 32;

/// The journal. Cheap to clone; every method but [`Journal::size`] blocks.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    max_bytes: u64,
    file: Mutex<File>,
    /// Beside the file, so that whoever asks does not wait for the disk.
    size: Mutex<JournalSize>,
}

/// How much a journal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JournalSize {
    /// Records.
    pub records: u64,
    /// Their bytes, which is what is bounded; the file is somewhat larger.
    pub bytes: u64,
    /// When the oldest was put in.
    pub oldest: Option<DateTime<Utc>>,
}

impl JournalSize {
    /// How long the oldest record has been in, at `now`; nothing when there is none.
    #[must_use]
    pub fn age(&self, now: DateTime<Utc>) -> Duration {
        self.oldest.and_then(|oldest| (now - oldest).to_std().ok()).unwrap_or_default()
    }
}

/// What became of records that were to be put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Left out, as there was no room for them.
    pub refused: usize,
    /// The place of the last that was put in; none when none was.
    pub last: Option<i64>,
}

/// What became of records that were drained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Taken out of the journal, those below included.
    pub records: usize,
    /// Of those, what can never be stored, by kind and reason.
    pub refused: Vec<(&'static str, String)>,
}

impl Journal {
    /// Opens a journal, and makes its file and folder if they are not there.
    /// `max_bytes` bounds the records in it; past it only the beginnings and the
    /// ends of calls are taken.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be opened.
    pub fn open(path: &Path, max_bytes: u64) -> Result<Self, StoreError> {
        let mut file = File::open(path)?;
        let size = file.measure()?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                max_bytes,
                file: Mutex::new(file),
                size: Mutex::new(size),
            }),
        })
    }

    /// How much it holds. Does not block.
    #[must_use]
    pub fn size(&self) -> JournalSize {
        *locked(&self.inner.size)
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size().records == 0
    }

    /// Whether only the beginnings and the ends of calls are still taken.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.size().bytes >= self.inner.max_bytes
    }

    /// Puts records in, behind all others, in one transaction: once this is back
    /// they outlast the process, and the machine.
    ///
    /// # Errors
    /// When the disk is full or fails. Then none of them is in.
    pub fn append(&self, records: &[Record], at: DateTime<Utc>) -> Result<Appended, StoreError> {
        let mut file = locked(&self.inner.file);
        let mut bytes = self.size().bytes;
        let mut lines = Vec::with_capacity(records.len());
        for record in records {
            if bytes >= self.inner.max_bytes && !record.is_essential() {
                continue;
            }
            let text = serde_json::to_string(record)
                .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
            bytes += cost(&text);
            lines.push(text);
        }
        let last = file.append(&lines, at)?;
        let mut size = locked(&self.inner.size);
        size.records += lines.len() as u64;
        size.bytes = bytes;
        if !lines.is_empty() {
            size.oldest.get_or_insert(at);
        }
        Ok(Appended { refused: records.len() - lines.len(), last })
    }

    /// Moves the oldest `limit` records into the database.
    ///
    /// # Errors
    /// When the database cannot take them or the journal cannot be read or
    /// written. Then they are still in the journal, and may be in both.
    pub fn drain_into(&self, store: &Store, limit: u32) -> Result<Drained, StoreError> {
        let lines = locked(&self.inner.file).oldest(limit)?;
        let Some(last) = lines.last().map(|line| line.seq) else {
            return Ok(Drained::default());
        };
        let mut drained = Drained { records: lines.len(), refused: Vec::new() };
        let records = readable(&lines, &mut drained);
        let applied = store.apply(&records)?;
        drained.refused.extend(applied.refused.into_iter().map(|Refused { index, reason }| {
            (records.get(index).map_or("unknown", Record::kind), reason)
        }));
        self.remove_through(last)?;
        Ok(drained)
    }

    /// Takes out every record up to this place: the database has them.
    ///
    /// # Errors
    /// When the disk fails. Then they are still in.
    pub fn remove_through(&self, last: i64) -> Result<(), StoreError> {
        let mut file = locked(&self.inner.file);
        let removed = file.remove_through(last)?;
        let mut size = locked(&self.inner.size);
        size.records = size.records.saturating_sub(removed.records);
        size.bytes = size.bytes.saturating_sub(removed.bytes);
        size.oldest = removed.oldest;
        Ok(())
    }
}

/// The records of these lines. One that cannot be read (another version wrote it)
/// must not hold up those behind it.
fn readable(lines: &[Line], drained: &mut Drained) -> Vec<Record> {
    let mut records = Vec::with_capacity(lines.len());
    for line in lines {
        match serde_json::from_str(&line.record) {
            Ok(record) => records.push(record),
            // The parser's words may quote the record; where it stopped may not.
            Err(error) => {
                let reason = format!("cannot be read at column {}", error.column());
                drained.refused.push(("unreadable", reason));
            }
        }
    }
    records
}

fn cost(text: &str) -> u64 {
    text.len() as u64 + BYTES_PER_RECORD
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("path", &self.inner.path).finish_non_exhaustive()
    }
}
