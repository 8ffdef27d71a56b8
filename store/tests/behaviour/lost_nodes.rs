//! Calls that a process left open when it died are closed by its next life.

use crate::support::{at, call, started};
use trunkline_core::ids::NodeId;
use trunkline_store::{CallChange, CallRow, NodeChange, NodeRow, Outcome, Record, Scope};

fn node(name: &str, started_ms: i64) -> NodeRow {
    NodeRow {
        node_id: NodeId::parse(name).unwrap(),
        started_at: at(started_ms),
        last_seen_at: at(started_ms),
        stopped_at: None,
        version: "0.1.0".to_owned(),
        pid: started_ms,
        address: "127.0.0.1:8080".to_owned(),
    }
}

fn call_of(node: &NodeRow, name: &str, began_ms: i64) -> CallRow {
    CallRow {
        node_id: Some(node.node_id.clone()),
        created_at: at(began_ms),
        updated_at: at(began_ms),
        ..call(name, "salon")
    }
}

on_both_databases! {
    fn only_the_calls_of_its_earlier_life_are_closed(database) {
        let (ours, other) = (node("n1", 1_000), node("n2", 0));
        let lost = call_of(&ours, "CA1", 500);
        let over = CallRow { ended_at: Some(at(600)), outcome: Some(Outcome::Booked), ..call_of(&ours, "CA2", 500) };
        let elsewhere = call_of(&other, "CA3", 500);
        let fresh = call_of(&ours, "CA4", 1_500);
        let landed_here = CallRow { stream_started_at: Some(at(1_200)), ..call_of(&ours, "CA5", 900) };
        let all = [&lost, &over, &elsewhere, &fresh, &landed_here];
        database.apply(&all.map(started));

        assert_eq!(database.store.close_open_calls(&ours.node_id, at(1_000)).unwrap(), 1);
        assert_eq!(database.store.close_open_calls(&ours.node_id, at(1_000)).unwrap(), 0);

        let now = |call: &CallRow| database.store.call(Scope::AllTenants, &call.call_sid).unwrap().unwrap();
        let closed = now(&lost);
        assert_eq!((closed.outcome, closed.ended_at), (Some(Outcome::Failed), Some(at(1_000))));
        assert_eq!(closed.error.as_deref(), Some("node_lost"));
        for untouched in [&over, &elsewhere, &fresh, &landed_here] {
            assert_eq!(&now(untouched), untouched);
        }
        let events = database.store.events(Scope::AllTenants, &lost.call_sid).unwrap();
        assert_eq!(events.iter().map(|e| (e.kind.as_str(), e.at_us)).collect::<Vec<_>>(), [("node_lost", 500_000)]);
    }

    fn the_truth_may_come_later(database) {
        let ours = node("n1", 1_000);
        let lost = call_of(&ours, "CA1", 500);
        database.apply(&[started(&lost)]);
        database.store.close_open_calls(&ours.node_id, at(1_000)).unwrap();
        let change = CallChange {
            outcome: Some(Outcome::Completed),
            ended_at: Some(at(900)),
            ..CallChange::new(lost.call_sid.clone(), at(900))
        };
        database.apply(&[Record::CallChanged(Box::new(change))]);
        let row = database.store.call(Scope::AllTenants, &lost.call_sid).unwrap().unwrap();
        assert_eq!((row.outcome, row.ended_at), (Some(Outcome::Completed), Some(at(900))));
        assert_eq!(row.error, None, "it was not lost after all");
    }

    fn a_survivor_closes_the_calls_of_a_node_that_stays_silent(database) {
        let store = &database.store;
        let (ours, lost, idle) = (node("n1", 0), node("n2", 0), node("n3", 0));
        let (here, there) = (call_of(&ours, "CA1", 100), call_of(&lost, "CA2", 100));
        let nodes = [&ours, &lost, &idle].map(|n| Record::Node(NodeChange::Started(n.clone())));
        database.apply(&nodes);
        database.apply(&[&here, &there].map(started));
        let found = store.nodes_with_calls(&ours.node_id).unwrap();
        assert_eq!(found, std::slice::from_ref(&lost), "neither ourselves nor who has no call");

        // It gave a sign of life in between.
        let seen = NodeChange::Seen { node_id: lost.node_id.clone(), at: at(200) };
        database.apply(&[Record::Node(seen)]);
        assert_eq!(store.close_calls_of_lost(&lost, at(1_000)).unwrap(), 0);
        // Then none.
        let silent = store.nodes_with_calls(&ours.node_id).unwrap().remove(0);
        assert_eq!(store.close_calls_of_lost(&silent, at(1_000)).unwrap(), 1);
        assert_eq!(store.close_calls_of_lost(&silent, at(1_001)).unwrap(), 0);
        let row = store.call(Scope::AllTenants, &there.call_sid).unwrap().unwrap();
        assert_eq!((row.error.as_deref(), row.ended_at), (Some("node_lost"), Some(at(1_000))));
        assert_eq!(store.call(Scope::AllTenants, &here.call_sid).unwrap(), Some(here));
        assert_eq!(store.nodes_with_calls(&ours.node_id).unwrap(), []);
    }

    fn a_node_lives_stops_and_lives_again(database) {
        let (first, second) = (node("n1", 1_000), node("n1", 5_000));
        let id = || first.node_id.clone();
        let course = |change| Record::Node(change);
        let first_life = [
            course(NodeChange::Started(first.clone())),
            course(NodeChange::Seen { node_id: id(), at: at(2_000) }),
            course(NodeChange::Stopped { node_id: id(), at: at(3_000) }),
        ];
        database.apply(&first_life);
        let row = database.store.nodes().unwrap().remove(0);
        assert_eq!((row.last_seen_at, row.stopped_at), (at(3_000), Some(at(3_000))));

        database.apply(&[course(NodeChange::Started(second.clone()))]);
        assert_eq!(database.store.nodes().unwrap(), std::slice::from_ref(&second));
        // A replay of the first life does not stop the second.
        database.apply(&first_life);
        assert_eq!(database.store.nodes().unwrap(), [second]);
    }
}
