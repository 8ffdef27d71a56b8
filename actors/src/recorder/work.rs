//! The recorder's file work.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use trunkline_core::flight::{Ending, Tape};

use crate::metrics;

use super::RecorderSettings;
use super::folder::{Bounds, Folder};
use super::key::{KeyError, RecorderKey};
use super::pack::{ReadFileError, packed, piece, unseal};
use super::queue::{FlightFile, Job};
use super::seal::{SealError, Sealer};

/// Why something could not be done with a recording.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Key(#[from] KeyError),
    #[error("{0}")]
    Seal(#[from] SealError),
    #[error("{0}")]
    Read(#[from] ReadFileError),
}

/// Does the jobs of the queue.
pub(super) struct Work {
    folder: Folder,
    bounds: Bounds,
    settings: Arc<RecorderSettings>,
    key: OnceLock<RecorderKey>,
    /// The files that are being written, by name.
    sealers: Mutex<HashMap<String, Sealer>>,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Work {
    pub(super) fn new(settings: Arc<RecorderSettings>) -> Self {
        Self {
            folder: Folder::new(settings.folder.clone(), settings.node.clone()),
            bounds: Bounds {
                files: settings.max_files,
                total_bytes: settings.max_total_bytes,
                age: settings.retention,
            },
            settings,
            key: OnceLock::new(),
            sealers: Mutex::default(),
        }
    }

    pub(super) fn perform(&self, job: Job) {
        match job {
            Job::Append { file, bytes } => self.append_or_lose(&file, &bytes),
            Job::Close { file, keep } => self.close(&file, keep),
            Job::Recover => self.recover(),
            Job::Sweep => self.sweep(),
        }
    }

    /// A disk that is full or away costs the recording its end, and is told once.
    fn append_or_lose(&self, file: &FlightFile, bytes: &[u8]) {
        if file.has_lost() {
            return;
        }
        if let Err(error) = self.append(file, bytes)
            && file.lose()
        {
            metrics::recording("lost");
            tracing::error!(recording = file.name, %error, "a recording cannot be written");
        }
    }

    fn append(&self, file: &FlightFile, bytes: &[u8]) -> Result<(), WorkError> {
        let mut sealers = self.sealers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sealer) = sealers.get_mut(&file.name) {
            return Ok(self.folder.append(&file.name, &piece(sealer, bytes)?)?);
        }
        let mut sealer = Sealer::new(self.key()?)?;
        self.folder.create_part(&file.name, sealer.head())?;
        self.folder.append(&file.name, &piece(&mut sealer, bytes)?)?;
        sealers.insert(file.name.clone(), sealer);
        Ok(())
    }

    fn close(&self, file: &FlightFile, keep: bool) {
        if keep && file.has_lost() {
            // Says why it ends; where even that cannot be written it is torn.
            self.append(file, &Tape::last_entry(Ending::Lost)).unwrap_or_default();
        }
        let begun = self.sealers.lock().unwrap_or_else(PoisonError::into_inner).remove(&file.name);
        if begun.is_none() {
            return;
        }
        let done = if keep {
            self.keep(&file.name)
        } else {
            self.folder.remove_part(&file.name).map_err(WorkError::from)
        };
        match done {
            Ok(()) => metrics::recording(if keep { "kept" } else { "discarded" }),
            Err(error) => {
                tracing::error!(recording = file.name, %error, "a recording could not be closed");
            }
        }
    }

    /// Packs a part file and makes room for it.
    fn keep(&self, name: &str) -> Result<(), WorkError> {
        match self.pack(name) {
            Ok(()) => {}
            // Its process was killed before it had written anything.
            Err(WorkError::Read(ReadFileError::Empty)) => {
                return Ok(self.folder.remove_part(name)?);
            }
            Err(error) => {
                tracing::warn!(recording = name, %error, "a recording is kept unpacked");
                self.folder.keep_part(name)?;
            }
        }
        let path = self.folder.kept(name);
        tracing::info!(file = %path.display(), "a flight recording was kept");
        self.sweep();
        Ok(())
    }

    fn pack(&self, name: &str) -> Result<(), WorkError> {
        let key = self.key()?;
        let unsealed = unseal(key, &std::fs::read(self.folder.part(name))?)?;
        Ok(self.folder.replace_part(name, &packed(key, &unsealed.recording)?)?)
    }

    /// The calls that these belong to ended with the process, so they failed.
    fn recover(&self) {
        let left_over = self.folder.left_over().unwrap_or_else(|error| {
            tracing::warn!(%error, "the folder of recordings cannot be read");
            Vec::new()
        });
        for name in left_over {
            match self.keep(&name) {
                Ok(()) => metrics::recording("recovered"),
                Err(error) => {
                    tracing::warn!(recording = name, %error, "a recording was left as it is");
                }
            }
        }
        self.sweep();
    }

    fn sweep(&self) {
        match self.folder.sweep(self.bounds, SystemTime::now()) {
            Ok(removed) => (0..removed).for_each(|_| metrics::recording("removed")),
            Err(error) => tracing::warn!(%error, "old recordings cannot be removed"),
        }
    }

    fn key(&self) -> Result<&RecorderKey, KeyError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = self.settings.key.load_or_make()?;
        Ok(self.key.get_or_init(|| key))
    }
}
