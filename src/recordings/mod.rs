//! The carrier's recordings of calls: asked for when an agent begins, told of by the
//! carrier, fetched by whichever node comes first, and kept in a folder.

mod begin;
mod fetch;
mod folder;

pub(crate) use begin::on_begun;
pub(crate) use fetch::keep_fetching;
pub(crate) use folder::{AudioFile, Folder};

use trunkline_connectors::http::RequestError;
use trunkline_connectors::reach::Reach;
use trunkline_connectors::twilio::Account;
use trunkline_core::ids::AccountSid;
use trunkline_core::tenant::Tenant;

use secrecy::ExposeSecret as _;

use crate::config::{Environment, Settings, TenantSecrets};

/// A tenant's account at the carrier, asked with the token of this place (while one is
/// rotated there are two, of which one may be refused); none where there is no token.
fn account(
    tenant: &Tenant,
    sid: AccountSid,
    token: usize,
    settings: &Settings,
    environment: &Environment,
) -> Option<Account> {
    let tokens = TenantSecrets::of(tenant, settings, environment).auth_tokens;
    let token = tokens.get(token.checked_rem(tokens.len())?)?.expose_secret().to_owned();
    // The operator alone says where the carrier is.
    let reach = Reach::Anywhere;
    Some(Account { base: settings.twilio.api_url.clone(), sid, token, reach })
}

/// Why a request came to nothing, in a word or two of our own: what the other side
/// says stands in no log.
fn why(error: &RequestError) -> String {
    match error {
        RequestError::Url(_) => "bad_url".to_owned(),
        RequestError::Timeout { .. } => "timeout".to_owned(),
        RequestError::Refused(refusal) => format!("http_{}", refusal.status),
        RequestError::OutOfReach(_) => "out_of_reach".to_owned(),
        RequestError::Connection(_) => "no_connection".to_owned(),
        RequestError::TooLong(_) => "too_long".to_owned(),
        RequestError::Useless(_) => "useless".to_owned(),
    }
}
