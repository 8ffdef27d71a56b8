//! People: how long what is known of them is kept, and how it is found and taken
//! out when one of them asks.
//!
//! A call's *words* are its transcript, the fields that were captured, the texts of
//! its events, the ledger of what its tools did, and why it went to a human. Its
//! *numbers* are those of both ends. Both go by themselves after a number of days
//! ([`Retention`]), or at once with [`Store::erase`](crate::Store::erase). The call
//! itself stays: when it was, how long, and how it ended.

mod key;
mod person;
mod redact;
mod retention;
mod words;

pub use key::{KeyError, NumberForms, PrivacyKey};
pub use person::{Erased, Held, HeldCall, HeldEffect, PersonCall};
pub use retention::Retention;
pub use words::Removed;
