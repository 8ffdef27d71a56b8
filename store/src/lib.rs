//! Calls, events, transcripts and handshakes in SQLite or Postgres.
//!
//! [`Store`] is the one handle. What happened arrives as [`Record`]s, applied
//! in batches that may be replayed; what is read is asked for within a
//! [`Scope`], so that one tenant never sees another's calls. Every call
//! blocks: run it on a thread that may wait.
//!
//! One set of queries serves both databases; what
//! differs lives in the two folders of migrations. A [`Journal`] holds records
//! while a server cannot be reached.

mod apply;
mod booking;
mod columns;
mod confirmation;
mod connection;
mod error;
mod journal;
mod payload;
mod pool;
mod privacy;
mod record;
mod schema;
mod scope;
mod store;
mod tables;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod time_slot;
mod words;

pub use apply::{Applied, Refused};
pub use booking::{BookingError, TokenHash};
pub use confirmation::{ConfirmationNumber, NotAConfirmation};
pub use error::StoreError;
pub use journal::{Appended, Drained, Journal, JournalSize};
pub use payload::Payload;
pub use privacy::{
    Erased, Held, HeldCall, HeldEffect, KeyError, NumberForms, PersonCall, PrivacyKey, Removed,
    Retention,
};
pub use record::Record;
pub use scope::Scope;
pub use store::Store;
pub use tables::appointments::{
    AppointmentQuery, AppointmentRow, Booked, NewAppointment, TakenBy, TakenTime, When,
};
pub use tables::blocked_numbers::BlockedRow;
pub use tables::call_change::CallChange;
pub use tables::calls::{CallRow, Counts};
pub use tables::costs::{CostRow, DayCost, NodeDayCost};
pub use tables::early::Settled;
pub use tables::events::EventRow;
pub use tables::handoffs::{HandoffOutcome, HandoffRow};
pub use tables::handshakes::{HandshakeChange, HandshakeRow};
pub use tables::holds::{HoldRow, NewHold};
pub use tables::nodes::{NodeChange, NodeRow};
pub use tables::recordings::{FetchAgain, RecordingForOneOf, RecordingRow};
pub use tables::side_effects::{Begun, EffectKey, EffectRow};
pub use tables::status_report::StatusReport;
pub use tables::switches::{StreamSwitch, SwitchChange, SwitchRow};
pub use tables::transcripts::{TranscriptHeard, TranscriptRow};
pub use target::Backend;
pub use time_slot::{BadTimeSlot, MAX_DAYS_AHEAD, MAX_MINUTES, TimeSlot};
pub use words::{
    AppointmentStatus, Channel, Direction, EffectState, Mode, Outcome, RecordingState, Speaker,
    Status, UnknownWord,
};
