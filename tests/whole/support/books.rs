//! What is written of calls that are over: each row closed, each event there, once.

use trunkline_core::ids::CallSid;
use trunkline_simulator::carrier::{CallReport, Gaps};
use trunkline_store::{CallRow, Scope, Store};

/// The books of a database.
pub struct Books(Store);

impl Books {
    /// Of this database.
    pub fn of(url: &str) -> Self {
        Self(Store::open(url, 1).expect("the database opens"))
    }

    /// A call's row, if there is one.
    pub fn row(&self, call_sid: &str) -> Option<CallRow> {
        let sid = CallSid::parse(call_sid).expect("a SID");
        self.0.call(Scope::AllTenants, &sid).expect("a row is read")
    }

    /// The numbers of a call's own events, and their kinds, in order. What another
    /// life or a webhook wrote of it has no number of its own.
    pub fn events(&self, call_sid: &str) -> (Vec<i64>, Vec<String>) {
        let sid = CallSid::parse(call_sid).expect("a SID");
        let events = self.0.events(Scope::AllTenants, &sid).expect("events are read");
        let own = events.into_iter().filter(|event| event.seq > 0 || event.kind == "call_started");
        own.map(|event| (i64::from(event.seq), event.kind)).unzip()
    }

    fn all(&self, call_sid: &str) -> Vec<(i32, String)> {
        let sid = CallSid::parse(call_sid).expect("a SID");
        let events = self.0.events(Scope::AllTenants, &sid).expect("events are read");
        events.into_iter().map(|event| (event.seq, event.kind)).collect()
    }

    /// What is wrong with the books of a call that had a stream; nothing when its row
    /// is closed and its events are there from the first to the last, each once.
    pub fn flaw(&self, call_sid: &str) -> Option<String> {
        let Some(row) = self.row(call_sid) else {
            return Some(format!("{call_sid} has no row"));
        };
        if row.ended_at.is_none() || row.outcome.is_none() {
            return Some(format!("{call_sid} is not closed: {row:?}"));
        }
        let (seqs, kinds) = self.events(call_sid);
        let dense = seqs.iter().copied().eq(0..i64::try_from(seqs.len()).expect("a count"));
        let whole = kinds.first().is_some_and(|kind| kind == "call_started")
            && kinds.last().is_some_and(|kind| kind == "call_ended");
        (!dense || !whole)
            .then(|| format!("{call_sid}: {seqs:?} {kinds:?}; {:?}", self.all(call_sid)))
    }

    /// Rows that say that their calls go on.
    pub fn open(&self) -> Vec<CallRow> {
        let rows = self.0.calls(Scope::AllTenants, 100_000, None).expect("rows are read");
        rows.into_iter().filter(|row| row.ended_at.is_none()).collect()
    }
}

/// The gaps between the agent's media messages, of all these calls.
pub fn gaps<'a>(reports: impl IntoIterator<Item = &'a CallReport>) -> Gaps {
    let mut all = Gaps::default();
    for stream in reports.into_iter().flat_map(|report| &report.streams) {
        all.add(&stream.gaps);
    }
    all
}

/// How late these callers' own frames were: those that were ten milliseconds late or
/// more, of a thousand, and the latest, in milliseconds. An echo is as late.
pub fn own_lateness<'a>(reports: impl IntoIterator<Item = &'a CallReport>) -> (u64, u64) {
    let streams = reports.into_iter().flat_map(|report| &report.streams);
    let (mut late, mut all, mut latest) = (0, 0, 0);
    for lateness in streams.map(|stream| &stream.lateness) {
        late += lateness.under_20_ms + lateness.over_20_ms;
        all += lateness.frames();
        latest = latest.max(lateness.max_us / 1_000);
    }
    (late * 1_000 / all.max(1), latest)
}
