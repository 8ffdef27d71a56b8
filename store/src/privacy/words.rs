//! Taking a call's words out.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;

use super::redact::left_of;
use crate::columns::stored_time;
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::schema::{
    call_events, calls, handoffs, recordings, side_effects, stream_handshakes, transcripts,
};

/// What stands where somebody's words stood and something must.
pub(super) const REMOVED: &str = "removed";

/// How many rows were found, or changed or deleted, of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Calls whose numbers or words went.
    pub calls: usize,
    /// Transcripts deleted.
    pub transcripts: usize,
    /// Events whose texts went.
    pub events: usize,
    /// Rows of the ledger deleted.
    pub side_effects: usize,
    /// Handoffs whose reason went.
    pub handoffs: usize,
    /// Appointments whose customer went.
    pub appointments: usize,
    /// Rows of the carrier's recordings deleted; their files are found by the calls.
    pub call_recordings: usize,
    /// Lines of the block list deleted.
    pub blocked_numbers: usize,
}

impl Removed {
    /// How many of each kind, by name.
    #[must_use]
    pub const fn by_place(&self) -> [(&'static str, usize); 8] {
        [
            ("calls", self.calls),
            ("transcripts", self.transcripts),
            ("events", self.events),
            ("side_effects", self.side_effects),
            ("handoffs", self.handoffs),
            ("appointments", self.appointments),
            ("call_recordings", self.call_recordings),
            ("blocked_numbers", self.blocked_numbers),
        ]
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.by_place().iter().map(|(_, count)| count).sum()
    }

    /// Adds another's.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.transcripts += other.transcripts;
        self.events += other.events;
        self.side_effects += other.side_effects;
        self.handoffs += other.handoffs;
        self.appointments += other.appointments;
        self.call_recordings += other.call_recordings;
        self.blocked_numbers += other.blocked_numbers;
    }
}

/// An event with its particulars.
pub(super) type Particulars = (String, String);

/// Events of calls in which there is something to take out, and what stays.
pub(super) fn personal_events(
    connection: &mut AnyConnection,
    sids: &[String],
) -> Result<Vec<Particulars>, StoreError> {
    let all: Vec<Particulars> = call_events::table
        .filter(call_events::call_sid.eq_any(sids))
        .select((call_events::id, call_events::data))
        .load(connection)?;
    let left = |(id, data): Particulars| left_of(&data).map(|left| (id, left));
    Ok(all.into_iter().filter_map(left).collect())
}

/// Writes what stays of events.
pub(super) fn write_events(
    connection: &mut AnyConnection,
    events: &[Particulars],
) -> Result<(), StoreError> {
    for (id, left) in events {
        diesel::update(call_events::table.find(id))
            .set(call_events::data.eq(left))
            .execute(connection)?;
    }
    Ok(())
}

/// How many words these calls have; the calls themselves are not counted.
pub(super) fn count(
    connection: &mut AnyConnection,
    sids: &[String],
) -> Result<Removed, StoreError> {
    let transcripts: i64 = transcripts::table
        .filter(transcripts::call_sid.eq_any(sids))
        .count()
        .get_result(connection)?;
    let side_effects: i64 = side_effects::table
        .filter(side_effects::call_sid.eq_any(sids))
        .count()
        .get_result(connection)?;
    let handoffs: i64 = handoffs::table
        .filter(handoffs::call_sid.eq_any(sids))
        .filter(handoffs::reason.ne(REMOVED))
        .count()
        .get_result(connection)?;
    let call_recordings: i64 = recordings::table
        .filter(recordings::call_sid.eq_any(sids))
        .count()
        .get_result(connection)?;
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    Ok(Removed {
        transcripts: number(transcripts),
        events: personal_events(connection, sids)?.len(),
        side_effects: number(side_effects),
        handoffs: number(handoffs),
        call_recordings: number(call_recordings),
        ..Removed::default()
    })
}

/// Takes the words of these calls out, within the transaction that is open.
pub(super) fn remove(
    connection: &mut AnyConnection,
    sids: &[String],
    at: DateTime<Utc>,
) -> Result<Removed, StoreError> {
    let transcripts = diesel::delete(transcripts::table.filter(transcripts::call_sid.eq_any(sids)))
        .execute(connection)?;
    let side_effects =
        diesel::delete(side_effects::table.filter(side_effects::call_sid.eq_any(sids)))
            .execute(connection)?;
    let call_recordings =
        diesel::delete(recordings::table.filter(recordings::call_sid.eq_any(sids)))
            .execute(connection)?;
    let with_reason = handoffs::table
        .filter(handoffs::call_sid.eq_any(sids))
        .filter(handoffs::reason.ne(REMOVED));
    let handoffs =
        diesel::update(with_reason).set(handoffs::reason.eq(REMOVED)).execute(connection)?;
    let events = personal_events(connection, sids)?;
    write_events(connection, &events)?;
    // In technical words, and yet another side may have chosen them.
    let said_why = stream_handshakes::table.filter(stream_handshakes::call_sid.eq_any(sids));
    diesel::update(said_why)
        .set(stream_handshakes::error_message.eq(None::<String>))
        .execute(connection)?;
    diesel::update(calls::table.filter(calls::call_sid.eq_any(sids)))
        .set((
            calls::captured_fields.eq("{}"),
            calls::handoff_reason.eq(None::<String>),
            calls::error.eq(None::<String>),
            calls::words_gone_at.eq(stored_time(at)),
        ))
        .execute(connection)?;
    Ok(Removed {
        transcripts,
        events: events.len(),
        side_effects,
        handoffs,
        call_recordings,
        ..Removed::default()
    })
}
