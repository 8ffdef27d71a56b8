//! What the engine hands over to be stored.

use serde::{Deserialize, Serialize};
use trunkline_core::ids::CallSid;

use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::tables::call_change::{self, CallChange};
use crate::tables::calls::{self, CallRow};
use crate::tables::costs::{self, CostRow};
use crate::tables::early::Expected;
use crate::tables::events::{self, EventRow};
use crate::tables::handoffs::{self, HandoffOutcome, HandoffRow};
use crate::tables::handshakes::{self, HandshakeChange, HandshakeRow};
use crate::tables::nodes::{self, NodeChange};
use crate::tables::recordings::{self, RecordingForOneOf, RecordingRow};
use crate::tables::status_report::{self, StatusReport};
use crate::tables::transcripts::{self, TranscriptHeard, TranscriptRow};
use crate::words::Status;

/// One thing to store. Complete in itself and serialisable, so that a journal
/// can hold it while the database is away; applying it twice is applying it once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// A call began. Comes before everything else about the call.
    CallStarted(Box<CallRow>),
    /// Something about a call changed.
    CallChanged(Box<CallChange>),
    /// The carrier said where a call is.
    StatusReported(StatusReport),
    /// Something happened.
    Event(EventRow),
    /// Somebody said something.
    Transcript(TranscriptRow),
    /// What of it was heard.
    TranscriptHeard(TranscriptHeard),
    /// The speech model was dialled.
    Handshake(HandshakeRow),
    /// What became of that.
    HandshakeChanged(HandshakeChange),
    /// A call was put through to a human.
    HandedOff(HandoffRow),
    /// How that ended.
    HandoffEnded(HandoffOutcome),
    /// The carrier has recorded a call.
    Recorded(Box<RecordingRow>),
    /// The same, of one of several tenants.
    RecordedForOneOf(Box<RecordingForOneOf>),
    /// A process started, lives, or stopped.
    Node(NodeChange),
    /// What a call cost, or has cost so far.
    Cost(Box<CostRow>),
}

impl Record {
    /// What kind of record this is, in a word for logs and metrics.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CallStarted(_) => "call_started",
            Self::CallChanged(_) => "call_changed",
            Self::StatusReported(_) => "status_reported",
            Self::Event(_) => "event",
            Self::Transcript(_) => "transcript",
            Self::TranscriptHeard(_) => "transcript_heard",
            Self::Handshake(_) => "handshake",
            Self::HandshakeChanged(_) => "handshake_changed",
            Self::HandedOff(_) => "handed_off",
            Self::HandoffEnded(_) => "handoff_ended",
            Self::Recorded(_) | Self::RecordedForOneOf(_) => "recorded",
            Self::Node(_) => "node",
            Self::Cost(_) => "cost",
        }
    }

    /// The call it is about, where it says so itself.
    #[must_use]
    pub fn call_sid(&self) -> Option<&CallSid> {
        match self {
            Self::CallStarted(call) => Some(&call.call_sid),
            Self::CallChanged(change) => Some(&change.call_sid),
            Self::StatusReported(report) => Some(&report.call_sid),
            Self::Event(event) => event.call_sid.as_ref(),
            Self::Transcript(said) => Some(&said.call_sid),
            Self::Handshake(handshake) => Some(&handshake.call_sid),
            Self::HandshakeChanged(change) => Some(&change.call_sid),
            Self::HandedOff(handoff) => Some(&handoff.call_sid),
            Self::HandoffEnded(report) => Some(&report.call_sid),
            Self::Recorded(recording) => Some(&recording.call_sid),
            Self::RecordedForOneOf(told) => Some(&told.recording.call_sid),
            Self::Cost(cost) => Some(&cost.call_sid),
            Self::TranscriptHeard(_) | Self::Node(_) => None,
        }
    }

    /// Whether a call begins with it.
    pub(crate) const fn is_beginning(&self) -> bool {
        matches!(self, Self::CallStarted(_))
    }

    /// Whether it is one of those without which a call's story has no beginning or no
    /// end, or of which the carrier was told that we have it: what is kept even where
    /// there is no room for more.
    #[must_use]
    pub fn is_essential(&self) -> bool {
        match self {
            Self::CallStarted(_) | Self::Recorded(_) | Self::RecordedForOneOf(_) => true,
            Self::StatusReported(report) => report.status.rank() == Status::Completed.rank(),
            Self::CallChanged(change) => change.ended_at.is_some(),
            Self::Event(_)
            | Self::Transcript(_)
            | Self::TranscriptHeard(_)
            | Self::Handshake(_)
            | Self::HandshakeChanged(_)
            | Self::HandedOff(_)
            | Self::HandoffEnded(_)
            | Self::Node(_)
            | Self::Cost(_) => false,
        }
    }

    /// Stores it, within the transaction that is open, and what waited for it; or puts it
    /// by until its call's row is here.
    pub(crate) fn apply(
        &self,
        connection: &mut AnyConnection,
        expected: &mut Expected,
    ) -> Result<(), StoreError> {
        match (self.store(connection), self) {
            // Where it is not put by, the row has come meanwhile, or never will.
            (Err(StoreError::Missing(_)), _) if expected.put_by(connection, self)? => Ok(()),
            (Err(StoreError::Missing(_)), _) => self.store(connection),
            (Ok(()), Self::CallStarted(call)) => expected.settle(connection, &call.call_sid),
            (done, _) => done,
        }
    }

    /// Stores it, if what it speaks of is here.
    pub(crate) fn store(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        match self {
            Self::CallStarted(call) => calls::insert(connection, call),
            Self::CallChanged(change) => call_change::apply(connection, change),
            Self::StatusReported(report) => status_report::apply(connection, report),
            Self::Event(event) => events::insert(connection, vec![event.clone()]),
            Self::Transcript(said) => transcripts::insert(connection, said),
            Self::TranscriptHeard(heard) => transcripts::heard(connection, heard),
            Self::Handshake(handshake) => handshakes::insert(connection, handshake),
            Self::HandshakeChanged(change) => handshakes::change(connection, change),
            Self::HandedOff(handoff) => handoffs::insert(connection, handoff),
            Self::HandoffEnded(report) => handoffs::ended(connection, report),
            Self::Recorded(recording) => recordings::insert(connection, recording),
            Self::RecordedForOneOf(told) => recordings::insert_for_one_of(connection, told),
            Self::Node(change) => nodes::apply(connection, change),
            Self::Cost(cost) => costs::write(connection, cost),
        }
    }
}
