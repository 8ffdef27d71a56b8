//! A side effect happens once, whoever asks for it and whoever dies in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

use std::cell::Cell;
use std::rc::Rc;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use tokio::sync::Notify;
use trunkline_actors::side_effects::{Answer, Carried, Effect, Found, SideEffects};
use trunkline_core::ids::{CallSid, TenantId};
use trunkline_store::{Begun, EffectKey, EffectState, Payload, Store};
use uuid::Uuid;

struct World {
    store: Store,
    url: String,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("x.sqlite").display());
        let store = Store::open(&url, 4).unwrap();
        store.migrate().unwrap();
        Self { store, url, _folder: folder }
    }

    /// Another process on the same database.
    fn process(&self) -> SideEffects {
        SideEffects::new(Store::open(&self.url, 2).unwrap())
    }

    /// An effect that a process began and did not live to answer.
    fn abandoned(&self, seconds_ago: i64) -> EffectKey {
        let begun_at = Utc::now() - TimeDelta::seconds(seconds_ago);
        let begun = self.store.begin_effect(&key(), Uuid::new_v4(), begun_at).unwrap();
        assert_eq!(begun, Begun::Go);
        key()
    }
}

fn key() -> EffectKey {
    let (tenant, call) = (TenantId::parse("salon").unwrap(), CallSid::parse("CA1").unwrap());
    EffectKey::new(tenant, call, "book", &json!({"at": "nine"}))
}

fn text(words: &str) -> Payload {
    Payload(json!(words))
}

/// A booking system of one's own: how often it was told to book, and asked.
struct Booking {
    told: Cell<usize>,
    asked: Cell<usize>,
    carried: Carried,
    found: Found,
    slow: Option<Rc<Notify>>,
}

impl Booking {
    fn new(carried: Carried, found: Found) -> Self {
        Self { told: Cell::new(0), asked: Cell::new(0), carried, found, slow: None }
    }

    fn good() -> Self {
        Self::new(Carried::Out(text("booked")), Found::Unknown)
    }

    fn counts(&self) -> (usize, usize) {
        (self.told.get(), self.asked.get())
    }
}

impl Effect for Booking {
    async fn carry_out(&self) -> Carried {
        self.told.set(self.told.get() + 1);
        if let Some(slow) = &self.slow {
            slow.notified().await;
        }
        self.carried.clone()
    }

    async fn look_up(&self) -> Found {
        self.asked.set(self.asked.get() + 1);
        self.found.clone()
    }
}

fn done(words: &str) -> Answer {
    Answer::Done(text(words))
}

#[actix_rt::test]
async fn every_repetition_is_given_the_first_answer() {
    let world = World::new();
    let (first, second) =
        (Booking::good(), Booking::new(Carried::Out(text("again")), Found::Nothing));
    assert_eq!(world.process().once(&key(), &first).await.unwrap(), done("booked"));
    // In another life of the process.
    assert_eq!(world.process().once(&key(), &second).await.unwrap(), done("booked"));
    assert_eq!((first.counts(), second.counts()), ((1, 0), (0, 0)));
}

#[actix_rt::test]
async fn whoever_asks_meanwhile_waits_for_the_first() {
    let world = World::new();
    let (here, elsewhere) = (world.process(), world.process());
    let go = Rc::new(Notify::new());
    let slow = Booking { slow: Some(Rc::clone(&go)), ..Booking::good() };
    let other = Booking::good();
    let begins = async {
        while world.store.effect(&key()).unwrap().is_none() || slow.told.get() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let key = key();
    let first = here.once(&key, &slow);
    let others = async {
        begins.await;
        let free = async {
            // Both have looked in vain by then.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            go.notify_one();
        };
        let (same, another, ()) =
            tokio::join!(here.once(&key, &other), elsewhere.once(&key, &other), free);
        (same.unwrap(), another.unwrap())
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!((first.unwrap(), others), (done("booked"), (done("booked"), done("booked"))));
    assert_eq!((slow.counts(), other.counts()), ((1, 0), (0, 0)));
}

#[actix_rt::test]
async fn what_a_dead_process_began_is_looked_up_before_it_is_done() {
    for (found, answer, counts) in [
        (Found::Done(text("it had booked")), done("it had booked"), (0, 1)),
        (Found::Nothing, done("booked"), (1, 1)),
        (Found::Unknown, Answer::Unknown, (0, 1)),
    ] {
        let world = World::new();
        let key = world.abandoned(60);
        let booking = Booking::new(Carried::Out(text("booked")), found);
        assert_eq!(world.process().once(&key, &booking).await.unwrap(), answer);
        assert_eq!(booking.counts(), counts, "{answer:?}");
        let state = world.store.effect(&key).unwrap().unwrap().state;
        let open = answer == Answer::Unknown;
        assert_eq!(state, if open { EffectState::Begun } else { EffectState::Done });
    }
}

#[actix_rt::test]
async fn an_answer_that_was_lost_is_asked_for_by_the_next_who_wants_it() {
    let world = World::new();
    let process = world.process();
    let lost = Booking::new(Carried::Unknown, Found::Unknown);
    assert_eq!(process.once(&key(), &lost).await.unwrap(), Answer::Unknown);
    let next = Booking::new(Carried::Out(text("twice")), Found::Done(text("it had booked")));
    assert_eq!(process.once(&key(), &next).await.unwrap(), done("it had booked"));
    assert_eq!((lost.counts(), next.counts()), ((1, 0), (0, 1)));
}

#[actix_rt::test]
async fn what_is_known_to_have_failed_is_tried_again_when_it_is_asked_for_again() {
    let world = World::new();
    let process = world.process();
    let fails = Booking::new(Carried::Not(text("taken")), Found::Unknown);
    assert_eq!(process.once(&key(), &fails).await.unwrap(), Answer::Failed(text("taken")));
    let works = Booking::good();
    assert_eq!(process.once(&key(), &works).await.unwrap(), done("booked"));
    assert_eq!(
        (works.counts(), world.store.effect(&key()).unwrap().unwrap().attempts),
        ((1, 0), 2)
    );
}

#[actix_rt::test]
async fn what_cannot_be_written_down_is_not_done() {
    let world = World::new();
    let process = world.process();
    let url = world.url.strip_prefix("sqlite://").unwrap();
    // The ledger is gone.
    std::fs::write(url, "").unwrap();
    for more in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{url}{more}")).unwrap_or_default();
    }
    let booking = Booking::good();
    process.once(&key(), &booking).await.unwrap_err();
    assert_eq!(booking.counts(), (0, 0));
}
