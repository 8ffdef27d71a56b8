//! Changes to a call.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{CallSid, NodeId, StreamSid};

use crate::columns::{MaybeText, TextColumn, stored_time};
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::payload::Payload;
use crate::schema::calls;
use crate::tables::lost_nodes::NODE_LOST;
use crate::words::{Mode, Outcome};

/// What changed about a call. `None` leaves a column as it is. Counts are
/// totals, not increments, so that a change may be applied twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `CallRow`, which explains them")]
pub struct CallChange {
    pub call_sid: CallSid,
    /// When it changed; becomes `updated_at`.
    pub at: DateTime<Utc>,
    pub stream_sid: Option<StreamSid>,
    pub phase: Option<String>,
    pub outcome: Option<Outcome>,
    pub mode: Option<Mode>,
    pub handoff: Option<bool>,
    pub handoff_reason: Option<String>,
    pub error: Option<String>,
    pub turn_count: Option<i32>,
    pub barge_in_count: Option<i32>,
    pub tool_call_count: Option<i32>,
    pub duration_ms: Option<i64>,
    pub realtime_provider: Option<String>,
    pub model: Option<String>,
    pub voice: Option<String>,
    pub persona: Option<String>,
    pub node_id: Option<NodeId>,
    pub seed: Option<i64>,
    pub captured_fields: Option<Payload>,
    pub stream_started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

impl CallChange {
    /// A change of nothing yet.
    #[must_use]
    pub fn new(call_sid: CallSid, at: DateTime<Utc>) -> Self {
        Self {
            call_sid,
            at,
            stream_sid: None,
            phase: None,
            outcome: None,
            mode: None,
            handoff: None,
            handoff_reason: None,
            error: None,
            turn_count: None,
            barge_in_count: None,
            tool_call_count: None,
            duration_ms: None,
            realtime_provider: None,
            model: None,
            voice: None,
            persona: None,
            node_id: None,
            seed: None,
            captured_fields: None,
            stream_started_at: None,
            ended_at: None,
        }
    }
}

/// Writes what changed.
pub(crate) fn apply(connection: &mut AnyConnection, change: &CallChange) -> Result<(), StoreError> {
    let words = (
        change.phase.clone().map(|text| calls::phase.eq(TextColumn::from(text))),
        change.outcome.map(|word| calls::outcome.eq(word)),
        change.mode.map(|word| calls::mode.eq(word)),
        change.handoff.map(|flag| calls::handoff.eq(flag)),
        change
            .handoff_reason
            .clone()
            .map(|text| calls::handoff_reason.eq(MaybeText::from(Some(text)))),
        change.error.clone().map(|text| calls::error.eq(MaybeText::from(Some(text)))),
        change
            .captured_fields
            .clone()
            .map(|data| calls::captured_fields.eq(TextColumn::from(data))),
    );
    let numbers = (
        change.turn_count.map(|count| calls::turn_count.eq(count)),
        change.barge_in_count.map(|count| calls::barge_in_count.eq(count)),
        change.tool_call_count.map(|count| calls::tool_call_count.eq(count)),
        change.duration_ms.map(|ms| calls::duration_ms.eq(ms)),
        change.seed.map(|seed| calls::seed.eq(seed)),
    );
    let names = (
        change.stream_sid.as_ref().map(|id| calls::stream_sid.eq(id.as_str())),
        change.node_id.as_ref().map(|id| calls::node_id.eq(id.as_str())),
        change
            .realtime_provider
            .clone()
            .map(|text| calls::realtime_provider.eq(MaybeText::from(Some(text)))),
        change.model.clone().map(|text| calls::model.eq(MaybeText::from(Some(text)))),
        change.voice.clone().map(|text| calls::voice.eq(MaybeText::from(Some(text)))),
        change.persona.clone().map(|text| calls::persona.eq(MaybeText::from(Some(text)))),
    );
    let times = (
        calls::updated_at.eq(stored_time(change.at)),
        change.stream_started_at.map(|time| calls::stream_started_at.eq(stored_time(time))),
        change.ended_at.map(|time| calls::ended_at.eq(stored_time(time))),
    );
    let this_call = calls::table.filter(calls::call_sid.eq(change.call_sid.as_str()));
    let changed =
        diesel::update(this_call).set((words, numbers, names, times)).execute(connection)?;
    if changed == 0 {
        return Err(StoreError::Missing("call"));
    }
    if change.ended_at.is_some() && change.error.is_none() {
        forget_loss(connection, change)?;
    }
    Ok(())
}

/// A call that was closed because its process seemed lost did come to its own end.
fn forget_loss(connection: &mut AnyConnection, change: &CallChange) -> Result<(), StoreError> {
    let closed_as_lost = calls::table
        .filter(calls::call_sid.eq(change.call_sid.as_str()))
        .filter(calls::error.eq(NODE_LOST));
    let nothing = calls::error.eq(MaybeText::from(None::<String>));
    diesel::update(closed_as_lost).set(nothing).execute(connection)?;
    Ok(())
}
