//! The carrier's reports of where a call is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use trunkline_core::ids::{CallSid, TenantId};

use crate::columns::stored_time;
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::schema::calls;
use crate::words::Status;

/// The carrier says where a call is. It reports every call of an account, so a
/// report of a call that is not stored is no mistake: it waits for one, and is given
/// up in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The call.
    pub call_sid: CallSid,
    /// Whose account reports: another's call stays as it is. None where nobody knows.
    #[serde(default)]
    pub tenant_id: Option<TenantId>,
    /// Where it is. Ignored when the stored status is as far along, see
    /// [`Status::rank`].
    pub status: Status,
    /// When the report came.
    pub at: DateTime<Utc>,
}

/// Moves a call's status forward.
pub(crate) fn apply(
    connection: &mut AnyConnection,
    report: &StatusReport,
) -> Result<(), StoreError> {
    let this_call = || calls::table.filter(calls::call_sid.eq(report.call_sid.as_str()));
    // In the statement, not before it: another node may write in between.
    let earlier: Vec<Status> =
        Status::ALL.iter().copied().filter(|status| status.rank() < report.status.rank()).collect();
    let is_earlier = calls::status.eq_any(earlier);
    let further = (calls::status.eq(report.status), calls::updated_at.eq(stored_time(report.at)));
    let changed = match &report.tenant_id {
        Some(tenant) => {
            let own = this_call().filter(calls::tenant_id.eq(tenant.as_str()));
            diesel::update(own.filter(is_earlier)).set(further).execute(connection)?
        }
        None => diesel::update(this_call().filter(is_earlier)).set(further).execute(connection)?,
    };
    if changed == 0 && this_call().count().get_result::<i64>(connection)? == 0 {
        return Err(StoreError::Missing("call"));
    }
    Ok(())
}
