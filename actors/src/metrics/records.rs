//! What is kept: the database, the journal, side effects, recordings and their end.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::{count, whole};

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
const EARLY: &str = "trunkline_early_records_total";
const EARLY_WAITING: &str = "trunkline_early_records";
const SIDE_EFFECTS: &str = "trunkline_side_effects_total";
const RECORDINGS: &str = "trunkline_flight_recordings_total";
const PRIVACY_REMOVED: &str = "trunkline_privacy_removed_total";
const PRIVACY_FAILURES: &str = "trunkline_privacy_failures_total";
const PRIVACY_LAST_RUN: &str = "trunkline_privacy_last_run_timestamp_seconds";
const RECORDER_WAITING: &str = "trunkline_flight_recorder_waiting_bytes";

/// Tells the recorder what each name means.
pub(super) fn describe() {
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
    describe_counter!(
        EARLY,
        "Records that came before their call's row, by kind and what became of them."
    );
    describe_gauge!(EARLY_WAITING, "Records in the database that wait for their call's row.");
    describe_counter!(SIDE_EFFECTS, "Side effects that tools asked for, by what came of it.");
    describe_counter!(RECORDINGS, "Flight recordings, by what became of them.");
    describe_counter!(PRIVACY_REMOVED, "Rows and recordings kept for long enough, by what went.");
    describe_counter!(PRIVACY_FAILURES, "Rounds of retention that did not come to their end.");
    describe_gauge!(PRIVACY_LAST_RUN, "When retention last came to its end, in Unix time.");
    describe_gauge!(RECORDER_WAITING, "Bytes of flight recordings that wait for their files.");
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

/// Records that came before their call's row: `result` is `stored`, `refused` or
/// `given_up`.
pub fn early_records(kind: &str, result: &'static str, records: usize) {
    counter!(EARLY, "kind" => kind.to_owned(), "result" => result).increment(records as u64);
}

/// So many of them wait in the database.
pub fn early_records_waiting(records: i64) {
    gauge!(EARLY_WAITING).set(whole(u64::try_from(records).unwrap_or_default()));
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
