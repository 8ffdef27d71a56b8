//! Which recordings are of which call. What is inside is sealed; the name says the
//! call, and that is enough to find and to remove it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use trunkline_core::ids::CallSid;

use super::folder::ENDING;

/// A recording as it lies in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingFile {
    /// Its file.
    pub path: PathBuf,
    /// The call.
    pub call_sid: CallSid,
    /// The file's length.
    pub bytes: u64,
    /// When it was written last.
    pub modified: SystemTime,
    /// Whether the call was over when it was written; else it lasts, or its process
    /// was killed.
    pub finished: bool,
}

/// Every recording in a folder, finished or not, by name. A folder that is not there
/// has none; what has no such name is passed over. Blocks.
///
/// # Errors
/// When the folder cannot be read.
pub fn recordings(folder: &Path) -> io::Result<Vec<RecordingFile>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let Some(call_sid) = call_of(&path) else { continue };
        // It may be removed or packed at this moment.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let finished = path.extension().is_some_and(|ending| ending == ENDING);
        let (bytes, modified) = (metadata.len(), metadata.modified()?);
        found.push(RecordingFile { path, call_sid, bytes, modified, finished });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// The call in a name like `20260101T120000000Z-CA….flight`, or `….NODE.part`.
fn call_of(path: &Path) -> Option<CallSid> {
    let (name, rest) = path.file_name()?.to_str()?.split_once('.')?;
    let (_, sid) = name.split_once('-')?;
    let is_ours = [ENDING, "part", "draft"].iter().any(|ending| rest.ends_with(ending));
    CallSid::parse(sid).ok().filter(|_| is_ours)
}

/// Removes a recording; one that is gone by now is as good. Blocks.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_recording(file: &RecordingFile) -> io::Result<()> {
    match std::fs::remove_file(&file.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_known_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "20260101T000000000Z-CA1.flight",
            "20260101T000000001Z-CA2.node-1.part",
            "20260101T000000002Z-CA3.node.a.draft",
            "notes.txt",
            "CA4.flight",
        ] {
            std::fs::write(folder.path().join(name), "four").unwrap();
        }
        let found = recordings(folder.path()).unwrap();
        let known: Vec<_> =
            found.iter().map(|f| (f.call_sid.as_str(), f.bytes, f.finished)).collect();
        assert_eq!(known, [("CA1", 4, true), ("CA2", 4, false), ("CA3", 4, false)]);
        remove_recording(&found[0]).unwrap();
        remove_recording(&found[0]).unwrap();
        assert_eq!(recordings(folder.path()).unwrap().len(), 2);
        assert_eq!(recordings(&folder.path().join("nowhere")).unwrap(), []);
    }
}
