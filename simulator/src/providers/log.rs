//! What the pipeline's providers were seen to do, for tests and for
//! `GET /control/{hearings,chats,spoken}`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// Records that are kept of each kind; the oldest are forgotten first.
const MAX_KEPT: usize = 20_000;

/// One connection of a recogniser.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HearingRecord {
    /// Number of the connection since the server's start or reset, from 1.
    pub number: u64,
    /// The URL's query, decoded: `name=value`, in order.
    pub wishes: Vec<String>,
    /// Request headers; the value of a key is not kept.
    pub headers: BTreeMap<String, String>,
    /// Octets of audio that came.
    pub audio_bytes: u64,
    /// `KeepAlive` messages that came.
    pub keep_alives: u64,
    /// `Finalize` messages that came.
    pub finalizes: u64,
    /// What was recognised, final and not empty.
    pub finals: Vec<String>,
    /// How it ended; unset while it runs: `closed by request`, `starved`,
    /// `client closed`, `connection lost`, `dropped`, `failed` or `expired`.
    pub ended: Option<String>,
}

/// One chat completion.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChatRecord {
    /// Number of the request since the server's start or reset, from 1.
    pub number: u64,
    /// The model that was asked for.
    pub model: String,
    /// The messages that were sent.
    pub messages: Value,
    /// Names of the functions that were offered.
    pub tools: Vec<String>,
    /// What the answer says.
    pub text: String,
    /// Names of the functions that it calls.
    pub calls: Vec<String>,
    /// Chunks that were sent.
    pub sent: u64,
    /// `running`, `completed`, `cancelled` (the client went away) or `broken` (a
    /// knob's doing).
    pub status: String,
}

/// One piece of speech.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SpokenRecord {
    /// Number of the request since the server's start or reset, from 1: modulo
    /// 65,536 it is the response number in the watermark.
    pub number: u64,
    /// `azure` or `elevenlabs`.
    pub provider: String,
    /// The voice that was asked for.
    pub voice: String,
    /// The words.
    pub text: String,
    /// Length of the whole speech, in milliseconds.
    pub audio_ms: u64,
    /// Pieces that were sent.
    pub sent: u64,
    /// As in [`ChatRecord::status`].
    pub status: String,
}

/// A record that its connection writes and others read.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    pub(crate) fn write(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The records of one kind.
#[derive(Debug)]
pub(crate) struct Log<T>(Mutex<Kept<T>>);

#[derive(Debug)]
struct Kept<T> {
    started: u64,
    records: VecDeque<Shared<T>>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self(Mutex::new(Kept { started: 0, records: VecDeque::new() }))
    }
}

impl<T> Log<T> {
    /// One whose first record has the number behind this one.
    pub(crate) fn behind(started: u64) -> Self {
        Self(Mutex::new(Kept { started, records: VecDeque::new() }))
    }
}

impl<T: Clone> Log<T> {
    /// Files a new record, made from its number.
    pub(crate) fn open(&self, make: impl FnOnce(u64) -> T) -> Shared<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.started += 1;
        let record = Shared(Arc::new(Mutex::new(make(kept.started))));
        if kept.records.len() >= MAX_KEPT {
            kept.records.pop_front();
        }
        kept.records.push_back(record.clone());
        record
    }

    pub(crate) fn read(&self) -> Vec<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let copy =
            |shared: &Shared<T>| shared.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        kept.records.iter().map(copy).collect()
    }

    pub(crate) fn clear(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.started = 0;
        kept.records.clear();
    }
}
