//! The metrics: every name, its unit and its meaning, by what they are about. What a
//! name is labelled with never holds anything personal.

mod calls;
mod edge;
mod records;
mod services;

use trunkline_core::ids::TenantId;
use trunkline_core::time::Micros;

pub use calls::{
    actor_ended, actor_started, booking, call_bridged, call_ended, call_recording, call_refused,
    calls_live, of_call, slots_held, stale,
};
pub use edge::{
    bad_message, fleet_exchange, fleet_failure, fleet_nodes, fleet_order, fleet_up, frames,
    frames_dropped, ops_refused, signature_failure, source_throttled, stream_lost, stream_refused,
    webhook,
};
pub use records::{
    early_records, early_records_waiting, journal_drained, journal_size, journal_taken, journal_up,
    privacy_failed, privacy_removed, privacy_round, record_durable, recorder_waiting, recording,
    records_dropped, records_waiting, records_written, side_effect, store_up,
};
pub use services::{budget_reached, cost, cost_unpriced, of_pipeline, of_speculation};

/// Upper bounds of the latency histograms, in seconds: fine where a caller
/// notices (20 ms to 3 s), coarse beyond.
pub const LATENCY_BUCKETS_SECONDS: [f64; 15] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.1, 0.15, 0.3, 0.6, 1.0, 1.5, 3.0, 6.0, 15.0];

/// Tells the recorder what each name means.
pub fn describe() {
    calls::describe();
    edge::describe();
    services::describe();
    records::describe();
}

fn seconds(micros: Micros) -> f64 {
    std::time::Duration::from(micros).as_secs_f64()
}

fn tenant_label(tenant: &TenantId) -> String {
    tenant.as_str().to_owned()
}

/// A count that may be large: a float holds whole numbers up to 2⁵³, and beyond
/// that the last digits do not matter.
fn whole(n: u64) -> f64 {
    n as f64
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
