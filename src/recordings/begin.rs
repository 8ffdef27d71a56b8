//! A call's agent begins: the carrier is asked to record the call from there on.

use std::sync::{Arc, Weak};
use std::time::Duration;

use serde_json::json;
use trunkline_actors::limiter::Booking;
use trunkline_actors::metrics;
use trunkline_actors::node::{Node, OnBegun};
use trunkline_connectors::http::RequestError;
use trunkline_connectors::twilio::Account;
use trunkline_core::ids::AccountSid;

use super::{account, why};
use crate::config::{Environment, PublicUrl, Settings, TenantSecrets};
use crate::http::recording_callback;

/// Pauses before the carrier is asked again which surely did not begin: it knows of a
/// call a moment later than the stream that it opens.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// What is done for each call whose agent has begun: where its tenant wants that, the
/// carrier is asked to record it. The call does not wait for it.
pub(crate) fn on_begun(
    node: &Arc<Node>,
    settings: &Settings,
    environment: &Environment,
    origin: &PublicUrl,
) -> OnBegun {
    let node = Arc::downgrade(node);
    let (settings, environment, origin) = (settings.clone(), environment.clone(), origin.clone());
    Box::new(move |booking| {
        if !booking.tenant.recording.enabled {
            return;
        }
        let begun = Begun {
            node: Weak::clone(&node),
            booking: booking.clone(),
            callback: recording_callback(&origin, &booking.tenant),
            account: account_of(booking, &settings, &environment),
        };
        drop(actix_rt::spawn(begun.ask()));
    })
}

/// The account whose call it is, as the carrier said; else as the file says.
fn account_of(
    booking: &Booking,
    settings: &Settings,
    environment: &Environment,
) -> Option<Account> {
    let tenant = &booking.tenant;
    let set = || {
        let set = TenantSecrets::of(tenant, settings, environment).account_sid?;
        AccountSid::parse(&set).ok()
    };
    let sid = booking.account_sid.clone().or_else(set)?;
    account(tenant, sid, 0, settings, environment)
}

struct Begun {
    node: Weak<Node>,
    booking: Booking,
    callback: String,
    account: Option<Account>,
}

impl Begun {
    async fn ask(self) {
        let Booking { tenant, call_sid, .. } = &self.booking;
        let failed = match &self.account {
            None => Some("no_account".to_owned()),
            Some(account) => self.try_often(account).await.err().map(|error| why(&error)),
        };
        let Some(why) = failed else {
            metrics::call_recording(&tenant.id, "started");
            return;
        };
        metrics::call_recording(&tenant.id, "not_started");
        tracing::warn!(call.id = %call_sid, tenant.id = %tenant.id, why, "a call is not recorded");
        if let Some(node) = self.node.upgrade() {
            let (sid, id) = (Some(call_sid.clone()), Some(tenant.id.clone()));
            node.audit(sid, id, "recording_not_started", json!({ "error": why }));
        }
    }

    async fn try_often(&self, account: &Account) -> Result<(), RequestError> {
        let Booking { tenant, call_sid, .. } = &self.booking;
        let mut pauses = PAUSES.iter();
        loop {
            let asked =
                account.start_recording(call_sid, tenant.recording.channels, &self.callback);
            match (asked.await, pauses.next()) {
                (Err(error), Some(pause)) if has_surely_not_begun(&error) => {
                    tokio::time::sleep(*pause).await;
                }
                (asked, _) => return asked,
            }
        }
    }
}

/// After a timeout or a 5xx it may have: a second request would record it twice.
fn has_surely_not_begun(error: &RequestError) -> bool {
    matches!(error, RequestError::Refused(refusal) if matches!(refusal.status, 404 | 429))
}
