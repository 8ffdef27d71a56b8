//! Reads a recording.

use super::entry::{Entry, FORMAT, Preamble};
use super::tape::LENGTH_BYTES;

/// Longest entry that is read, in bytes. Settings with the longest instructions are
/// far shorter.
pub const MAX_ENTRY_BYTES: usize = 16 << 20;

/// Why a recording cannot be read any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It does not begin as a recording does.
    #[error("this is no recording of a call: it does not begin with a preamble ({0})")]
    NoPreamble(String),
    /// It was made by a program that writes another format.
    #[error("the recording has format {0}, and this program reads format {FORMAT}")]
    OtherFormat(u32),
    /// An entry is not understood: another build wrote it, or the bytes are damaged.
    #[error("entry {number} is not understood: {why}")]
    Entry {
        /// Which, from 1.
        number: usize,
        /// In words.
        why: String,
    },
}

/// The format alone, which every version has.
#[derive(serde::Deserialize)]
struct FormatOnly {
    format: u32,
}

#[derive(serde::Deserialize)]
enum FirstEntry {
    #[serde(rename = "p")]
    Preamble(FormatOnly),
}

/// Reads the preamble; answers it and the entries behind it.
///
/// # Errors
/// When these are no bytes of a recording, or one of another format.
pub fn entries(bytes: &[u8]) -> Result<(Preamble, Entries<'_>), ReadError> {
    let mut rest = bytes;
    let no = |why: &str| ReadError::NoPreamble(why.to_owned());
    let first = next_entry(&mut rest).map_err(|why| no(&why))?.ok_or_else(|| no("too short"))?;
    let FirstEntry::Preamble(FormatOnly { format }) =
        ciborium::from_reader(first).map_err(|error| no(&error.to_string()))?;
    if format != FORMAT {
        return Err(ReadError::OtherFormat(format));
    }
    match ciborium::from_reader(first) {
        Ok(Entry::Preamble(preamble)) => Ok((*preamble, Entries { rest, number: 1, torn: false })),
        Ok(Entry::Input(..) | Entry::Timeout(..) | Entry::Decided(_) | Entry::Ending(_)) => {
            Err(no("another entry comes first"))
        }
        Err(error) => Err(ReadError::Entry { number: 1, why: error.to_string() }),
    }
}

/// The entries behind the preamble, one at a time.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
    number: usize,
    torn: bool,
}

impl Entries<'_> {
    /// Whether the last entry was not whole, as happens when the process that wrote
    /// it is killed. Known once all entries were read.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.torn
    }

    /// The number of the entry that was read last; the preamble is 1.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let number = self.number + 1;
        let fail = |why: String| Some(Err(ReadError::Entry { number, why }));
        let bytes = match next_entry(&mut self.rest) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.torn = !self.rest.is_empty();
                self.rest = &[];
                return None;
            }
            Err(why) => {
                self.rest = &[];
                return fail(why);
            }
        };
        self.number = number;
        match ciborium::from_reader(bytes) {
            Ok(entry) => Some(Ok(entry)),
            Err(error) => {
                self.rest = &[];
                fail(error.to_string())
            }
        }
    }
}

/// Takes the next whole entry; none where only a part of one is left.
fn next_entry<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, String> {
    let Some((head, tail)) = rest.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
    if length > MAX_ENTRY_BYTES {
        return Err(format!("it would be {length} bytes long"));
    }
    Ok(tail.split_at_checked(length).map(|(entry, after)| {
        *rest = after;
        entry
    }))
}
