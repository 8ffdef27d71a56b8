//! Writes a recording into memory, piece by piece.

use crate::call::{Input, Output};
use crate::time::Micros;

use super::entry::{Decided, Ending, Preamble, Written};

/// Bytes of an entry's length, which stands before it, lowest byte first.
pub(super) const LENGTH_BYTES: usize = 4;

/// See the module's text. What was written is taken away with [`Self::take`] and
/// belongs behind what was taken before.
#[derive(Debug, Default)]
pub struct Tape {
    bytes: Vec<u8>,
    scratch: Vec<u8>,
    taken_bytes: u64,
    most_bytes: u64,
    ended: bool,
}

impl Tape {
    /// A recording that begins with `preamble` and grows to about `most_bytes`.
    #[must_use]
    pub fn new(preamble: &Preamble, most_bytes: u64) -> Self {
        let mut tape = Self { most_bytes, ..Self::default() };
        tape.write(&Written::Preamble(preamble));
        tape
    }

    /// The last entry alone, for a recording whose tape is out of reach.
    #[must_use]
    pub fn last_entry(ending: Ending) -> Vec<u8> {
        let mut tape = Self { most_bytes: u64::MAX, ..Self::default() };
        tape.end(ending);
        tape.take()
    }

    /// Something happens at `now`. Written before the call is told, so that what
    /// kills it is there.
    pub fn input(&mut self, input: &Input, now: Micros) {
        self.write(&Written::Input(now, input));
    }

    /// The call is woken at `now`; `due` is the time for which it had asked, as
    /// [`crate::call::Call::poll_timeout`] says it beforehand.
    pub fn timeout(&mut self, now: Micros, due: Option<Micros>) {
        self.write(&Written::Timeout(now, due));
    }

    /// Something was decided.
    pub fn output(&mut self, output: &Output) {
        if !self.ended {
            let decided = Decided::of(output, &mut self.scratch);
            self.write(&Written::Decided(&decided));
        }
    }

    /// Nothing more comes, or nothing more is kept.
    pub fn end(&mut self, ending: Ending) {
        if !self.ended {
            self.append(&Written::Ending(ending));
            self.ended = true;
        }
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Bytes written and not taken.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Takes what was written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        self.taken_bytes += self.bytes.len() as u64;
        std::mem::take(&mut self.bytes)
    }

    fn write(&mut self, entry: &Written<'_>) {
        if self.ended {
            return;
        }
        self.append(entry);
        if self.taken_bytes + self.bytes.len() as u64 >= self.most_bytes {
            self.end(Ending::Full);
        }
    }

    fn append(&mut self, entry: &Written<'_>) {
        let start = self.bytes.len();
        self.bytes.extend([0; LENGTH_BYTES]);
        let written = ciborium::into_writer(entry, &mut self.bytes);
        let length = u32::try_from(self.bytes.len() - start - LENGTH_BYTES);
        let place = self.bytes.get_mut(start..start + LENGTH_BYTES);
        match (written, length, place) {
            (Ok(()), Ok(length), Some(place)) => place.copy_from_slice(&length.to_le_bytes()),
            // Nothing that a call is told is without a serialised form, or four
            // gigabytes long. Should it ever be, the recording ends before it.
            (Ok(()) | Err(_), Ok(_) | Err(_), Some(_) | None) => {
                self.bytes.truncate(start);
                self.ended = true;
            }
        }
    }
}
