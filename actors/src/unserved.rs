//! Calls that were admitted and never had their agent: nobody but the node closes
//! their books.

use std::sync::Arc;

use chrono::Utc;
use trunkline_core::call::{self as core_call, Disposition};
use trunkline_store::{CallChange, HandoffRow, Mode, Outcome, Record};

use crate::dispositions::Dispositions;
use crate::limiter::{Booking, OnUnserved, Unserved};
use crate::metrics;
use crate::node::record_in;
use crate::persistence::{Persistence, RecordQueue};
use crate::service::Service;

/// What is done with a call that was admitted and never had its agent.
pub(crate) fn close_books(
    queue: &Arc<RecordQueue>,
    persistence: &Service<Persistence>,
    dispositions: &Dispositions,
) -> OnUnserved {
    let (queue, persistence) = (Arc::clone(queue), persistence.clone());
    let dispositions = dispositions.clone();
    Arc::new(move |booking: &Booking, why: Unserved| {
        if matches!(why, Unserved::NotBegun | Unserved::Draining) {
            dispositions.set(&booking.call_sid, Disposition::Bridge);
        }
        if let Some(handoff) = handed_off(booking, why) {
            record_in(&queue, &persistence, Record::HandedOff(handoff));
        }
        record_in(&queue, &persistence, close_unserved(booking, why));
    })
}

/// The caller of a call without its agent is put through, where there is a human.
fn handed_off(booking: &Booking, why: Unserved) -> Option<HandoffRow> {
    let reason = match why {
        Unserved::NoStream | Unserved::HungUp => return None,
        Unserved::NotBegun => "call_not_begun",
        Unserved::Draining => "draining",
    };
    booking.tenant.human_number.as_ref()?;
    let (sid, id) = (booking.call_sid.clone(), booking.tenant.id.clone());
    Some(HandoffRow::to_human(sid, id, reason, Utc::now()))
}

/// A call that was admitted never had its agent: its row is closed.
fn close_unserved(booking: &Booking, why: Unserved) -> Record {
    let now = Utc::now();
    let mut change = CallChange::new(booking.call_sid.clone(), now);
    change.phase = Some("ended".to_owned());
    change.ended_at = Some(now);
    match why {
        Unserved::NoStream => {
            metrics::call_ended(&booking.tenant.id, core_call::Outcome::Abandoned);
            change.outcome = Some(Outcome::Abandoned);
            change.error = Some("no_stream".to_owned());
        }
        Unserved::HungUp => {
            metrics::call_ended(&booking.tenant.id, core_call::Outcome::Abandoned);
            change.outcome = Some(Outcome::Abandoned);
        }
        Unserved::NotBegun => {
            let human = booking.tenant.human_number.is_some();
            metrics::call_bridged(&booking.tenant.id, "call_not_begun");
            metrics::call_ended(&booking.tenant.id, core_call::Outcome::Failed);
            change.outcome = Some(Outcome::Failed);
            change.mode = Some(Mode::Bridge);
            change.handoff = Some(human);
            change.handoff_reason = Some("call_not_begun".to_owned());
        }
        Unserved::Draining => {
            let human = booking.tenant.human_number.is_some();
            let (counted, outcome) = if human {
                (core_call::Outcome::Transferred, Outcome::Transferred)
            } else {
                (core_call::Outcome::Failed, Outcome::Failed)
            };
            metrics::call_bridged(&booking.tenant.id, "draining");
            metrics::call_ended(&booking.tenant.id, counted);
            change.outcome = Some(outcome);
            change.mode = Some(Mode::Bridge);
            change.handoff = Some(human);
            change.handoff_reason = Some("draining".to_owned());
        }
    }
    Record::CallChanged(Box::new(change))
}
