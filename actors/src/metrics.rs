//! The metrics: every name, its unit and its meaning in one place. What a name
//! is labelled with never holds anything personal.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use trunkline_core::call::{Exit, Metric, Outcome};
use trunkline_core::cost::{Nanos, Service, Spent, Step, Waste};
use trunkline_core::ids::TenantId;
use trunkline_core::pipeline::{Measure, Speculation};
use trunkline_core::tenant::Mode;
use trunkline_core::time::Micros;
use trunkline_core::turn::waterfall::Stage;

use crate::tree::Kind;

/// Upper bounds of the latency histograms, in seconds: fine where a caller
/// notices (20 ms to 3 s), coarse beyond.
pub const LATENCY_BUCKETS_SECONDS: [f64; 15] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.08, 0.1, 0.15, 0.3, 0.6, 1.0, 1.5, 3.0, 6.0, 15.0];

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
const FRAMES: &str = "trunkline_frames_total";
const FRAMES_DROPPED: &str = "trunkline_frames_dropped_total";
const STREAMS_REFUSED: &str = "trunkline_streams_refused_total";
const STREAMS_LOST: &str = "trunkline_streams_lost_total";
const SIGNATURE_FAILURES: &str = "trunkline_signature_failures_total";
const BAD_MESSAGES: &str = "trunkline_bad_messages_total";
const STALE_EVENTS: &str = "trunkline_stale_events_total";
const MODEL_READY: &str = "trunkline_model_ready_seconds";
const FIRST_AUDIO: &str = "trunkline_first_audio_seconds";
const TURN_LATENCY: &str = "trunkline_turn_latency_seconds";
const TURN_STAGE: &str = "trunkline_turn_stage_seconds";
const TOOL_TIME: &str = "trunkline_tool_seconds";
const BARGE_IN_STOP: &str = "trunkline_barge_in_stop_seconds";
const BARGE_IN_PAUSE: &str = "trunkline_barge_in_pause_seconds";
const BARGE_IN_FALSE: &str = "trunkline_barge_in_false_total";
const WEBHOOK_TIME: &str = "trunkline_webhook_seconds";
const PIPELINE_TIME: &str = "trunkline_pipeline_seconds";
const PIPELINE_FAILOVERS: &str = "trunkline_pipeline_failovers_total";
const SPECULATIONS: &str = "trunkline_speculations_total";
const SPECULATION_WASTE: &str = "trunkline_speculation_waste_total";
const COST: &str = "trunkline_cost_nanodollars_total";
const COST_UNPRICED: &str = "trunkline_cost_unpriced_total";
const BUDGET_REACHED: &str = "trunkline_budget_reached_total";
const MODEL_REDIALS: &str = "trunkline_model_redials_total";
const RECORDS_WRITTEN: &str = "trunkline_records_written_total";
const RECORDS_DROPPED: &str = "trunkline_records_dropped_total";
const RECORDS_WAITING: &str = "trunkline_records_waiting";
const STORE_UP: &str = "trunkline_store_up";
const STORE_WRITE: &str = "trunkline_store_write_seconds";
const RECORD_DURABLE: &str = "trunkline_record_durable_seconds";
const JOURNAL_UP: &str = "trunkline_journal_up";
const JOURNAL_RECORDS: &str = "trunkline_journal_records";
const JOURNAL_BYTES: &str = "trunkline_journal_bytes";
const JOURNAL_AGE: &str = "trunkline_journal_oldest_age_seconds";
const JOURNAL_TAKEN: &str = "trunkline_journal_taken_total";
const JOURNAL_DRAINED: &str = "trunkline_journal_drained_total";
const SIDE_EFFECTS: &str = "trunkline_side_effects_total";
const RECORDINGS: &str = "trunkline_flight_recordings_total";
const PRIVACY_REMOVED: &str = "trunkline_privacy_removed_total";
const PRIVACY_FAILURES: &str = "trunkline_privacy_failures_total";
const PRIVACY_LAST_RUN: &str = "trunkline_privacy_last_run_timestamp_seconds";
const RECORDER_WAITING: &str = "trunkline_flight_recorder_waiting_bytes";
const SOURCES_THROTTLED: &str = "trunkline_sources_throttled_total";
const OPS_REFUSED: &str = "trunkline_ops_refused_total";
const FLEET_UP: &str = "trunkline_fleet_up";
const FLEET_NODES: &str = "trunkline_fleet_nodes";
const FLEET_EXCHANGE: &str = "trunkline_fleet_exchange_seconds";
const FLEET_FAILURES: &str = "trunkline_fleet_failures_total";
const FLEET_ORDERS: &str = "trunkline_fleet_orders_total";

/// Tells the recorder what each name means.
pub fn describe() {
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
    describe_counter!(FRAMES, "Media messages relayed, by direction: up is caller to model.");
    describe_counter!(FRAMES_DROPPED, "Media messages thrown away, by reason.");
    describe_counter!(STREAMS_REFUSED, "Media streams closed before a call began, by reason.");
    describe_counter!(STREAMS_LOST, "Media streams of live calls that were given up, by reason.");
    describe_counter!(
        SIGNATURE_FAILURES,
        "Requests whose carrier signature was missing or wrong, by path."
    );
    describe_counter!(BAD_MESSAGES, "Messages that could not be read, by peer.");
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
    describe_histogram!(WEBHOOK_TIME, "Seconds to answer a webhook, by path.");
    describe_histogram!(
        TURN_STAGE,
        "Seconds from the end of the caller's speech to each stage of the answer, by mode."
    );
    describe_histogram!(PIPELINE_TIME, "Seconds of a pipeline, by stage.");
    describe_counter!(
        PIPELINE_FAILOVERS,
        "Times another of a pipeline's services was asked instead, by kind."
    );
    describe_counter!(SPECULATIONS, "Answers begun before they were wanted, by result.");
    describe_counter!(
        SPECULATION_WASTE,
        "What was spent on answers that were thrown away, by unit."
    );
    describe_counter!(
        COST,
        "Billionths of a dollar that calls cost, by tenant, provider and kind."
    );
    describe_counter!(COST_UNPRICED, "Calls that used something without a price, by what it was.");
    describe_counter!(BUDGET_REACHED, "Shares of budgets that were reached, by what followed.");
    describe_counter!(MODEL_REDIALS, "Speech model sessions dialled again in mid-call.");
    describe_counter!(RECORDS_WRITTEN, "Records committed to the database.");
    describe_counter!(
        RECORDS_DROPPED,
        "Records lost, by reason: the queue or the journal was full, or the database refused them."
    );
    describe_gauge!(RECORDS_WAITING, "Records that wait for the database.");
    describe_gauge!(STORE_UP, "1 while the database takes records, else 0.");
    describe_histogram!(STORE_WRITE, "Seconds to commit one batch of records.");
    describe_histogram!(
        RECORD_DURABLE,
        "Seconds from a record's being handed over until the database or the journal had it."
    );
    describe_gauge!(JOURNAL_UP, "1 while the journal takes records, else 0.");
    describe_gauge!(JOURNAL_RECORDS, "Records in the journal.");
    describe_gauge!(JOURNAL_BYTES, "Bytes of records in the journal.");
    describe_gauge!(JOURNAL_AGE, "Seconds that the oldest record has been in the journal.");
    describe_counter!(JOURNAL_TAKEN, "Records put into the journal.");
    describe_counter!(JOURNAL_DRAINED, "Records moved from the journal to the database.");
    describe_counter!(SIDE_EFFECTS, "Side effects that tools asked for, by what came of it.");
    describe_counter!(RECORDINGS, "Flight recordings, by what became of them.");
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
    describe_counter!(PRIVACY_REMOVED, "Rows and recordings kept for long enough, by what went.");
    describe_counter!(PRIVACY_FAILURES, "Rounds of retention that did not come to their end.");
    describe_gauge!(PRIVACY_LAST_RUN, "When retention last came to its end, in Unix time.");
    describe_gauge!(RECORDER_WAITING, "Bytes of flight recordings that wait for their files.");
}

fn seconds(micros: Micros) -> f64 {
    std::time::Duration::from(micros).as_secs_f64()
}

fn tenant_label(tenant: &TenantId) -> String {
    tenant.as_str().to_owned()
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

/// A call's bill has a line of so much.
pub fn cost(tenant: &TenantId, provider: &str, kind: trunkline_core::cost::Kind, nanos: Nanos) {
    let provider = provider.to_owned();
    counter!(
        COST,
        "tenant" => tenant_label(tenant), "provider" => provider, "kind" => kind.as_str()
    )
    .increment(nanos.0);
}

/// A call used something that has no price.
pub fn cost_unpriced(service: &Service, kind: trunkline_core::cost::Kind) {
    let (provider, model) = (service.provider.clone(), service.model.clone());
    counter!(COST_UNPRICED, "provider" => provider, "model" => model, "kind" => kind.as_str())
        .increment(1);
}

/// A share of a budget was reached.
pub fn budget_reached(tenant: &TenantId, step: Step, of: Spent) {
    let (step, of) = (step.as_str(), of.as_str());
    counter!(BUDGET_REACHED, "tenant" => tenant_label(tenant), "step" => step, "of" => of)
        .increment(1);
}

/// A pipeline measured something.
pub fn of_pipeline(measure: Measure) {
    let stage = |stage: &'static str, took: Micros| {
        histogram!(PIPELINE_TIME, "stage" => stage).record(seconds(took));
    };
    match measure {
        Measure::FirstToken(took) => stage("first_token", took),
        Measure::FirstSentence(took) => stage("first_sentence", took),
        Measure::FirstSound(took) => stage("first_sound", took),
        Measure::Failover(service) => {
            counter!(PIPELINE_FAILOVERS, "service" => service).increment(1);
        }
    }
}

/// Something came of an answer that was begun before it was wanted; where it was thrown
/// away, this was spent on it.
pub fn of_speculation(speculation: Speculation, waste: Waste) {
    let count = |result: &'static str| counter!(SPECULATIONS, "result" => result).increment(1);
    match speculation {
        Speculation::Started => count("started"),
        Speculation::Used => count("used"),
        Speculation::ThrownAway(why) => {
            count(why.as_str());
            let wasted = |unit: &'static str, by: u64| {
                counter!(SPECULATION_WASTE, "unit" => unit).increment(by);
            };
            wasted("tokens_in", waste.tokens_in);
            wasted("tokens_out", waste.tokens_out);
            wasted("characters", waste.characters);
        }
    }
}

/// A webhook was answered.
pub fn webhook(path: &'static str, took: std::time::Duration) {
    histogram!(WEBHOOK_TIME, "path" => path).record(took.as_secs_f64());
}

/// A batch was committed.
pub fn records_written(records: usize, took: std::time::Duration) {
    counter!(RECORDS_WRITTEN).increment(records as u64);
    histogram!(STORE_WRITE).record(took.as_secs_f64());
}

/// Records were lost.
pub fn records_dropped(reason: &'static str, records: usize) {
    counter!(RECORDS_DROPPED, "reason" => reason).increment(records as u64);
}

/// Records wait.
pub fn records_waiting(records: usize) {
    gauge!(RECORDS_WAITING).set(count(records));
}

/// The database takes records, or does not.
pub fn store_up(up: bool) {
    gauge!(STORE_UP).set(f64::from(u8::from(up)));
}

/// A record is committed, in the database or in the journal.
pub fn record_durable(after: std::time::Duration) {
    histogram!(RECORD_DURABLE).record(after.as_secs_f64());
}

/// The journal takes records, or does not.
pub fn journal_up(up: bool) {
    gauge!(JOURNAL_UP).set(f64::from(u8::from(up)));
}

/// So much is in the journal.
pub fn journal_size(records: u64, bytes: u64, oldest: std::time::Duration) {
    gauge!(JOURNAL_RECORDS).set(whole(records));
    gauge!(JOURNAL_BYTES).set(whole(bytes));
    gauge!(JOURNAL_AGE).set(oldest.as_secs_f64());
}

/// Records were put into the journal.
pub fn journal_taken(records: usize) {
    counter!(JOURNAL_TAKEN).increment(records as u64);
}

/// Records were moved from the journal to the database.
pub fn journal_drained(records: usize) {
    counter!(JOURNAL_DRAINED).increment(records as u64);
}

/// A tool asked for a side effect: `done`, `failed`, `repeated`, `unknown` or
/// `unrecorded`.
pub fn side_effect(result: &'static str) {
    counter!(SIDE_EFFECTS, "result" => result).increment(1);
}

/// Something became of a flight recording: `kept`, `discarded`, `recovered`,
/// `removed` or `lost`.
pub fn recording(result: &'static str) {
    counter!(RECORDINGS, "result" => result).increment(1);
}

/// Something had been kept for long enough, and went: so many of that kind.
pub fn privacy_removed(what: &'static str, count: usize) {
    counter!(PRIVACY_REMOVED, "what" => what).increment(count as u64);
}

/// A round of retention came to its end at this Unix time.
pub fn privacy_round(unix_s: i64) {
    counter!(PRIVACY_FAILURES).increment(0);
    #[expect(clippy::cast_precision_loss, reason = "seconds fit for a hundred million years")]
    gauge!(PRIVACY_LAST_RUN).set(unix_s as f64);
}

/// A round of retention did not come to its end.
pub fn privacy_failed() {
    counter!(PRIVACY_FAILURES).increment(1);
}

/// So much of flight recordings waits for its files.
pub fn recorder_waiting(bytes: usize) {
    gauge!(RECORDER_WAITING).set(count(bytes));
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

/// A count that may be large: a float holds whole numbers up to 2⁵³, and beyond
/// that the last digits do not matter.
fn whole(n: u64) -> f64 {
    n as f64
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
