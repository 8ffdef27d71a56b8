//! The files that a configuration is read from: on disk, or in memory in a test.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest configuration file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 * 1024;

/// What loading needs of a file system.
pub trait Files: Send + Sync {
    /// The files right inside `folder` whose name ends in `.` and `ending`,
    /// sorted; hidden ones, which editors leave behind, are left out.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self, folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>>;

    /// A file's content.
    ///
    /// # Errors
    /// When it cannot be read, or is larger than [`MAX_FILE_BYTES`].
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
}

fn wanted(path: &Path, ending: &str) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|e| e == ending)
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn list(&self, folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if wanted(&path, ending) && !path.is_dir() {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
            return Err(io::Error::other(format!("larger than {} KiB", MAX_FILE_BYTES / 1024)));
        }
        Ok(bytes)
    }
}

/// Files in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles(BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFiles {
    /// With one file more, or another content of one.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, content: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), content.into());
        self
    }
}

impl Files for MemoryFiles {
    fn list(&self, folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
        if !self.0.keys().any(|path| path.starts_with(folder)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = |path: &&PathBuf| path.parent() == Some(folder) && wanted(path, ending);
        Ok(self.0.keys().filter(inside).cloned().collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
