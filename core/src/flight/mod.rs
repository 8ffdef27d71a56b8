//! The flight recorder's pure part: everything that a call was told, written down
//! so that it can be told again.
//!
//! A recording is a [`Preamble`] (what the call began with), then every input with
//! its time, each followed by what was decided, then how it ended. [`Tape`] writes
//! it, [`entries`] reads it, [`Replayer`] tells it to a new [`crate::call::Call`]
//! and compares what is decided now with what was decided then, to the byte.
//!
//! Inputs hold what people said. These bytes are for a file that is sealed; what is
//! shown of them goes through [`show`], which hides a person's words unless it is
//! asked for them.

mod collect;
mod entry;
mod keep;
mod read;
mod replay;
mod say;
mod show;
mod tape;

pub use entry::{Decided, Digest, Ending, Entry, FORMAT, Preamble};
pub use keep::Keep;
pub use read::{Entries, MAX_ENTRY_BYTES, ReadError, entries};
pub use replay::{Difference, Replayer, Step};
pub use say::{say, say_lines};
pub use show::{Words, show};
pub use tape::Tape;
