//! Runs a call from its list of steps, and finds out which promise it breaks.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use trunkline_core::call::PhaseName;
use trunkline_core::time::Micros;

use super::checker::Checker;
use super::step::{Caller, Step};
use super::{Peers, Scenario, drawing};
use crate::support::{Breach, Invariant, World, holds, ms, secs};

/// A wait is looked at so often.
const LOOK: Micros = ms(200);
/// How long a call is left to itself before its caller asks whether it lives.
const LEFT_ALONE: Micros = secs(30);
/// How soon it answers then, or is over.
const ANSWERS_WITHIN: Micros = secs(12);
/// How long a call whose peers keep to nothing may take to come to rest.
const AFTERMATH: Micros = secs(40);

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What a call came to.
pub struct Run {
    pub world: World,
    pub breach: Option<Breach>,
}

/// Runs a call, and catches what goes wrong in it.
pub fn run(scenario: &Scenario) -> Run {
    hush();
    let mut world = World::new(&scenario.plan);
    QUIET.set(true);
    let driven = catch_unwind(AssertUnwindSafe(|| drive(scenario, &mut world)));
    let mut breach = driven.err().map(|panic| Breach::of_panic(panic.as_ref()));
    if breach.is_none() {
        let replayed = catch_unwind(AssertUnwindSafe(|| world.recording.check()));
        let detail = match replayed {
            Ok(compared) => compared.err(),
            Err(panic) => Some(Breach::of_panic(panic.as_ref()).detail),
        };
        breach = detail.map(|detail| Breach { invariant: Invariant::Replays, detail });
    } else {
        // What panicked then would panic again.
        world.recording.finish();
    }
    QUIET.set(false);
    Run { world, breach }
}

/// Panics of a run are its result, and not for the screen.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
}

struct Drive<'a> {
    scenario: &'a Scenario,
    world: &'a mut World,
    checker: Checker,
    caller: Caller,
}

fn drive(scenario: &Scenario, world: &mut World) {
    drawing::settle(world);
    let checker = Checker::new(&scenario.plan, scenario.peers);
    let mut drive = Drive { scenario, world, checker, caller: Caller::default() };
    for step in &scenario.steps {
        if let Step::Wait(time) = step {
            drive.wait(*time);
        }
        step.take(drive.world, &mut drive.caller);
        drive.look();
    }
    match scenario.peers {
        Peers::Legal => drive.must_still_live(),
        Peers::Hostile => drive.wait(AFTERMATH),
    }
    drive.world.hang_up();
    drive.look();
    drive.checker.check_end(drive.world);
}

impl Drive<'_> {
    fn wait(&mut self, time: Micros) {
        let until = self.world.now + time;
        while self.world.now < until {
            self.world.run_until(until.min(self.world.now + LOOK));
            self.look();
        }
    }

    fn look(&mut self) {
        self.checker.check(self.world, &self.caller.heard);
        if let Some(broken) = self.scenario.on_purpose {
            holds(!broken(self.world), Invariant::OnPurpose, || "as it should".to_owned());
        }
    }

    /// A call that has not ended answers its caller, or ends. The peers are well
    /// again, so that it can.
    fn must_still_live(&mut self) {
        let silent_from = self.caller.silent_from.max(self.world.now);
        self.wait(silent_from.since(self.world.now));
        self.world.model.replies.clear();
        self.world.model.ignores_cancel = false;
        self.world.model.dials.clear();
        self.world.carrier_stuck = false;
        self.wait(LEFT_ALONE);
        // What is said while a session is exchanged would be heard by the next one,
        // which this model does not play.
        let patience = self.world.now + LEFT_ALONE;
        while !self.world.model.ready && !self.is_over() && self.world.now < patience {
            self.wait(ms(50));
        }
        let before = self.spoken();
        self.world.caller_speaks(ms(700), "are you still there");
        self.wait(ANSWERS_WITHIN);
        let started = self.world.call.phase() != PhaseName::Answering;
        let alive = (started && self.spoken() > before) || self.is_over();
        let never_began = !self.scenario.steps.iter().any(|s| matches!(s, Step::Start));
        holds(alive || never_began, Invariant::LineAlive, || {
            format!("no answer in {ANSWERS_WITHIN:?}, {:?}", self.world.call.phase())
        });
        let goodbye = self.world.call.phase() == PhaseName::Goodbye;
        holds(!goodbye, Invariant::LineAlive, || "a goodbye without an end".to_owned());
    }

    fn is_over(&self) -> bool {
        self.world.summary().is_some()
    }

    fn spoken(&self) -> u64 {
        self.world.sent.values().sum()
    }
}
