//! The folder of recordings: `TENANT/YYYY/MM/DD/CALL/RECORDING.wav`. A file is written
//! under another name first, for this user's eyes only, so that what bears its name
//! is whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use trunkline_core::ids::CallSid;
use trunkline_store::RecordingRow;

/// Folders below the tenant's, down to the call's.
const DEPTH: usize = 5;
const FINISHED: &str = "wav";
const UNFINISHED: &str = "part";
/// What a WAV file begins with.
const RIFF: [u8; 4] = *b"RIFF";

/// See the module's text.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// A file in it, finished or not.
#[derive(Clone, Debug)]
pub(crate) struct AudioFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The call that is heard in it.
    pub(crate) call_sid: CallSid,
    /// Its length.
    pub(crate) bytes: u64,
    /// When it was written last.
    pub(crate) modified: SystemTime,
    /// Whether it is whole.
    pub(crate) finished: bool,
}

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where a recording belongs within the folder: the same however often it is
    /// fetched.
    pub(crate) fn place(row: &RecordingRow) -> String {
        let plain = |name: &str| -> String {
            let good = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
            name.chars().map(good).collect()
        };
        format!(
            "{}/{}/{}/{}.{FINISHED}",
            plain(row.tenant_id.as_str()),
            row.created_at.format("%Y/%m/%d"),
            plain(row.call_sid.as_str()),
            plain(row.recording_sid.as_str()),
        )
    }

    /// Begins to write a recording.
    pub(crate) fn draft(&self, place: &str) -> io::Result<Draft> {
        let target = self.path_of(place)?;
        if let Some(folder) = target.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let name = format!("{}.{UNFINISHED}", uuid::Uuid::new_v4().simple());
        let path = target.with_extension(name);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Draft { path: Some(path), target, file, bytes: 0 })
    }

    /// Opens a recording; its length comes with it.
    pub(crate) fn open(&self, place: &str) -> io::Result<(File, u64)> {
        let file = File::open(self.path_of(place)?)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    }

    /// A place within the folder: whatever the database says, never one outside.
    fn path_of(&self, place: &str) -> io::Result<PathBuf> {
        let place = Path::new(place);
        if place.components().all(|part| matches!(part, Component::Normal(_))) {
            Ok(self.0.join(place))
        } else {
            Err(io::Error::from(io::ErrorKind::InvalidInput))
        }
    }

    /// Every file in it.
    pub(crate) fn files(&self) -> io::Result<Vec<AudioFile>> {
        let mut found = Vec::new();
        walk(&self.0, DEPTH, &mut found)?;
        Ok(found)
    }

    /// Removes a file, and the folders that are empty then.
    pub(crate) fn remove(&self, file: &AudioFile) -> io::Result<()> {
        remove(&file.path)?;
        for folder in file.path.ancestors().skip(1).take(DEPTH) {
            // The first that is not empty ends it.
            if folder == self.0 || fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Removes a recording that is nobody's.
    pub(crate) fn discard(&self, place: &str) -> io::Result<()> {
        remove(&self.path_of(place)?)
    }
}

/// One that is gone already is as good.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<AudioFile>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let Some(data) = gone_is_none(fs::symlink_metadata(&path))? else {
            continue;
        };
        if data.is_dir() && depth > 0 {
            walk(&path, depth - 1, found)?;
        } else if data.is_file() && depth == 0 {
            found.extend(audio(path, data.len(), data.modified()?));
        }
    }
    Ok(())
}

fn gone_is_none<T>(asked: io::Result<T>) -> io::Result<Option<T>> {
    match asked {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        asked => asked.map(Some),
    }
}

fn audio(path: PathBuf, bytes: u64, modified: SystemTime) -> Option<AudioFile> {
    let ending = path.extension()?.to_str()?;
    let finished = ending == FINISHED;
    let call = path.parent()?.file_name()?.to_str()?;
    let call_sid = CallSid::parse(call).ok()?;
    let ours = finished || ending == UNFINISHED;
    ours.then_some(AudioFile { path, call_sid, bytes, modified, finished })
}

/// A recording that is being written. Dropped before it is finished, it leaves nothing.
pub(crate) struct Draft {
    path: Option<PathBuf>,
    target: PathBuf,
    file: File,
    bytes: u64,
}

impl Draft {
    /// Adds to it.
    pub(crate) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        Ok(())
    }

    /// Gives it its name, once it is on the disk; its length.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        let mut beginning = RIFF.map(|_| 0);
        self.file.rewind()?;
        let is_audio = self.file.read_exact(&mut beginning).is_ok() && beginning == RIFF;
        if !is_audio {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        self.file.sync_all()?;
        if let Some(path) = self.path.take() {
            let named = fs::rename(&path, &self.target);
            if named.is_err() {
                self.path = Some(path);
            }
            named?;
        }
        if let Some(folder) = self.target.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(self.bytes)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = &self.path
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(%error, "a recording that was not finished is left behind");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use chrono::DateTime;
    use trunkline_core::ids::{AccountSid, RecordingSid, TenantId};

    use super::*;

    fn row(call: &str) -> RecordingRow {
        RecordingRow::to_fetch(
            (TenantId::parse("shop").unwrap(), CallSid::parse(call).unwrap()),
            (AccountSid::parse("AC1").unwrap(), RecordingSid::parse("RE1").unwrap()),
            DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        )
    }

    #[test]
    fn a_recording_is_whole_or_not_there_and_for_one_users_eyes() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::new(&temporary.path().join("deep"));
        assert!(folder.files().unwrap().is_empty(), "the folder need not be there");
        let place = Folder::place(&row("CA1"));
        assert_eq!(place, "shop/2023/11/14/CA1/RE1.wav");
        let mut draft = folder.draft(&place).unwrap();
        draft.write(b"RIFF").unwrap();
        let files = folder.files().unwrap();
        assert_eq!((files.len(), files[0].finished, files[0].call_sid.as_str()), (1, false, "CA1"));
        assert!(folder.open(&place).is_err());
        draft.write(b"more").unwrap();
        assert_eq!(draft.finish().unwrap(), 8);
        assert_eq!(folder.open(&place).unwrap().1, 8);
        let files = folder.files().unwrap();
        assert_eq!((files.len(), files[0].finished, files[0].bytes), (1, true, 8));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&files[0].path), 0o600);
        assert_eq!(mode(files[0].path.parent().unwrap()), 0o700);

        // Another try that fails leaves the first as it is.
        let mut again = folder.draft(&place).unwrap();
        again.write(b"<xml>").unwrap();
        assert!(again.finish().is_err(), "no audio");
        drop(folder.draft(&place).unwrap());
        assert_eq!(folder.files().unwrap().len(), 1);
        folder.remove(&files[0]).unwrap();
        folder.remove(&files[0]).unwrap();
        assert_eq!(fs::read_dir(temporary.path().join("deep")).unwrap().count(), 0);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::new(temporary.path());
        for place in ["../x.wav", "/etc/passwd", "a/../../x.wav", "./x.wav/.."] {
            assert!(folder.open(place).is_err() && folder.draft(place).is_err(), "{place}");
        }
        assert_eq!(Folder::place(&row("..")), "shop/2023/11/14/__/RE1.wav");
    }
}
