//! Calls are listed newest first, page by page, and counted.

use crate::support::{at, call, started};
use trunkline_store::{CallRow, Mode, Outcome, Scope};

on_both_databases! {
    fn pages_follow_each_other(database) {
        let calls: Vec<CallRow> = (0..5).map(|n| call(&format!("CA{n}"), "salon")).collect();
        // Stored out of order: the ids alone decide.
        let mut records: Vec<_> = calls.iter().map(started).collect();
        records.reverse();
        database.apply(&records);

        let page = |before| database.store.calls(Scope::AllTenants, 2, before).unwrap();
        let names = |page: &[CallRow]| page.iter().map(|c| c.call_sid.to_string()).collect::<Vec<_>>();
        let first = page(None);
        assert_eq!(names(&first), ["CA4", "CA3"]);
        let second = page(Some(first[1].id));
        assert_eq!(names(&second), ["CA2", "CA1"]);
        assert_eq!(names(&page(Some(second[1].id))), ["CA0"]);
        assert_eq!(page(Some(calls[0].id)), []);
    }

    fn counts_tell_live_from_over(database) {
        let over = |name: &str, outcome, mode| CallRow {
            outcome: Some(outcome),
            mode,
            ended_at: Some(at(10)),
            ..call(name, "salon")
        };
        let old = CallRow { created_at: at(-5_000), ..call("CA0", "salon") };
        database.apply(&[
            started(&old),
            started(&call("CA1", "salon")),
            started(&over("CA2", Outcome::Booked, Mode::Realtime)),
            started(&over("CA3", Outcome::Booked, Mode::Realtime)),
            started(&over("CA4", Outcome::Transferred, Mode::Bridge)),
            started(&over("CA5", Outcome::Failed, Mode::Bridge)),
        ]);
        let counts = database.store.counts(Scope::AllTenants, at(0)).unwrap();
        assert_eq!((counts.live, counts.total), (2, 5));
        let outcomes: Vec<_> = counts.by_outcome.iter().map(|(w, n)| (w.as_str(), *n)).collect();
        assert_eq!(outcomes, [("booked", 2), ("failed", 1), ("transferred", 1)]);
        let modes: Vec<_> = counts.by_mode.iter().map(|(w, n)| (w.as_str(), *n)).collect();
        assert_eq!(modes, [("bridge", 2), ("realtime", 3)]);
    }
}
