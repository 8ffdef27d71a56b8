//! One file per table: what is inserted, what is changed, what is read, and the
//! queries that do it.

pub(crate) mod appointments;
pub(crate) mod blocked_numbers;
pub(crate) mod call_change;
pub(crate) mod calls;
pub(crate) mod costs;
pub(crate) mod early;
pub(crate) mod events;
pub(crate) mod handoffs;
pub(crate) mod handshakes;
pub(crate) mod holds;
pub(crate) mod lost_nodes;
pub(crate) mod nodes;
pub(crate) mod recordings;
pub(crate) mod side_effects;
pub(crate) mod status_report;
pub(crate) mod switches;
pub(crate) mod transcripts;
