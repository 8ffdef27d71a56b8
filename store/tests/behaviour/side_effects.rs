//! What was done to the world is done once, whoever asks and whoever dies.

use std::thread;

use crate::support::{Database, at, sid, tenant};
use serde_json::json;
use trunkline_store::{Begun, EffectKey, EffectState, Payload, Scope, Store};
use uuid::Uuid;

fn key(operation: &str) -> EffectKey {
    EffectKey::new(tenant("salon"), sid("CA1"), operation, &json!({"to": "+14155550123"}))
}

fn life() -> Uuid {
    Uuid::new_v4()
}

fn text(words: &str) -> Payload {
    Payload(json!({"said": words}))
}

on_both_databases! {
    fn a_repetition_finds_the_first_answer(database) {
        let (store, key) = (&database.store, key("send_sms"));
        assert_eq!(store.effect(&key).unwrap(), None);
        assert_eq!(store.begin_effect(&key, life(), at(0)).unwrap(), Begun::Go);
        store.finish_effect(&key, &text("sent"), at(5)).unwrap();
        store.finish_effect(&key, &text("sent twice"), at(6)).unwrap();
        let Begun::There(row) = store.begin_effect(&key, life(), at(9)).unwrap() else {
            panic!("begun twice");
        };
        assert_eq!((row.state, row.result, row.attempts), (EffectState::Done, Some(text("sent")), 1));
        assert_eq!((row.begun_at, row.done_at), (at(0), Some(at(5))));
        // Other inputs are another effect.
        let other = EffectKey::new(tenant("salon"), sid("CA1"), "send_sms", &json!({}));
        assert_eq!(store.begin_effect(&other, life(), at(9)).unwrap(), Begun::Go);
    }

    fn what_is_known_to_have_failed_may_be_tried_again(database) {
        let (store, key, second) = (&database.store, key("book"), life());
        assert_eq!(store.begin_effect(&key, life(), at(0)).unwrap(), Begun::Go);
        store.fail_effect(&key, &text("no"), at(1)).unwrap();
        let row = store.effect(&key).unwrap().unwrap();
        assert_eq!((row.state, row.result), (EffectState::Failed, Some(text("no"))));
        assert_eq!(store.begin_effect(&key, second, at(2)).unwrap(), Begun::Go);
        let row = store.effect(&key).unwrap().unwrap();
        assert_eq!((row.state, row.result, row.attempts), (EffectState::Begun, None, 2));
        assert_eq!((row.begun_by, row.begun_at, row.done_at), (second, at(2), None));
    }

    fn what_nobody_answered_is_taken_over_by_one(database) {
        let (store, key, dead) = (&database.store, key("book"), life());
        assert_eq!(store.begin_effect(&key, dead, at(0)).unwrap(), Begun::Go);
        let Begun::There(found) = store.begin_effect(&key, life(), at(1)).unwrap() else {
            panic!("begun twice");
        };
        assert_eq!((found.state, found.begun_by), (EffectState::Begun, dead));
        assert!(store.take_over_effect(&found, life(), at(2)).unwrap());
        assert!(!store.take_over_effect(&found, life(), at(2)).unwrap(), "somebody else was first");
        store.finish_effect(&key, &text("it had happened"), at(3)).unwrap();
        let done = store.effect(&key).unwrap().unwrap();
        assert!(!store.take_over_effect(&done, life(), at(4)).unwrap(), "it is answered");
        assert_eq!(done.attempts, 2);
    }

    fn what_was_never_begun_has_no_answer(database) {
        let error = database.store.finish_effect(&key("book"), &text("done"), at(0)).unwrap_err();
        assert_eq!(error.to_string(), "there is no such side effect");
    }

    fn a_tenant_sees_its_own(database) {
        let store = &database.store;
        for (owner, operation) in [("salon", "one"), ("garage", "two"), ("salon", "three")] {
            let key = EffectKey::new(tenant(owner), sid("CA1"), operation, &json!({}));
            assert_eq!(store.begin_effect(&key, life(), at(0)).unwrap(), Begun::Go);
        }
        let (salon, garage) = (tenant("salon"), tenant("garage"));
        for (scope, count) in
            [(Scope::Tenant(&salon), 2), (Scope::Tenant(&garage), 1), (Scope::AllTenants, 3)]
        {
            assert_eq!(store.effects(scope, &sid("CA1")).unwrap().len(), count, "{scope:?}");
        }
    }

    fn of_many_at_once_one_is_told_to_go(database) {
        // As many processes do it: each with connections of its own.
        let goes = at_once(database, |store| {
            matches!(store.begin_effect(&key("book"), life(), at(0)).unwrap(), Begun::Go)
        });
        assert_eq!(goes, 1);
        let found = database.store.effect(&key("book")).unwrap().unwrap();
        let taken = at_once(database, |store| store.take_over_effect(&found, life(), at(1)).unwrap());
        assert_eq!(taken, 1);
    }

    fn it_survives_a_restart(database) {
        let (key, dead) = (key("book"), life());
        {
            let store = Store::open(&database.url, 1).unwrap();
            assert_eq!(store.begin_effect(&key, dead, at(0)).unwrap(), Begun::Go);
        }
        let row = Store::open(&database.url, 1).unwrap().effect(&key).unwrap().unwrap();
        assert_eq!((row.state, row.begun_by), (EffectState::Begun, dead));
    }
}

/// How many of many who do it at once are told yes.
fn at_once(database: &Database, ask: impl Fn(&Store) -> bool + Sync) -> usize {
    thread::scope(|scope| {
        let asking: Vec<_> =
            (0..20).map(|_| scope.spawn(|| ask(&Store::open(&database.url, 1).unwrap()))).collect();
        asking.into_iter().map(|one| one.join().unwrap()).filter(|yes| *yes).count()
    })
}
