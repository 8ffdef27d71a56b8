//! What is shown of a call that breaks a promise.

use std::fmt::Write as _;

use super::driver::{Run, run};
use super::shrink::shrink;
use super::step::Step;
use super::{Peers, Scenario};
use crate::support::{Breach, Seen, World};

/// Runs for one shrinking: a call has about eighty steps.
const MOST_RUNS: usize = 1_500;

/// The fewest steps that break the same promise, what came of them, and how to run
/// it again.
pub fn explain(scenario: &Scenario, breach: &Breach, seed: u64) -> String {
    let short = shortest(scenario, breach);
    let Run { world, breach } = run(&short);
    let breach = breach.expect("it broke a moment ago");
    let mut text = String::new();
    let (name, says) = (breach.invariant.name(), breach.invariant.says());
    let before = scenario.steps.len();
    writeln!(text, "{:?}", short.plan).unwrap();
    writeln!(text, "\n{} of {before} steps are enough:", short.steps.len()).unwrap();
    for step in &short.steps {
        writeln!(text, "  {step:?}").unwrap();
    }
    writeln!(text, "\nwhat was told (<), decided (>) and sent (|):").unwrap();
    trace(&world, &mut text);
    writeln!(text, "\nbroken: {name}. {says}\n  {}", breach.detail).unwrap();
    let test = match scenario.peers {
        Peers::Legal => "peers_that_keep_to_the_protocol",
        Peers::Hostile => "peers_that_keep_to_nothing",
    };
    write!(text, "again: SEED={seed} cargo test -p trunkline-core --test call {test}").unwrap();
    text
}

/// The same call with as few steps as break the same promise.
pub fn shortest(scenario: &Scenario, breach: &Breach) -> Scenario {
    let with = |steps: &[Step]| Scenario { steps: steps.to_vec(), ..scenario.clone() };
    let steps = shrink(&scenario.steps, MOST_RUNS, |steps| {
        run(&with(steps)).breach.is_some_and(|b| b.invariant == breach.invariant)
    });
    with(&steps)
}

fn trace(world: &World, text: &mut String) {
    for (at, seen) in &world.log {
        match seen {
            Seen::Told(index) => writeln!(text, "{at:?} < {:?}", world.inputs[*index].1),
            Seen::Woken => writeln!(text, "{at:?} < woken"),
            Seen::Decided(index) => writeln!(text, "{at:?}   > {:?}", world.outputs[*index].1),
            Seen::Wire(index) => writeln!(text, "{at:?}       | {:?}", world.wire[*index].1),
        }
        .unwrap();
    }
}
