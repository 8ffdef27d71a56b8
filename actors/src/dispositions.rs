//! What the carrier is to be told when it asks what follows a stream. It asks
//! within a second of the stream's end, before the row may have been written.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use trunkline_core::call::Disposition;
use trunkline_core::ids::CallSid;

/// How long an answer is kept: the carrier's question can be redelivered.
const KEPT: Duration = Duration::from_secs(600);

/// See the module's text. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Dispositions(Arc<Mutex<HashMap<CallSid, (Disposition, Instant)>>>);

impl Dispositions {
    /// Remembers what follows the stream of a call.
    pub fn set(&self, call_sid: &CallSid, disposition: Disposition) {
        self.lock().insert(call_sid.clone(), (disposition, Instant::now()));
    }

    /// What follows the stream of a call, where this node knows.
    #[must_use]
    pub fn get(&self, call_sid: &CallSid) -> Option<Disposition> {
        self.lock().get(call_sid).map(|(disposition, _)| *disposition)
    }

    /// Forgets what is old.
    pub fn sweep(&self) {
        self.lock().retain(|_, (_, since)| since.elapsed() < KEPT);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CallSid, (Disposition, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
