//! Calls and the actors that hold them: how many, how they went, and how fast they were.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use trunkline_core::call::{Exit, Metric, Outcome};
use trunkline_core::ids::TenantId;
use trunkline_core::tenant::Mode;
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;

use super::{count, seconds, tenant_label};
use crate::tree::Kind;

const CALLS_LIVE: &str = "trunkline_calls_live";
const SLOTS_HELD: &str = "trunkline_slots_held";
const ACTORS_LIVE: &str = "trunkline_actors_live";
const ACTOR_RESTARTS: &str = "trunkline_actor_restarts_total";
const ACTOR_EXITS: &str = "trunkline_actor_exits_total";
const BOOKINGS: &str = "trunkline_bookings_total";
const CALL_RECORDINGS: &str = "trunkline_call_recordings_total";
const CALLS: &str = "trunkline_calls_total";
const CALLS_REFUSED: &str = "trunkline_calls_refused_total";
const CALLS_BRIDGED: &str = "trunkline_calls_bridged_total";
const STALE_EVENTS: &str = "trunkline_stale_events_total";
const MODEL_READY: &str = "trunkline_model_ready_seconds";
const FIRST_AUDIO: &str = "trunkline_first_audio_seconds";
const TURN_LATENCY: &str = "trunkline_turn_latency_seconds";
const TURN_STAGE: &str = "trunkline_turn_stage_seconds";
const TOOL_TIME: &str = "trunkline_tool_seconds";
const BARGE_IN_STOP: &str = "trunkline_barge_in_stop_seconds";
const BARGE_IN_PAUSE: &str = "trunkline_barge_in_pause_seconds";
const BARGE_IN_FALSE: &str = "trunkline_barge_in_false_total";
const MODEL_REDIALS: &str = "trunkline_model_redials_total";

/// Tells the recorder what each name means.
pub(super) fn describe() {
    describe_gauge!(CALLS_LIVE, "Calls with a live actor.");
    describe_gauge!(SLOTS_HELD, "Concurrency slots held, by tenant; a reservation holds one.");
    describe_gauge!(ACTORS_LIVE, "Live actors, by kind.");
    describe_counter!(ACTOR_RESTARTS, "Actors rebuilt after they ended unasked, by kind.");
    describe_counter!(ACTOR_EXITS, "Actors ended, by kind and how: normal, error, panicked.");
    describe_counter!(CALLS, "Calls ended, by tenant and outcome.");
    describe_counter!(
        BOOKINGS,
        "Appointments made, moved and cancelled, and times refused that were taken, by tenant."
    );
    describe_counter!(
        CALL_RECORDINGS,
        "The carrier's recordings of calls, by tenant and what became of them."
    );
    describe_counter!(CALLS_REFUSED, "Calls not taken, by tenant and reason.");
    describe_counter!(
        CALLS_BRIDGED,
        "Calls sent to the human number instead of the agent, by tenant and reason."
    );
    describe_counter!(STALE_EVENTS, "Events that came too late to matter, by kind.");
    describe_histogram!(MODEL_READY, "Seconds from a stream's start until the model was ready.");
    describe_histogram!(
        FIRST_AUDIO,
        "Seconds from a stream's start until the first agent audio went out."
    );
    describe_histogram!(
        TURN_LATENCY,
        "Seconds from the end of a caller's turn until the answer's first audio went out."
    );
    describe_histogram!(TOOL_TIME, "Seconds a tool ran.");
    describe_histogram!(
        BARGE_IN_STOP,
        "Seconds from the caller's first sound, or the report of it, until the agent was silenced."
    );
    describe_histogram!(
        BARGE_IN_PAUSE,
        "Seconds that the agent was silent for a sound that was no interruption."
    );
    describe_counter!(BARGE_IN_FALSE, "Sentences that were cut off for nothing.");
    describe_histogram!(
        TURN_STAGE,
        "Seconds from the end of the caller's speech to each stage of the answer, by mode."
    );
    describe_counter!(MODEL_REDIALS, "Speech model sessions dialled again in mid-call.");
}

/// An actor began.
pub fn actor_started(kind: Kind, rebuilt: bool) {
    gauge!(ACTORS_LIVE, "kind" => kind.as_str()).increment(1.0);
    if rebuilt {
        counter!(ACTOR_RESTARTS, "kind" => kind.as_str()).increment(1);
    }
}

/// An actor ended.
pub fn actor_ended(kind: Kind, exit: Exit) {
    let how = match exit {
        Exit::Normal => "normal",
        Exit::Error => "error",
        Exit::Panicked => "panicked",
    };
    gauge!(ACTORS_LIVE, "kind" => kind.as_str()).decrement(1.0);
    counter!(ACTOR_EXITS, "kind" => kind.as_str(), "exit" => how).increment(1);
}

/// A call became live, or is no longer.
pub fn calls_live(live: usize) {
    gauge!(CALLS_LIVE).set(count(live));
}

/// A tenant holds so many slots.
pub fn slots_held(tenant: &TenantId, held: u32) {
    gauge!(SLOTS_HELD, "tenant" => tenant_label(tenant)).set(f64::from(held));
}

/// A call ended.
pub fn call_ended(tenant: &TenantId, outcome: Outcome) {
    counter!(CALLS, "tenant" => tenant_label(tenant), "outcome" => outcome.as_str()).increment(1);
}

/// An appointment was `made`, `moved` or `cancelled`, or a time was `refused` as taken.
pub fn booking(tenant: &TenantId, result: &'static str) {
    counter!(BOOKINGS, "tenant" => tenant_label(tenant), "result" => result).increment(1);
}

/// The carrier's recording of a call was `started`, `not_started`, `announced`, `unwanted`,
/// `stored`, `retried` or `failed`.
pub fn call_recording(tenant: &TenantId, result: &'static str) {
    counter!(CALL_RECORDINGS, "tenant" => tenant_label(tenant), "result" => result).increment(1);
}

/// A call was not taken.
pub fn call_refused(tenant: Option<&TenantId>, reason: &'static str) {
    let tenant = tenant.map_or_else(|| "none".to_owned(), tenant_label);
    counter!(CALLS_REFUSED, "tenant" => tenant, "reason" => reason).increment(1);
}

/// A call was sent to the human number.
pub fn call_bridged(tenant: &TenantId, reason: &str) {
    counter!(CALLS_BRIDGED, "tenant" => tenant_label(tenant), "reason" => reason.to_owned())
        .increment(1);
}

/// Events came too late.
pub fn stale(kind: &'static str, events: u64) {
    if events > 0 {
        counter!(STALE_EVENTS, "kind" => kind).increment(events);
    }
}

/// A call measured something.
pub fn of_call(metric: Metric) {
    match metric {
        Metric::ModelReady(t) => histogram!(MODEL_READY).record(seconds(t)),
        Metric::FirstAudio(t) => histogram!(FIRST_AUDIO).record(seconds(t)),
        Metric::TurnLatency(t) => histogram!(TURN_LATENCY).record(seconds(t)),
        Metric::TurnStage { mode, stage, after } => turn_stage(mode, stage, after),
        Metric::ToolTime(t) => histogram!(TOOL_TIME).record(seconds(t)),
        Metric::BargeInStop(t) => histogram!(BARGE_IN_STOP).record(seconds(t)),
        Metric::BargeInResumed(t) => histogram!(BARGE_IN_PAUSE).record(seconds(t)),
        Metric::BargeInFalse => counter!(BARGE_IN_FALSE).increment(1),
        Metric::Stale(kind) => stale(kind, 1),
        Metric::Redial => counter!(MODEL_REDIALS).increment(1),
    }
}

/// A turn's answer had come as far as `stage`, so long after the end of speech.
fn turn_stage(mode: Mode, stage: Stage, after: Micros) {
    let labels = [("mode", mode.as_str()), ("stage", stage.as_str())];
    histogram!(TURN_STAGE, &labels).record(seconds(after));
}
