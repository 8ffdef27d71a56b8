//! The key that recordings are sealed with.

use std::fmt;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};

/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of a key's name.
pub(super) const KEY_ID_BYTES: usize = 8;

const COMMENT: &str = "# Opens the flight recordings of this server. Whoever has it can read them.";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is no key.
    #[error("is no key: it must be 32 bytes, as 64 hex digits or in base64")]
    Malformed,
    /// The key file could not be read or made.
    #[error("the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The machine gave no randomness.
    #[error("no randomness for a new key")]
    NoRandomness,
}

/// A key. Prints as its name.
#[derive(Clone, PartialEq, Eq)]
pub struct RecorderKey([u8; KEY_BYTES]);

/// Where the key is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Here.
    Given(RecorderKey),
    /// In this file, which is made with a new key when it is not there.
    File(PathBuf),
}

impl RecorderKey {
    /// Reads a key: 64 hex digits, or 32 bytes in base64.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let bytes = hex(text).or_else(|| STANDARD.decode(text).ok());
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(KeyError::Malformed)
    }

    /// A new key.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Tells one key from another and says nothing of either.
    pub(super) fn id(&self) -> [u8; KEY_ID_BYTES] {
        let mut hash = Sha256::new();
        hash.update(b"trunkline recorder key\0");
        hash.update(self.0);
        let mut id = [0; KEY_ID_BYTES];
        id.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
        id
    }

    fn read(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let line = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
        let key = Self::parse(line.unwrap_or_default())
            .map_err(|error| failed(io::Error::other(error.to_string())))?;
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(
                file = %path.display(),
                "others on this machine may read the recorder's key: chmod 600"
            );
        }
        Ok(key)
    }

    /// Writes a new key that nobody else can read. Where another process was
    /// faster, its key is the key.
    fn make(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let key = Self::generate()?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let draft = path.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()));
        let text = format!("{COMMENT}\n{}\n", STANDARD.encode(key.0));
        let written = write_private(&draft, &text).and_then(|()| std::fs::hard_link(&draft, path));
        // What is left of the draft harms nobody, but is a key on disk.
        let removed = std::fs::remove_file(&draft);
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Self::read(path),
            Err(error) => return Err(failed(error)),
        }
        removed.map_err(failed)?;
        tracing::info!(file = %path.display(), "a key for the flight recorder was made");
        Ok(key)
    }
}

impl KeySource {
    /// The key, which is made where there is none.
    pub(super) fn load_or_make(&self) -> Result<RecorderKey, KeyError> {
        match self {
            Self::File(path) if !path.exists() => RecorderKey::make(path),
            Self::File(_) | Self::Given(_) => self.load(),
        }
    }

    /// The key that is there.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn load(&self) -> Result<RecorderKey, KeyError> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::File(path) => RecorderKey::read(path),
        }
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * KEY_BYTES || !text.is_ascii() {
        return None;
    }
    let pairs = (0..KEY_BYTES).map(|n| text.get(2 * n..2 * n + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

impl fmt::Debug for RecorderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RecorderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key ")?;
        self.id().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/recorder.key");
        let source = KeySource::File(path.clone());
        assert!(matches!(source.load(), Err(KeyError::File { .. })), "reading makes none");
        let made = source.load_or_make().unwrap();
        assert_eq!(source.load_or_make().unwrap(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft");
    }

    #[test]
    fn a_key_is_hex_or_base64_and_prints_as_its_name() {
        let by_hex = RecorderKey::parse(&"0f".repeat(32)).unwrap();
        assert_eq!(RecorderKey::parse(&STANDARD.encode([15; 32])).unwrap(), by_hex);
        for bad in ["", "secret", &"0f".repeat(31), &"zz".repeat(32), &STANDARD.encode([1; 31])] {
            assert!(matches!(RecorderKey::parse(bad), Err(KeyError::Malformed)), "{bad}");
        }
        let printed = format!("{by_hex} {by_hex:?}");
        assert!(printed.starts_with("key ") && !printed.contains("0f0f"), "{printed}");
        assert_ne!(RecorderKey::generate().unwrap(), RecorderKey::generate().unwrap());
    }
}
