//! The key under which numbers are hashed. With it, a number that is asked for can
//! be found among hashed ones; without it, nobody can try all numbers there are.

use std::fmt::{self, Write as _};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use trunkline_core::pii::PhoneNumber;
use uuid::Uuid;

/// Fewest bytes of a key: as many as HMAC-SHA-256 gives.
const LEAST_BYTES: usize = 32;
/// What a hashed number begins with. Nothing that begins so can be dialled.
pub(super) const HASHED: &str = "hash:";
const COMMENT: &str = "# Finds people by their hashed numbers. Whoever has it can tell whether a number is one of them.";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is too short.
    #[error("is no key: it must have {LEAST_BYTES} bytes or more")]
    TooShort,
    /// The key file could not be read or made.
    #[error("the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The key. Prints as nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivacyKey(Vec<u8>);

/// The forms in which one number may be stored: as it is, and hashed with the
/// present key and those before it. Prints as its last digits.
#[derive(Clone)]
pub struct NumberForms {
    plain: PhoneNumber,
    hashed: Vec<String>,
}

impl PrivacyKey {
    /// A key out of any text that is long enough.
    ///
    /// # Errors
    /// When it has fewer than 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.len() < LEAST_BYTES {
            return Err(KeyError::TooShort);
        }
        Ok(Self(text.as_bytes().to_owned()))
    }

    /// The key in this file, which is made with a new key, for its owner's eyes
    /// only, where it is not there. Blocks.
    ///
    /// # Errors
    /// When it cannot be read or made, or what is in it is too short.
    pub fn load_or_make(path: &Path) -> Result<Self, KeyError> {
        if path.exists() { Self::read(path) } else { Self::make(path) }
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
                "others on this machine may read the key of hashed numbers: chmod 600"
            );
        }
        Ok(key)
    }

    /// Writes a new key. Where another process was faster, its key is the key.
    fn make(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        // 122 random bits each.
        let text = [Uuid::new_v4(), Uuid::new_v4()].map(|id| id.simple().to_string()).concat();
        let draft = path.with_extension(format!("{}.new", Uuid::new_v4().simple()));
        let written = write_private(&draft, &text).and_then(|()| std::fs::hard_link(&draft, path));
        // What is left of the draft harms nobody, but is a key on disk.
        let removed = std::fs::remove_file(&draft);
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Self::read(path),
            Err(error) => return Err(failed(error)),
        }
        removed.map_err(failed)?;
        tracing::info!(file = %path.display(), "a key for hashing numbers was made");
        Self::parse(&text)
    }

    /// The number's hash: `hash:` and HMAC-SHA-256 in hex.
    #[must_use]
    pub fn hash(&self, number: &PhoneNumber) -> String {
        let mut text = HASHED.to_owned();
        // An HMAC takes keys of any length.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            mac.update(b"trunkline phone number\0");
            mac.update(number.expose().as_bytes());
            for byte in mac.finalize().into_bytes() {
                // Writing to a string cannot fail.
                write!(text, "{byte:02x}").unwrap_or_default();
            }
        }
        text
    }
}

fn write_private(path: &Path, key: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(format!("{COMMENT}\n{key}\n").as_bytes())?;
    file.sync_all()
}

impl NumberForms {
    /// The forms of a number, with the present key first.
    #[must_use]
    pub fn new(number: &PhoneNumber, keys: &[PrivacyKey]) -> Self {
        Self { plain: number.clone(), hashed: keys.iter().map(|key| key.hash(number)).collect() }
    }

    /// The number.
    #[must_use]
    pub const fn plain(&self) -> &PhoneNumber {
        &self.plain
    }

    /// Its hash with the present key.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.hashed.first().map_or("", String::as_str)
    }

    /// Whether a stored number is this one.
    pub(super) fn is(&self, stored: &str) -> bool {
        stored == self.plain.expose() || self.hashed.iter().any(|hash| hash == stored)
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<String> {
        let plain = std::iter::once(self.plain.expose().to_owned());
        plain.chain(self.hashed.iter().cloned()).collect()
    }
}

impl fmt::Debug for PrivacyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivacyKey(…)")
    }
}

impl fmt::Debug for NumberForms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.plain, f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_the_number_and_the_key_and_cannot_be_dialled() {
        let number = PhoneNumber::new("+1 (415) 555-0100");
        let [one, two] = ["1", "2"].map(|digit| PrivacyKey::parse(&digit.repeat(32)).unwrap());
        // printf 'trunkline phone number\0+14155550100' | openssl dgst -sha256 -hmac 111…
        assert_eq!(one.hash(&number), one.hash(&PhoneNumber::new("+14155550100")));
        assert_ne!(one.hash(&number), two.hash(&number));
        assert_ne!(one.hash(&number), one.hash(&PhoneNumber::new("+14155550101")));
        assert_eq!(one.hash(&number).len(), HASHED.len() + 64);
        assert!(!PhoneNumber::new(&one.hash(&number)).is_e164());
        let forms = NumberForms::new(&number, &[one.clone(), two.clone()]);
        assert!(forms.is("+14155550100") && forms.is(&one.hash(&number)));
        assert!(forms.is(&two.hash(&number)) && !forms.is("+14155550101"));
        assert_eq!(format!("{one:?} {forms:?}"), "PrivacyKey(…) …0100");
    }

    #[test]
    fn a_key_is_made_once_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/privacy.key");
        let made = PrivacyKey::load_or_make(&path).unwrap();
        assert_eq!(PrivacyKey::load_or_make(&path).unwrap(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft");
        assert!(matches!(PrivacyKey::parse("short"), Err(KeyError::TooShort)));
        std::fs::write(&path, "short\n").unwrap();
        assert!(matches!(PrivacyKey::load_or_make(&path), Err(KeyError::File { .. })));
    }
}
