//! The flight recorder: each call's recording (see [`trunkline_core::flight`]) in a
//! sealed file of its own.
//!
//! While a call lasts its recording grows in a part file, so that a process that is
//! killed leaves it behind. When the call is over the file is packed and kept, or
//! removed, as [`Keep`] says. All file work is done from one bounded queue, on a
//! thread that may block; a call only puts bytes into the queue, and never waits.

mod calls;
mod folder;
mod key;
mod pack;
mod queue;
mod seal;
mod tape;
mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use trunkline_core::flight::{FORMAT, Keep, Preamble};
use trunkline_core::ids::NodeId;

pub use calls::{RecordingFile, recordings, remove_recording};
pub use folder::ENDING;
pub use key::{KeyError, KeySource, RecorderKey};
pub use pack::{ReadFileError, Unsealed, read_file};
pub use seal::{End, OpenError};
pub use tape::{Beginning, CallTape};

use queue::{Job, Queue};
use work::Work;

/// Settings of the recorder.
#[derive(Clone, Debug)]
pub struct RecorderSettings {
    /// Which recordings are kept, of tenants that do not choose.
    pub keep: Keep,
    /// Where they are kept. Made when it is first needed.
    pub folder: PathBuf,
    /// What they are sealed with.
    pub key: KeySource,
    /// Whose part files these are.
    pub node: NodeId,
    /// Version of the program.
    pub build: String,
    /// Bytes of one call's recording before it is sealed and packed; past it, the
    /// recording ends.
    pub max_call_bytes: u64,
    /// Recordings kept at most; past it, the oldest go.
    pub max_files: usize,
    /// Bytes of all recordings together, likewise.
    pub max_total_bytes: u64,
    /// How long one is kept.
    pub retention: Duration,
}

/// See the module's text. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    settings: Arc<RecorderSettings>,
    queue: Arc<Queue>,
}

impl Recorder {
    /// A recorder. It touches no file before there is something to record.
    #[must_use]
    pub fn new(settings: RecorderSettings) -> Self {
        let settings = Arc::new(settings);
        let queue = Queue::new(Work::new(Arc::clone(&settings)));
        Self { settings, queue }
    }

    /// Begins a call's recording; none where nothing of this tenant's is kept.
    #[must_use]
    pub fn begin(&self, beginning: Beginning) -> Option<CallTape> {
        let keep = beginning.settings.tenant.flight_recorder.unwrap_or(self.settings.keep);
        keep.records().then(|| {
            let preamble = Preamble {
                format: FORMAT,
                build: self.settings.build.clone(),
                began_unix_ms: beginning.began_unix_ms,
                seed: beginning.seed,
                at: beginning.at,
                settings: beginning.settings,
            };
            CallTape::new(&preamble, keep, self.settings.max_call_bytes, Arc::clone(&self.queue))
        })
    }

    /// Has the recordings of an earlier life of this node completed: its calls ended
    /// with it. For the start of a process, before its first call.
    pub fn recover(&self) {
        self.queue.push(Job::Recover);
    }

    /// Has recordings removed that are too old or too many.
    pub fn sweep(&self) {
        self.queue.push(Job::Sweep);
    }

    /// Waits until everything recorded so far is in its file, for at most
    /// `patience`; answers whether it is.
    pub async fn flush(&self, patience: Duration) -> bool {
        matches!(tokio::time::timeout(patience, self.queue.emptied()).await, Ok(Ok(())))
    }
}
