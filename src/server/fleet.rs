//! The server's place in its fleet.

use std::sync::Arc;
use std::time::Duration;

use trunkline_actors::fleet::{FleetSettings, FleetTimes, Membership, life_of};
use trunkline_actors::limiter::FindTenant;
use trunkline_fleet::{Away, RedisFleet, RedisSettings};

use crate::config::{Settings, TenantBook};

/// Joins the fleet that the settings name; without a Redis, a fleet of one.
pub(super) fn join(settings: &Settings) -> Result<Arc<Membership>, Away> {
    let ms = Duration::from_millis;
    let (fleet, node) = (&settings.fleet, &settings.server.node_id);
    let times = FleetTimes {
        lease: ms(fleet.lease_ms),
        token_ttl: ms(settings.timing.stream_token_ttl_ms),
    };
    let Some(url) = &fleet.redis_url else {
        return Ok(Membership::alone(node, times));
    };
    let redis = RedisSettings { url: url.clone(), prefix: fleet.redis_prefix.clone(), times };
    let member = FleetSettings { times, deadline: ms(fleet.deadline_ms), nodes: fleet.nodes };
    Ok(Membership::new(RedisFleet::new(&redis, life_of(node))?, member))
}

/// How the tenant is found of a call that another node has reserved.
pub(super) fn find_tenant(book: &TenantBook) -> FindTenant {
    let book = book.clone();
    Box::new(move |id| book.current().by_id(id).cloned())
}
