//! The clock that echo callers share: it turns every millisecond by an absolute
//! schedule, and each caller has its tick in one of twenty places.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::caller::Caller;

/// Places: one for each millisecond of a frame.
const PLACES: usize = 20;

/// One place's turn.
const STEP: Duration = Duration::from_millis(1);

/// See the module's text. It stops when nobody holds it any more.
#[derive(Default)]
pub(crate) struct Wheel {
    places: RefCell<[Vec<Rc<RefCell<Caller>>>; PLACES]>,
}

impl Wheel {
    pub(super) fn start() -> Rc<Self> {
        let wheel = Rc::new(Self::default());
        drop(actix_rt::spawn(turn(Rc::downgrade(&wheel))));
        wheel
    }

    /// Ticks a caller from now on, in the place that has the fewest.
    pub(super) fn add(&self, caller: Rc<RefCell<Caller>>) {
        let mut places = self.places.borrow_mut();
        if let Some(place) = places.iter_mut().min_by_key(|place| place.len()) {
            place.push(caller);
        }
    }

    /// Lets the callers of a place do what is due, and those that are over go.
    fn tick(&self, place: usize, late: Duration) {
        if let Some(callers) = self.places.borrow_mut().get_mut(place) {
            callers.retain(|caller| caller.borrow_mut().tick(late));
        }
    }
}

async fn turn(wheel: Weak<Wheel>) {
    let start = Instant::now();
    for n in 0_u32.. {
        let due = start + STEP * n;
        let now = Instant::now();
        if now < due {
            sleep_until(due).await;
        } else if n % 4 == 0 {
            // Behind time, the sockets must have their turn nevertheless.
            tokio::task::yield_now().await;
        }
        let Some(wheel) = wheel.upgrade() else {
            return;
        };
        let late = Instant::now().saturating_duration_since(due);
        wheel.tick(usize::try_from(n).unwrap_or(0) % PLACES, late);
    }
}
