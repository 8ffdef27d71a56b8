//! What is inside the sealed blocks: pieces of the recording, as they came while
//! the call lasted, or packed together once it was over.

use std::io;
use std::path::Path;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::key::{KeyError, KeySource, RecorderKey};
use super::seal::{End, OpenError, SealError, Sealer, open};

/// The first byte of a block's content: how the rest is to be understood.
const AS_IT_IS: u8 = 0;
const DEFLATED: u8 = 1;

/// Bytes that are packed together. More would be packed little better.
const PACK_BYTES: usize = 256 << 10;
/// How hard is tried, of ten: the recordings are few and small.
const PACK_LEVEL: u8 = 6;

/// Most that a block may hold, unpacked.
const MAX_UNPACKED_BYTES: usize = 64 << 20;

/// Why a recording's file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFileError {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is no key.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// It cannot be opened with the key.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// There is nothing in it.
    #[error("the recording is empty: it ends before anything of it can be read")]
    Empty,
    /// A block's content makes no sense.
    #[error("block {0} is sealed as it should be, and cannot be unpacked")]
    Unpack(usize),
}

/// What was in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// The recording's bytes, for [`trunkline_core::flight::entries`].
    pub recording: Vec<u8>,
    /// How the file ends.
    pub end: End,
}

/// Reads a recording's file, finished or not. Blocks: for a thread that may.
///
/// # Errors
/// When it is no recording, or the key does not open it.
pub fn read_file(path: &Path, key: &KeySource) -> Result<Unsealed, ReadFileError> {
    let file = std::fs::read(path)?;
    unseal(&key.load()?, &file)
}

pub(super) fn unseal(key: &RecorderKey, file: &[u8]) -> Result<Unsealed, ReadFileError> {
    let (contents, end) = open(key, file)?;
    if contents.is_empty() {
        return Err(ReadFileError::Empty);
    }
    let mut recording = Vec::new();
    for (index, content) in contents.iter().enumerate() {
        match content.split_first() {
            Some((&AS_IT_IS, piece)) => recording.extend_from_slice(piece),
            Some((&DEFLATED, packed)) => {
                let unpacked = decompress_to_vec_with_limit(packed, MAX_UNPACKED_BYTES);
                recording.extend(unpacked.map_err(|_| ReadFileError::Unpack(index + 1))?);
            }
            Some(_) | None => return Err(ReadFileError::Unpack(index + 1)),
        }
    }
    Ok(Unsealed { recording, end })
}

/// A block with a piece of a recording.
pub(super) fn piece(sealer: &mut Sealer, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    sealer.seal(&[&[AS_IT_IS], bytes].concat())
}

/// A whole file with a whole recording.
pub(super) fn packed(key: &RecorderKey, recording: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut sealer = Sealer::new(key)?;
    let mut file = sealer.head().to_vec();
    for bytes in recording.chunks(PACK_BYTES) {
        let deflated = compress_to_vec(bytes, PACK_LEVEL);
        file.extend(sealer.seal(&[&[DEFLATED], deflated.as_slice()].concat())?);
    }
    Ok(file)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn a_packed_recording_is_the_same_recording_and_smaller() {
        let key = RecorderKey::generate().unwrap();
        let recording: Vec<u8> =
            (0..40_000_u32).flat_map(|n| format!("entry {} ", n % 900).into_bytes()).collect();
        let mut sealer = Sealer::new(&key).unwrap();
        let mut pieces = sealer.head().to_vec();
        for bytes in recording.chunks(1_000) {
            pieces.extend(piece(&mut sealer, bytes).unwrap());
        }
        let packed = packed(&key, &recording).unwrap();
        assert!(packed.len() * 4 < recording.len(), "{} of {}", packed.len(), recording.len());
        for file in [pieces, packed] {
            let unsealed = unseal(&key, &file).unwrap();
            assert_eq!(unsealed, Unsealed { recording: recording.clone(), end: End::Whole });
        }
    }
}
