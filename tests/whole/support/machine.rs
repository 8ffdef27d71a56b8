//! The machine, which tests share: a test that needs all of it has it alone, so
//! that no other test measures the crowd instead of the server.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::new(());

thread_local! {
    /// What this test has of it: one that runs two servers takes its part once.
    static OWN: RefCell<Weak<Part>> = const { RefCell::new(Weak::new()) };
}

/// A test's part of the machine, until it is dropped.
#[expect(dead_code, reason = "the guards are there to be dropped")]
pub enum Part {
    /// Beside other tests.
    Shared(RwLockReadGuard<'static, ()>),
    /// Alone.
    Whole(RwLockWriteGuard<'static, ()>),
}

impl Part {
    /// Waits until the test may run, beside others or `alone`.
    pub fn take(alone: bool) -> Rc<Self> {
        let own = OWN.with_borrow(Weak::upgrade);
        own.unwrap_or_else(|| {
            // A test that failed leaves the machine as it was.
            let part = Rc::new(if alone {
                Self::Whole(MACHINE.write().unwrap_or_else(PoisonError::into_inner))
            } else {
                Self::Shared(MACHINE.read().unwrap_or_else(PoisonError::into_inner))
            });
            OWN.set(Rc::downgrade(&part));
            part
        })
    }
}
