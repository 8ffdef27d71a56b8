//! What a server left behind: its log by message, its audit log, its rows.

use chrono::DateTime;
use serde_json::Value;
use trunkline_core::ids::CallSid;
use trunkline_store::{CallRow, EventRow, Scope, Store};

use super::{ServerProcess, wait_for};

impl ServerProcess {
    /// A way of one's own to its database.
    pub fn store(&self) -> Store {
        Store::open(self.database_url(), 1).expect("the database opens")
    }

    /// What it logged under this message: the fields of each line.
    pub fn logged(&self, message: &str) -> Vec<Value> {
        let lines = self.log();
        let parsed = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        parsed
            .map(|mut line| line["fields"].take())
            .filter(|fields| fields["message"] == message)
            .collect()
    }

    /// Waits for so many events of a kind that belong to no call.
    pub async fn audited(&self, kind: &str, count: usize) -> Vec<EventRow> {
        let store = self.store();
        wait_for(&format!("{count} events {kind}"), async || {
            let all = store.events_without_call(Scope::AllTenants, DateTime::UNIX_EPOCH, 10_000);
            let all = all.expect("events are read");
            let found: Vec<EventRow> = all.into_iter().filter(|event| event.kind == kind).collect();
            assert!(found.len() <= count, "too many: {found:?}");
            (found.len() == count).then_some(found)
        })
        .await
    }

    /// Waits until a call's row is as it should be.
    pub async fn row(&self, call_sid: &str, so: impl Fn(&CallRow) -> bool) -> CallRow {
        let (store, sid) = (self.store(), CallSid::parse(call_sid).expect("a SID"));
        wait_for("the call's row", async || {
            store.call(Scope::AllTenants, &sid).expect("a row is read").filter(|row| so(row))
        })
        .await
    }

    /// How many calls have a row.
    pub fn rows(&self) -> usize {
        self.store().calls(Scope::AllTenants, 10_000, None).expect("rows are read").len()
    }
}
