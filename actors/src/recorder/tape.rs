//! A call's recording, as its actor holds it.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use trunkline_core::call::{CallSettings, Exit, Input, Output, Summary};
use trunkline_core::flight::{Ending, Keep, Preamble, Tape};
use trunkline_core::time::Micros;

use super::queue::{FlightFile, Job, Queue};

/// What was recorded goes to the file when it is so much, or so long ago. So much
/// at most is lost when the process is killed.
const FLUSH_BYTES: usize = 16 << 10;
const FLUSH_AFTER: Micros = Micros::from_secs(2);

/// What a call began with.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Wall time of the call's time zero, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// What the call's chance came from.
    pub seed: u64,
    /// The time given to [`trunkline_core::call::Call::new`].
    pub at: Micros,
    /// Everything that the call decides by.
    pub settings: CallSettings,
}

/// See the module's text. Shared by the actor and by whoever watches it, so that
/// it is closed however the actor ends.
pub struct CallTape {
    state: RefCell<State>,
    queue: Arc<Queue>,
    file: Arc<FlightFile>,
    keep: Keep,
}

struct State {
    tape: Tape,
    flushed_at: Micros,
    summary: Option<Summary>,
    closed: bool,
}

impl CallTape {
    pub(super) fn new(preamble: &Preamble, keep: Keep, most_bytes: u64, queue: Arc<Queue>) -> Self {
        let state = State {
            tape: Tape::new(preamble, most_bytes),
            flushed_at: preamble.at,
            summary: None,
            closed: false,
        };
        let file = Arc::new(FlightFile::new(name(preamble)));
        let tape = Self { state: RefCell::new(state), queue, file, keep };
        tape.flush(&mut tape.state.borrow_mut(), preamble.at);
        tape
    }

    /// The call is about to be told something.
    pub fn input(&self, input: &Input, now: Micros) {
        self.write(now, |state| state.tape.input(input, now));
    }

    /// The call is about to be woken; `due` is the time for which it had asked.
    pub fn timeout(&self, now: Micros, due: Option<Micros>) {
        self.write(now, |state| state.tape.timeout(now, due));
    }

    /// The call decided something.
    pub fn output(&self, output: &Output, now: Micros) {
        self.write(now, |state| {
            state.tape.output(output);
            if let Output::Ended(summary) = output {
                state.summary = Some(summary.clone());
            }
        });
    }

    /// The call's actor ended.
    pub fn close(&self, exit: Exit) {
        let mut state = self.state.borrow_mut();
        if std::mem::replace(&mut state.closed, true) {
            return;
        }
        let normal = exit == Exit::Normal;
        state.tape.end(if normal { Ending::Complete } else { Ending::Died });
        let now = state.flushed_at;
        self.flush(&mut state, now);
        let keep = !normal || self.keep.keeps(state.summary.as_ref());
        self.queue.push(Job::Close { file: Arc::clone(&self.file), keep });
    }

    fn write(&self, now: Micros, write: impl FnOnce(&mut State)) {
        let mut state = self.state.borrow_mut();
        write(&mut state);
        let long_ago = now.since(state.flushed_at) >= FLUSH_AFTER;
        if long_ago || state.tape.waiting_bytes() >= FLUSH_BYTES {
            self.flush(&mut state, now);
        }
    }

    fn flush(&self, state: &mut State, now: Micros) {
        state.flushed_at = now;
        let bytes = state.tape.take();
        if !bytes.is_empty() && !self.file.has_lost() {
            self.queue.push(Job::Append { file: Arc::clone(&self.file), bytes });
        }
    }
}

impl fmt::Debug for CallTape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallTape").field("file", &self.file.name).finish_non_exhaustive()
    }
}

/// When it began, so that names stand in the order of time, and which call.
fn name(preamble: &Preamble) -> String {
    let began =
        i64::try_from(preamble.began_unix_ms).ok().and_then(DateTime::from_timestamp_millis);
    let began: DateTime<Utc> = began.unwrap_or_default();
    format!("{}-{}", began.format("%Y%m%dT%H%M%S%3fZ"), preamble.settings.call_sid)
}
