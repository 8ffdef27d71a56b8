//! At most one response is open, whatever order its news come in.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use proptest::prelude::*;
use trunkline_core::ids::ResponseId;
use trunkline_core::time::Micros;
use trunkline_core::turn::sequencer::{Announced, Purpose, Sequencer, Step};

fn id(index: u8) -> ResponseId {
    ResponseId::parse(&format!("resp_{index}")).unwrap()
}

/// A model that has at most one response, and answers each request in turn.
#[derive(Default)]
struct Model {
    asked: bool,
    open: Option<u8>,
    next: u8,
}

proptest! {
    #[test]
    fn a_faithful_model_never_has_to_refuse(
        story in prop::collection::vec(0_u8..6, 0..120)
    ) {
        let mut seq = Sequencer::default();
        let mut model = Model::default();
        for what in story {
            let step = match what {
                0 | 1 => seq.want(Purpose::Answer),
                2 => seq.cancel(Micros::ZERO),
                3 if model.asked => {
                    model.asked = false;
                    model.next = model.next.wrapping_add(1);
                    model.open = Some(model.next);
                    match seq.announced(&id(model.next), Micros::ZERO) {
                        Announced::CancelNow => Some(Step::Cancel(id(model.next))),
                        Announced::Current(_) => None,
                        Announced::Again | Announced::Stray => {
                            return Err(TestCaseError::fail("it was asked for, and is new"));
                        }
                    }
                }
                4 if model.open.is_some() => {
                    let (was_open, step) = seq.finished(&id(model.open.take().unwrap()));
                    prop_assert!(was_open);
                    step
                }
                _ => seq.finished(&id(255)).1,
            };
            match step {
                Some(Step::Create(_)) => {
                    prop_assert!(!model.asked && model.open.is_none(), "one at a time");
                    model.asked = true;
                }
                Some(Step::Cancel(cancelled)) => {
                    prop_assert_eq!(Some(cancelled), model.open.map(id));
                    prop_assert_eq!(seq.current(), None);
                }
                None => {}
            }
            prop_assert!(!seq.is_live() || model.asked || model.open.is_some());
            prop_assert!(!seq.is_live() || seq.has_more_to_say());
            prop_assert_eq!(seq.is_idle(), !model.asked && model.open.is_none());
        }
        // Whatever happened, what is wanted now is asked for once all that is open ends.
        let mut step = seq.want(Purpose::Greeting);
        for round in 0..3 {
            if model.asked {
                model.asked = false;
                seq.announced(&id(200 + round), Micros::ZERO);
                model.open = Some(200 + round);
            }
            if let Some(open) = model.open.take() {
                step = seq.finished(&id(open)).1.or(step);
            }
        }
        prop_assert_eq!(step, Some(Step::Create(Purpose::Greeting)));
    }

    #[test]
    fn no_order_of_news_leaves_it_waiting_for_ever(
        story in prop::collection::vec((0_u8..8, 0_u8..4), 0..120)
    ) {
        let mut seq = Sequencer::default();
        for (what, which) in story {
            match what {
                0 => drop(seq.want(Purpose::Say("x".to_owned()))),
                1 => drop(seq.cancel(Micros::ZERO)),
                2 => drop(seq.announced(&id(which), Micros::ZERO)),
                3 => drop(seq.finished(&id(which))),
                4 => seq.refused_as_busy(),
                5 => drop(seq.give_up()),
                6 => drop(seq.reset()),
                _ => seq.drop_waiting(),
            }
            prop_assert!(seq.current().is_none() || seq.is_live());
            prop_assert_eq!(seq.current().is_some(), seq.purpose().is_some());
            prop_assert!(!(seq.is_live() && seq.awaits_cancelled()));
        }
        drop(seq.cancel(Micros::ZERO));
        prop_assert!(!seq.has_more_to_say());
        drop(seq.give_up());
        prop_assert!(seq.is_idle());
        prop_assert_eq!(seq.want(Purpose::Answer), Some(Step::Create(Purpose::Answer)));
    }
}
