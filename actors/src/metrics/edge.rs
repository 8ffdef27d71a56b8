//! What comes in from outside, and the other nodes: media messages, webhooks, requests
//! and who was turned away.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const FRAMES: &str = "trunkline_frames_total";
const FRAMES_DROPPED: &str = "trunkline_frames_dropped_total";
const STREAMS_REFUSED: &str = "trunkline_streams_refused_total";
const STREAMS_LOST: &str = "trunkline_streams_lost_total";
const SIGNATURE_FAILURES: &str = "trunkline_signature_failures_total";
const BAD_MESSAGES: &str = "trunkline_bad_messages_total";
const WEBHOOK_TIME: &str = "trunkline_webhook_seconds";
const SOURCES_THROTTLED: &str = "trunkline_sources_throttled_total";
const OPS_REFUSED: &str = "trunkline_ops_refused_total";
const FLEET_UP: &str = "trunkline_fleet_up";
const FLEET_NODES: &str = "trunkline_fleet_nodes";
const FLEET_EXCHANGE: &str = "trunkline_fleet_exchange_seconds";
const FLEET_FAILURES: &str = "trunkline_fleet_failures_total";
const FLEET_ORDERS: &str = "trunkline_fleet_orders_total";

/// Tells the recorder what each name means.
pub(super) fn describe() {
    describe_counter!(FRAMES, "Media messages relayed, by direction: up is caller to model.");
    describe_counter!(FRAMES_DROPPED, "Media messages thrown away, by reason.");
    describe_counter!(STREAMS_REFUSED, "Media streams closed before a call began, by reason.");
    describe_counter!(STREAMS_LOST, "Media streams of live calls that were given up, by reason.");
    describe_counter!(
        SIGNATURE_FAILURES,
        "Requests whose carrier signature was missing or wrong, by path."
    );
    describe_counter!(BAD_MESSAGES, "Messages that could not be read, by peer.");
    describe_histogram!(WEBHOOK_TIME, "Seconds to answer a webhook, by path.");
    describe_counter!(
        SOURCES_THROTTLED,
        "Badly signed requests from a source that had sent as many as it may, by path."
    );
    describe_counter!(
        OPS_REFUSED,
        "Requests to the operations pages and the API that were refused, by reason."
    );
    describe_gauge!(FLEET_UP, "1 while limits are kept together with the other nodes, else 0.");
    describe_gauge!(FLEET_NODES, "Nodes that live, as this one last knew.");
    describe_histogram!(FLEET_EXCHANGE, "Seconds until the fleet answered, or was given up.");
    describe_counter!(FLEET_FAILURES, "Exchanges with the fleet that failed, by what was asked.");
    describe_counter!(
        FLEET_ORDERS,
        "Commands to calls that are not on this node, by what came of them."
    );
}

/// Media messages relayed in one call.
pub fn frames(up: u64, down: u64) {
    counter!(FRAMES, "direction" => "up").increment(up);
    counter!(FRAMES, "direction" => "down").increment(down);
}

/// Media messages thrown away.
pub fn frames_dropped(reason: &'static str, frames: u64) {
    if frames > 0 {
        counter!(FRAMES_DROPPED, "reason" => reason).increment(frames);
    }
}

/// A stream was closed before a call began.
pub fn stream_refused(reason: &'static str) {
    counter!(STREAMS_REFUSED, "reason" => reason).increment(1);
}

/// A live call's stream was given up.
pub fn stream_lost(reason: &'static str) {
    counter!(STREAMS_LOST, "reason" => reason).increment(1);
}

/// A request was not signed by the carrier.
pub fn signature_failure(path: &'static str) {
    counter!(SIGNATURE_FAILURES, "path" => path).increment(1);
}

/// A message could not be read.
pub fn bad_message(peer: &'static str) {
    counter!(BAD_MESSAGES, "peer" => peer).increment(1);
}

/// A webhook was answered.
pub fn webhook(path: &'static str, took: std::time::Duration) {
    histogram!(WEBHOOK_TIME, "path" => path).record(took.as_secs_f64());
}

/// A badly signed request came from a source that had sent too many.
pub fn source_throttled(path: &'static str) {
    counter!(SOURCES_THROTTLED, "path" => path).increment(1);
}

/// A request to the operations pages or the API was refused.
pub fn ops_refused(reason: &'static str) {
    counter!(OPS_REFUSED, "reason" => reason).increment(1);
}

/// Limits are kept together with the other nodes, or are not.
pub fn fleet_up(up: bool) {
    gauge!(FLEET_UP).set(f64::from(u8::from(up)));
}

/// So many nodes live.
pub fn fleet_nodes(nodes: u32) {
    gauge!(FLEET_NODES).set(f64::from(nodes));
}

/// The fleet was asked.
pub fn fleet_exchange(what: &'static str, took: std::time::Duration) {
    histogram!(FLEET_EXCHANGE, "what" => what).record(took.as_secs_f64());
}

/// The fleet could not be asked.
pub fn fleet_failure(what: &'static str) {
    counter!(FLEET_FAILURES, "what" => what).increment(1);
}

/// Something was wanted of a call that is not on this node.
pub fn fleet_order(result: &'static str) {
    counter!(FLEET_ORDERS, "result" => result).increment(1);
}
