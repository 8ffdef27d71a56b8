//! What the carrier is to be told when it asks what follows a stream. It asks
//! within a second of the stream's end, before the row may have been written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use trunkline_core::call::Disposition;
use trunkline_core::ids::CallSid;

/// How long an answer is kept: the carrier's question can be redelivered.
const KEPT: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Answer {
    disposition: Disposition,
    since: Instant,
    asked: bool,
}

/// See the module's text. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Dispositions(Arc<Mutex<HashMap<CallSid, Answer>>>);

impl Dispositions {
    /// Remembers what follows the stream of a call.
    pub fn set(&self, call_sid: &CallSid, disposition: Disposition) {
        let answer = Answer { disposition, since: Instant::now(), asked: false };
        self.lock().insert(call_sid.clone(), answer);
    }

    /// The carrier says that a call is over: it will ask nothing more, and whatever
    /// still comes for that call begins nothing. What is known of it stays.
    pub fn over(&self, call_sid: &CallSid) {
        let over =
            Answer { disposition: Disposition::CallerGone, since: Instant::now(), asked: true };
        self.lock().entry(call_sid.clone()).or_insert(over);
    }

    /// What follows the stream of a call, where this node knows.
    #[must_use]
    pub fn get(&self, call_sid: &CallSid) -> Option<Disposition> {
        self.lock().get_mut(call_sid).map(|answer| {
            answer.asked = true;
            answer.disposition
        })
    }

    /// Whether a stream ended within `patience` and the carrier has not asked what
    /// follows. It never does where it was the caller who hung up.
    #[must_use]
    pub fn awaits_question(&self, patience: Duration) -> bool {
        self.lock().values().any(|answer| !answer.asked && answer.since.elapsed() < patience)
    }

    /// Forgets what is old.
    pub fn sweep(&self) {
        self.lock().retain(|_, answer| answer.since.elapsed() < KEPT);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CallSid, Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
