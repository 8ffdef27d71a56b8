//! What of one person is in the Redis of a fleet: the windows of their calls, under
//! a hash, and the cards of calls that ended a moment ago.

use std::time::Duration;

use redis::Client;
use secrecy::ExposeSecret as _;
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_core::pii::PhoneNumber;

use crate::hashes::caller_key;
use crate::link::away;
use crate::redis_fleet::RedisSettings;
use crate::types::Away;

/// Longest wait for Redis. Nobody's call depends on it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whom to look for.
#[derive(Clone, Copy, Debug)]
pub struct PersonKeys<'a> {
    /// The number.
    pub number: &'a PhoneNumber,
    /// The tenants that may have been called.
    pub tenants: &'a [TenantId],
    /// The person's calls.
    pub calls: &'a [CallSid],
}

/// How many keys there are of a person; with `remove` they are removed.
///
/// # Errors
/// [`Away`], also when Redis does not answer within five seconds.
pub async fn keys_of_person(
    settings: &RedisSettings,
    person: PersonKeys<'_>,
    remove: bool,
) -> Result<usize, Away> {
    let base = format!("{{{}}}:", settings.prefix);
    let windows = person.tenants.iter().map(|tenant| caller_key(tenant, person.number));
    let windows = windows.map(|key| format!("{base}rate:{key}"));
    let cards = person.calls.iter().map(|call| format!("{base}call:{call}"));
    let keys: Vec<String> = windows.chain(cards).collect();
    if keys.is_empty() {
        return Ok(0);
    }
    let asked = async {
        let client = Client::open(settings.url.expose_secret()).map_err(|error| away(&error))?;
        let mut connection =
            client.get_multiplexed_async_connection().await.map_err(|error| away(&error))?;
        let word = if remove { "DEL" } else { "EXISTS" };
        let count: usize = redis::cmd(word)
            .arg(&keys)
            .query_async(&mut connection)
            .await
            .map_err(|error| away(&error))?;
        Ok(count)
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => Err(Away("it does not answer".to_owned())),
    }
}
