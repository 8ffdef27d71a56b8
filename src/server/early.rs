//! What the carrier told of calls before their rows were in the database is stored once
//! they are, and given up in the end. As a rule whoever stores the row stores that too;
//! here is found what came at the same moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use chrono::{TimeDelta, Utc};
use trunkline_actors::metrics;
use trunkline_actors::node::Node;
use trunkline_store::Settled;

/// Between two looks.
const BETWEEN: Duration = Duration::from_secs(5);
/// How long a call's row is waited for: a node that was lost with its journal is
/// brought back within a day, or not at all.
const PATIENCE: TimeDelta = TimeDelta::days(1);

/// Begins looking after such records, until the process ends.
pub(super) fn keep_settling(node: &Arc<Node>) {
    let store = node.store.clone();
    drop(actix_rt::spawn(async move {
        loop {
            tokio::time::sleep(BETWEEN).await;
            let asked = store.clone();
            match spawn_blocking(move || asked.settle_early(Utc::now() - PATIENCE)).await {
                Ok(Ok(settled)) => say(&settled),
                // While the database is away they wait, where they are safe.
                Ok(Err(error)) => tracing::debug!(%error, "records wait for their calls"),
                Err(error) => tracing::warn!(%error, "records wait for their calls"),
            }
        }
    }));
}

fn say(settled: &Settled) {
    let results: [(&'static str, &BTreeMap<String, usize>); 3] = [
        ("stored", &settled.stored),
        ("refused", &settled.refused),
        ("given_up", &settled.given_up),
    ];
    for (result, kinds) in results {
        for (kind, count) in kinds {
            metrics::early_records(kind, result, *count);
        }
    }
    if !settled.refused.is_empty() || settled.given_up.keys().any(|kind| kind != "status_reported")
    {
        let (refused, given_up) = (&settled.refused, &settled.given_up);
        tracing::warn!(?refused, ?given_up, "records found no call of theirs");
    }
    metrics::early_records_waiting(settled.waiting);
}
