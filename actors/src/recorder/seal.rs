//! How a recording is sealed: a head, then blocks, each encrypted and signed with a
//! key of the file's own.
//!
//! ```text
//! head   8 bytes   "TRKFLT" and the version, two digits
//!        8 bytes   the key's name
//!       32 bytes   salt
//! block  4 bytes   length of what follows, lowest byte first
//!        n bytes   ChaCha20-Poly1305 over the content; the last 16 are its tag
//! ```
//!
//! The file's key is HKDF-SHA256 of the recorder's key and the salt. A block's nonce
//! is its number and its signature covers the head, so that no block can be changed,
//! moved or taken from another file. Blocks may be missing at the end: that is how a
//! file looks whose writer was killed. The recording says by its own last entry
//! whether it is whole.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::key::{KEY_ID_BYTES, RecorderKey};

const MAGIC: &[u8; 6] = b"TRKFLT";
const VERSION: &[u8; 2] = b"01";
const SALT_BYTES: usize = 32;
const HEAD_BYTES: usize = MAGIC.len() + VERSION.len() + KEY_ID_BYTES + SALT_BYTES;
const LENGTH_BYTES: usize = 4;

/// Longest block, sealed. The recorder's own are far shorter.
const MAX_BLOCK_BYTES: usize = 32 << 20;

/// Why something could not be sealed: the machine gave no randomness, or the block
/// is too long.
#[derive(Debug, thiserror::Error)]
#[error("a recording could not be sealed")]
pub(super) struct SealError;

/// Why a file cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It does not begin as a sealed recording does.
    #[error("this is no flight recording")]
    NoRecording,
    /// It was sealed by another version.
    #[error("the recording is sealed as version {0:?}, and this program opens version \"01\"")]
    OtherVersion(String),
    /// It was sealed with another key.
    #[error("the recording is sealed with another key than the one given ({given})")]
    WrongKey {
        /// The name of the key that was tried.
        given: String,
    },
    /// Its first block is not as it was written.
    #[error("the recording is damaged at its beginning: nothing of it can be read")]
    Damaged,
}

/// How the file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a whole block.
    Whole,
    /// Within a block: its writer was killed.
    Torn,
    /// With a block, of this number from 1, that is not as it was written.
    Damaged(u64),
}

/// Seals the blocks of one file.
pub(super) struct Sealer {
    head: [u8; HEAD_BYTES],
    key: LessSafeKey,
    next: u64,
}

impl Sealer {
    /// Begins a file; its head is to be written first.
    pub(super) fn new(key: &RecorderKey) -> Result<Self, SealError> {
        let mut salt = [0; SALT_BYTES];
        SystemRandom::new().fill(&mut salt).map_err(|_| SealError)?;
        let mut head = [0; HEAD_BYTES];
        let parts: [&[u8]; 4] = [MAGIC, VERSION, &key.id(), &salt];
        head.iter_mut().zip(parts.concat()).for_each(|(to, from)| *to = from);
        Ok(Self { head, key: file_key(key, &salt)?, next: 0 })
    }

    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Seals the next block, its length included.
    pub(super) fn seal(&mut self, content: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut block = Vec::with_capacity(content.len() + 64);
        block.extend([0; LENGTH_BYTES]);
        let mut sealed = content.to_vec();
        let nonce = nonce(self.next);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(&self.head), &mut sealed)
            .map_err(|_| SealError)?;
        self.next += 1;
        let length = u32::try_from(sealed.len()).map_err(|_| SealError)?;
        block.splice(.., length.to_le_bytes());
        block.append(&mut sealed);
        Ok(block)
    }
}

/// Opens a file; answers the contents of its blocks and how it ends.
pub(super) fn open(key: &RecorderKey, file: &[u8]) -> Result<(Vec<Vec<u8>>, End), OpenError> {
    let (head, mut rest) = file.split_at_checked(HEAD_BYTES).ok_or(OpenError::NoRecording)?;
    let file_key = key_for(key, head)?;
    let mut contents = Vec::new();
    loop {
        let Some((block, after)) = split_block(rest) else {
            return Ok((contents, if rest.is_empty() { End::Whole } else { End::Torn }));
        };
        let number = contents.len() as u64;
        let mut content = block.to_vec();
        match file_key.open_in_place(nonce(number), Aad::from(head), &mut content) {
            Ok(plain) => {
                let length = plain.len();
                content.truncate(length);
                contents.push(content);
            }
            Err(_) if number == 0 => return Err(OpenError::Damaged),
            Err(_) => return Ok((contents, End::Damaged(number + 1))),
        }
        rest = after;
    }
}

fn key_for(key: &RecorderKey, head: &[u8]) -> Result<LessSafeKey, OpenError> {
    let rest = head.strip_prefix(MAGIC).ok_or(OpenError::NoRecording)?;
    let (version, rest) = rest.split_at_checked(VERSION.len()).ok_or(OpenError::NoRecording)?;
    if version != VERSION {
        return Err(OpenError::OtherVersion(String::from_utf8_lossy(version).into_owned()));
    }
    let salt =
        rest.strip_prefix(&key.id()).ok_or(OpenError::WrongKey { given: key.to_string() })?;
    file_key(key, salt).map_err(|_| OpenError::NoRecording)
}

fn split_block(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = rest.split_first_chunk::<LENGTH_BYTES>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    // A file system that lost power may leave noughts where nothing was written.
    let possible = (CHACHA20_POLY1305.tag_len()..=MAX_BLOCK_BYTES).contains(&length);
    rest.split_at_checked(length).filter(|_| possible)
}

fn file_key(key: &RecorderKey, salt: &[u8]) -> Result<LessSafeKey, SealError> {
    let extracted = Salt::new(HKDF_SHA256, salt).extract(key.bytes());
    let info = [b"trunkline flight recording".as_slice()];
    let expanded = extracted.expand(&info, &CHACHA20_POLY1305).map_err(|_| SealError)?;
    Ok(LessSafeKey::new(UnboundKey::from(expanded)))
}

fn nonce(block: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes.iter_mut().zip(block.to_le_bytes()).for_each(|(to, from)| *to = from);
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    fn key(byte: u8) -> RecorderKey {
        RecorderKey::parse(&format!("{byte:02x}").repeat(32)).unwrap()
    }

    fn sealed(contents: &[&[u8]]) -> Vec<u8> {
        let mut sealer = Sealer::new(&key(1)).unwrap();
        let mut file = sealer.head().to_vec();
        contents.iter().for_each(|content| file.extend(sealer.seal(content).unwrap()));
        file
    }

    #[test]
    fn what_was_sealed_is_opened_with_its_key_and_no_other() {
        let file = sealed(&[b"one", b"", b"three"]);
        let (contents, end) = open(&key(1), &file).unwrap();
        assert_eq!((contents.concat(), contents.len(), end), (b"onethree".to_vec(), 3, End::Whole));
        let given = key(2).to_string();
        assert_eq!(open(&key(2), &file), Err(OpenError::WrongKey { given }));
        assert_ne!(file, sealed(&[b"one", b"", b"three"]), "each file has a key of its own");
    }

    #[test]
    fn nothing_of_the_content_is_in_the_file() {
        let word = b"Quisquilia and a good deal more of it";
        let file = sealed(&[word, word]);
        assert!(!file.windows(8).any(|window| word.windows(8).any(|w| w == window)));
    }

    #[test]
    fn a_file_that_is_torn_anywhere_opens_up_to_there() {
        let file = sealed(&[b"one", b"two"]);
        let second = HEAD_BYTES + 4 + 3 + 16;
        for length in HEAD_BYTES..=file.len() {
            let (contents, end) = open(&key(1), &file[..length]).unwrap();
            assert_eq!(
                contents.len(),
                usize::from(length >= second) + usize::from(length == file.len())
            );
            let whole = [HEAD_BYTES, second, file.len()].contains(&length);
            assert_eq!(end, if whole { End::Whole } else { End::Torn }, "{length}");
        }
        for length in 0..HEAD_BYTES {
            assert_eq!(open(&key(1), &file[..length]), Err(OpenError::NoRecording));
        }
        let noughts = [&file[..], &[0; 100]].concat();
        assert_eq!(open(&key(1), &noughts).unwrap().1, End::Torn);
    }

    #[test]
    fn no_bit_can_be_turned_and_no_block_moved() {
        let file = sealed(&[b"one", b"two"]);
        let whole = open(&key(1), &file);
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert_ne!(open(&key(1), &changed), whole, "the byte at {at}");
        }
        let (head, blocks) = file.split_at(HEAD_BYTES);
        let (first, second) = blocks.split_at(4 + 3 + 16);
        let moved = [head, second, first].concat();
        assert_eq!(open(&key(1), &moved), Err(OpenError::Damaged));
        let other = sealed(&[b"one", b"two"]);
        let spliced = [&other[..HEAD_BYTES + first.len()], second].concat();
        assert_eq!(open(&key(1), &spliced).unwrap().1, End::Damaged(2));
    }

    #[test]
    fn what_is_no_recording_and_what_is_of_another_version_are_told_apart() {
        assert_eq!(open(&key(1), &[b'x'; 200]), Err(OpenError::NoRecording));
        let mut file = sealed(&[b"one"]);
        file[7] = b'2';
        assert_eq!(open(&key(1), &file), Err(OpenError::OtherVersion("02".to_owned())));
    }
}
