//! Records that come before their call's row. What the carrier tells of a call may
//! reach another node than the call did, and the database before that node's journal
//! is drained. Such a record waits here, for whichever node stores the row: it is
//! stored in the same transaction, and what slipped by is found by
//! [`Store::settle_early`].
//!
//! Each waits once however often the carrier repeats itself, and is stored once. What
//! waits is bounded by tenant and kind, and in time: the carrier also tells of calls
//! that never were ours.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use trunkline_core::ids::{CallSid, TenantId};
use uuid::Uuid;

use crate::columns::stored_time;
use crate::connection::{AnyConnection, insert_or_ignore};
use crate::error::StoreError;
use crate::record::Record;
use crate::schema::{calls, early_records, handoffs};
use crate::store::Store;

/// Records of one kind that may wait of one tenant: a day of a busy account's calls.
const MOST: i64 = 20_000;
/// Looked at together.
const PAGE: i64 = 200;
/// What was put through to a human must be there before it can have ended.
const HANDOFF_ENDED: &str = "handoff_ended";

/// What became of records that waited for their calls, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Their calls had come: they are stored.
    pub stored: BTreeMap<String, usize>,
    /// Their calls had come, and are another tenant's: they are gone.
    pub refused: BTreeMap<String, usize>,
    /// Their calls did not come in time: they are gone.
    pub given_up: BTreeMap<String, usize>,
    /// How many wait still, of all kinds.
    pub waiting: i64,
}

/// What a record says of whose call, where it may come before the call's row.
struct Early<'a> {
    call_sid: &'a CallSid,
    tenant: &'a str,
    kind: &'static str,
    subject: String,
}

impl<'a> Early<'a> {
    /// None for what only the node writes that began the call, in its order.
    fn of(record: &'a Record) -> Option<Self> {
        let name = |tenant: &'a TenantId| tenant.as_str();
        let (tenant, subject) = match record {
            Record::StatusReported(report) => {
                (report.tenant_id.as_ref().map_or("", name), report.status.to_string())
            }
            Record::CallChanged(change) => {
                let ended = change.ended_at?;
                ("", format!("ended {}", ended.timestamp_micros()))
            }
            Record::HandedOff(handoff) => (name(&handoff.tenant_id), String::new()),
            Record::HandoffEnded(report) => (name(&report.tenant_id), String::new()),
            Record::Handshake(handshake) => (name(&handshake.tenant_id), String::new()),
            Record::Recorded(row) => {
                (name(&row.tenant_id), format!("{} {}", row.account_sid, row.recording_sid))
            }
            Record::RecordedForOneOf(told) => {
                let row = &told.recording;
                ("", format!("{} {}", row.account_sid, row.recording_sid))
            }
            Record::CallStarted(_)
            | Record::Event(_)
            | Record::Transcript(_)
            | Record::TranscriptHeard(_)
            | Record::HandshakeChanged(_)
            | Record::Node(_)
            | Record::Cost(_) => return None,
        };
        let kind = record.kind();
        // Whoever speaks of another's call takes nobody's place.
        let subject = format!("{kind} {tenant} {subject}");
        Some(Self { call_sid: record.call_sid()?, tenant, kind, subject })
    }

    /// Whether there is what it speaks of.
    fn may_be_stored(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let sid = self.call_sid.as_str();
        let found: i64 = if self.kind == HANDOFF_ENDED {
            handoffs::table.filter(handoffs::call_sid.eq(sid)).count().get_result(connection)?
        } else {
            calls::table.filter(calls::call_sid.eq(sid)).count().get_result(connection)?
        };
        Ok(found > 0)
    }
}

/// Calls of a batch for which something waits: as a rule none, so that a batch asks once.
#[derive(Default)]
pub(crate) struct Expected(HashSet<String>);

impl Expected {
    /// Those of the calls that begin in a batch.
    pub(crate) fn by(
        connection: &mut AnyConnection,
        records: &[Record],
    ) -> Result<Self, StoreError> {
        let begins = records.iter().filter(|record| record.is_beginning());
        let sids = begins.filter_map(Record::call_sid);
        let begin: Vec<String> = sids.map(|sid| sid.as_str().to_owned()).collect();
        if begin.is_empty() {
            return Ok(Self::default());
        }
        let waiting: Vec<String> = early_records::table
            .filter(early_records::call_sid.eq_any(begin))
            .select(early_records::call_sid)
            .load(connection)?;
        Ok(Self(waiting.into_iter().collect()))
    }

    /// A call's row has just come: what waited for it is stored.
    pub(crate) fn settle(
        &self,
        connection: &mut AnyConnection,
        call_sid: &CallSid,
    ) -> Result<(), StoreError> {
        if self.0.contains(call_sid.as_str()) { settle_call(connection, call_sid) } else { Ok(()) }
    }

    /// Puts a record by that could not be stored, if it is because its call is not here
    /// yet; whether it was such a one.
    pub(crate) fn put_by(
        &mut self,
        connection: &mut AnyConnection,
        record: &Record,
    ) -> Result<bool, StoreError> {
        let put_by = put_by(connection, record)?;
        if let Some(call_sid) = record.call_sid().filter(|_| put_by) {
            self.0.insert(call_sid.as_str().to_owned());
        }
        Ok(put_by)
    }
}

fn put_by(connection: &mut AnyConnection, record: &Record) -> Result<bool, StoreError> {
    let Some(early) = Early::of(record) else {
        return Ok(false);
    };
    if early.may_be_stored(connection)? {
        return Ok(false);
    }
    let text = serde_json::to_string(record)
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let of_tenant = early_records::table
        .filter(early_records::tenant_id.eq(early.tenant))
        .filter(early_records::kind.eq(early.kind));
    if of_tenant.count().get_result::<i64>(connection)? >= MOST {
        return Err(StoreError::TooManyEarly);
    }
    let row = (
        early_records::id.eq(Uuid::now_v7().to_string()),
        early_records::call_sid.eq(early.call_sid.as_str()),
        early_records::tenant_id.eq(early.tenant),
        early_records::kind.eq(early.kind),
        early_records::subject.eq(early.subject),
        early_records::record.eq(text),
        early_records::kept_at.eq(stored_time(Utc::now())),
    );
    insert_or_ignore!(connection, early_records::table, row)?;
    tracing::debug!(call.id = %early.call_sid, kind = early.kind, "a record waits for its call");
    Ok(true)
}

/// What the database refuses stays where it is, for [`Store::settle_early`] to find and say.
fn settle_call(connection: &mut AnyConnection, call_sid: &CallSid) -> Result<(), StoreError> {
    let mut waiting: Vec<(String, String, String)> = early_records::table
        .filter(early_records::call_sid.eq(call_sid.as_str()))
        .order(early_records::id)
        .select((early_records::id, early_records::kind, early_records::record))
        .load(connection)?;
    waiting.sort_by_key(|(_, kind, _)| kind == HANDOFF_ENDED);
    for (id, _, text) in waiting {
        let stored = connection.transaction(|connection| store_one(connection, &id, &text));
        if let Err(error) = stored
            && !error.blames_record()
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Stores one that waits; whether it was still there, and had what it waits for.
fn store_one(connection: &mut AnyConnection, id: &str, text: &str) -> Result<bool, StoreError> {
    // One that another version wrote waits for a node of that version.
    let Ok(record) = serde_json::from_str::<Record>(text) else {
        return Ok(false);
    };
    let may = Early::of(&record).map_or(Ok(true), |early| early.may_be_stored(connection))?;
    if !may || take(connection, id)? == 0 {
        return Ok(false);
    }
    record.store(connection)?;
    Ok(true)
}

fn take(connection: &mut AnyConnection, id: &str) -> Result<usize, StoreError> {
    Ok(diesel::delete(early_records::table.find(id)).execute(connection)?)
}

impl Store {
    /// Stores what waited for calls that have come since, and gives up what has waited
    /// since before `given_up_before`. Several nodes may do it at once.
    ///
    /// # Errors
    /// When the database cannot be asked or written. What was done until then is done.
    pub fn settle_early(&self, given_up_before: DateTime<Utc>) -> Result<Settled, StoreError> {
        let mut settled = Settled::default();
        let mut last = String::new();
        loop {
            let page = self.read(|connection| ready(connection, &last))?;
            for (id, kind, text) in &page {
                let into = match self.write(|connection| store_one(connection, id, text)) {
                    Ok(true) => &mut settled.stored,
                    // Another node was faster.
                    Ok(false) => continue,
                    Err(error) if error.blames_record() => {
                        if self.write(|connection| take(connection, id))? == 0 {
                            continue;
                        }
                        &mut settled.refused
                    }
                    Err(error) => return Err(error),
                };
                *into.entry(kind.clone()).or_default() += 1;
            }
            match page.into_iter().last() {
                Some((id, _, _)) => last = id,
                None => break,
            }
        }
        self.give_up_early(given_up_before, &mut settled)?;
        settled.waiting =
            self.read(|connection| Ok(early_records::table.count().get_result(connection)?))?;
        Ok(settled)
    }

    fn give_up_early(
        &self,
        before: DateTime<Utc>,
        settled: &mut Settled,
    ) -> Result<(), StoreError> {
        loop {
            let due: Vec<(String, String)> = self.read(|connection| {
                Ok(early_records::table
                    .filter(early_records::kept_at.lt(stored_time(before)))
                    .order(early_records::kept_at)
                    .limit(PAGE)
                    .select((early_records::id, early_records::kind))
                    .load(connection)?)
            })?;
            if due.is_empty() {
                return Ok(());
            }
            for (id, kind) in due {
                let gone = self.write(|connection| take(connection, &id))?;
                if gone > 0 {
                    *settled.given_up.entry(kind).or_default() += gone;
                }
            }
        }
    }
}

/// Those behind a place that have what they wait for: identity, kind and record.
fn ready(
    connection: &mut AnyConnection,
    behind: &str,
) -> Result<Vec<(String, String, String)>, StoreError> {
    let call = calls::table.filter(calls::call_sid.eq(early_records::call_sid));
    let handoff = handoffs::table.filter(handoffs::call_sid.eq(early_records::call_sid));
    let is_there = (early_records::kind.ne(HANDOFF_ENDED).and(exists(call)))
        .or(early_records::kind.eq(HANDOFF_ENDED).and(exists(handoff)));
    Ok(early_records::table
        .filter(early_records::id.gt(behind))
        .filter(is_there)
        .order(early_records::id)
        .limit(PAGE)
        .select((early_records::id, early_records::kind, early_records::record))
        .load(connection)?)
}
