//! What a session was seen to do, for tests and for `GET /control/sessions`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

/// Longest log of one session; what comes later is counted, not kept.
const MAX_EVENTS: usize = 10_000;

/// One session, from its handshake to its end. Times are milliseconds since the
/// socket was open.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SessionRecord {
    /// The session's name, `sess_…`.
    pub id: String,
    /// Number of the session since the server's start or reset, from 1.
    pub number: u64,
    /// `ga` or `beta`.
    pub dialect: String,
    /// The `model` of the URL.
    pub model: String,
    /// Request headers; the value of a key is not kept.
    pub headers: BTreeMap<String, String>,
    /// The configuration in force, in the dialect's own shape.
    pub config: Value,
    /// What the client sent, but for audio.
    pub events: Vec<ClientEvent>,
    /// Client events that came after the log was full.
    pub events_not_kept: u64,
    /// `input_audio_buffer.append` events.
    pub appends: u64,
    /// Octets of audio in them, decoded.
    pub audio_received_bytes: u64,
    /// Responses, in order of creation.
    pub responses: Vec<ResponseRecord>,
    /// What the caller was understood to say.
    pub heard: Vec<String>,
    /// Codes of the errors that were sent.
    pub errors: Vec<String>,
    /// How the session ended; unset while it runs: `client closed`,
    /// `connection lost`, `dropped`, `expired`, `beta disabled` or `stopped`.
    pub ended: Option<String>,
    /// When it ended.
    pub ended_ms: Option<u64>,
}

/// One thing the client sent.
#[derive(Clone, Debug, Serialize)]
pub struct ClientEvent {
    /// When it came.
    pub at_ms: u64,
    /// Its `type`, or `malformed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its other fields.
    pub fields: Value,
}

/// One response.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ResponseRecord {
    /// Number within the session, from 1: the number in the watermark.
    pub number: u16,
    /// `resp_…`
    pub id: String,
    /// The first message item, if it has one.
    pub item_id: Option<String>,
    /// When it was created.
    pub created_ms: u64,
    /// When its first audio was sent.
    pub first_audio_ms: Option<u64>,
    /// When `response.done` was sent.
    pub done_ms: Option<u64>,
    /// Length of the audio sent, in milliseconds.
    pub audio_ms: u64,
    /// What it says.
    pub text: String,
    /// Names of the functions it calls.
    pub calls: Vec<String>,
    /// `in_progress`, `completed`, `cancelled`, `failed` or `incomplete`.
    pub status: String,
    /// `turn_detected` or `client_cancelled`, where it was cancelled.
    pub reason: Option<String>,
    /// Where the client truncated its item.
    pub truncated_ms: Option<u64>,
}

/// A record that the session writes and the control endpoint reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedRecord(Arc<Mutex<SessionRecord>>);

impl SharedRecord {
    pub(crate) fn new(record: SessionRecord) -> Self {
        Self(Arc::new(Mutex::new(record)))
    }

    pub(crate) fn write(&self, change: impl FnOnce(&mut SessionRecord)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn read(&self) -> SessionRecord {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn event(&self, at_ms: u64, kind: &str, fields: Value) {
        self.write(|record| {
            if record.events.len() < MAX_EVENTS {
                record.events.push(ClientEvent { at_ms, kind: kind.to_owned(), fields });
            } else {
                record.events_not_kept += 1;
            }
        });
    }

    pub(crate) fn response(&self, number: u16, change: impl FnOnce(&mut ResponseRecord)) {
        self.write(|record| {
            if let Some(response) = record.responses.iter_mut().find(|r| r.number == number) {
                change(response);
            }
        });
    }

    pub(crate) fn ended(&self, at_ms: u64, how: &str) {
        self.write(|record| {
            if record.ended.is_none() {
                record.ended = Some(how.to_owned());
                record.ended_ms = Some(at_ms);
            }
        });
    }
}
