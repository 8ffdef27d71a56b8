//! Thousands of calls that no one thought of. Each is made from a seed, as a list of
//! what its peers do, which is then run and looked at after every step. The promises
//! are those of [`Invariant`]; docs/simulation.md says how to use this.
//!
//! `CALLS=n` makes more calls; `SEED=n` runs one; `ALL=1` goes on after a failure
//! and says in the end which promises were broken.
#![allow(unreachable_pub, reason = "for the files of this folder")]

mod checker;
mod drawing;
mod driver;
mod found;
mod hostile;
pub mod rates;
mod shrink;
mod step;
mod trace;

use std::collections::BTreeMap;

use trunkline_core::call::Output;

use crate::support::{Breach, Invariant, Plan, World};
use driver::run;
use step::Step;

/// Of each kind, unless the environment says otherwise.
const CALLS: u64 = 1_500;

/// From so many calls on, everything in [`MUST_HAPPEN`] must.
const MANY: u64 = 1_000;

/// Events without which a sweep shows nothing about them.
const MUST_HAPPEN: [&str; 24] = [
    "aside",
    "barge_in",
    "barge_in_false",
    "barge_in_resumed",
    "barge_in_stop",
    "bridge",
    "call_ended",
    "child_exited",
    "collecting_digits",
    "dead_air",
    "digits_collected",
    "dtmf",
    "filler",
    "goodbye",
    "model_error",
    "model_lost",
    "model_restored",
    "next_model",
    "outbound_stuck",
    "sentence",
    "session_recycled",
    "silence",
    "tool_finished",
    "ttl_expired",
];

/// Whether the peers keep to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peers {
    Legal,
    Hostile,
}

/// A call, before it happens.
#[derive(Clone, Debug)]
struct Scenario {
    plan: Plan,
    steps: Vec<Step>,
    peers: Peers,
    /// What breaks [`Invariant::OnPurpose`].
    on_purpose: Option<fn(&World) -> bool>,
}

fn sweep(make: fn(u64) -> Scenario) {
    let seeds = match (from_environment("SEED"), from_environment("CALLS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, calls) => 0..calls.unwrap_or(CALLS),
    };
    let goes_on = from_environment("ALL").is_some();
    let mut broken: BTreeMap<Invariant, (u64, u64)> = BTreeMap::new();
    let mut happened: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in seeds.clone() {
        let scenario = make(seed);
        let run = run(&scenario);
        count_events(&run.world, &mut happened);
        let Some(breach) = run.breach else {
            continue;
        };
        assert!(goes_on, "{}", trace::explain(&scenario, &breach, seed));
        broken.entry(breach.invariant).or_insert((seed, 0)).1 += 1;
    }
    say_what_was_broken(&broken);
    if scenario_is_legal(make) && seeds.end - seeds.start >= MANY {
        let missing: Vec<_> = MUST_HAPPEN.iter().filter(|e| !happened.contains_key(**e)).collect();
        assert!(missing.is_empty(), "never happened: {missing:?}, of {happened:?}");
    }
}

fn scenario_is_legal(make: fn(u64) -> Scenario) -> bool {
    make(0).peers == Peers::Legal
}

fn count_events<'a>(world: &World, happened: &mut BTreeMap<&'a str, u64>)
where
    'static: 'a,
{
    for (_, output) in &world.outputs {
        if let Output::Event { kind, .. } = output {
            *happened.entry(kind).or_default() += 1;
        }
    }
}

/// One line for each, which `scripts/mutants` reads.
#[allow(clippy::print_stdout, reason = "for the script that asked to be told all")]
fn say_what_was_broken(broken: &BTreeMap<Invariant, (u64, u64)>) {
    for (invariant, (seed, calls)) in broken {
        println!("broken {} seed {seed} calls {calls}", invariant.name());
    }
    assert!(broken.is_empty(), "{} promises were broken", broken.len());
}

#[allow(clippy::disallowed_methods, reason = "a test may ask which of its calls to run")]
fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

#[test]
fn peers_that_keep_to_the_protocol() {
    sweep(drawing::legal);
}

#[test]
fn peers_that_keep_to_nothing() {
    sweep(hostile::hostile);
}

/// Everything from the drawing to the last line of the trace, for a promise that is
/// broken on purpose.
#[test]
fn a_failing_call_is_shown_in_as_few_steps_as_fail() {
    let pressed = |world: &World| world.events("dtmf") > 0;
    let mut shown = 0;
    for seed in 0..40 {
        let mut scenario = drawing::legal(seed);
        scenario.on_purpose = Some(pressed);
        let Some(breach) = run(&scenario).breach else {
            continue;
        };
        assert_eq!(breach.invariant, Invariant::OnPurpose, "{}", breach.detail);
        let short = trace::shortest(&scenario, &breach);
        let [Step::Start, Step::Press(_)] = short.steps.as_slice() else {
            panic!("{:?}", short.steps);
        };
        let text = trace::explain(&scenario, &breach, seed);
        assert!(text.contains("broken: on_purpose. "), "{text}");
        assert!(text.contains(&format!("SEED={seed} ")), "{text}");
        assert!(text.contains("2 of ") && text.contains("< Digit("), "{text}");
        shown += 1;
        if shown == 3 {
            return;
        }
    }
    panic!("nobody presses a key");
}

#[test]
fn a_panic_that_names_no_promise_is_the_cores_own() {
    let of = |text: &str| Breach::of_panic(&text.to_owned()).invariant;
    assert_eq!(of("a hold has an end"), Invariant::CoreHolds);
    for invariant in Invariant::ALL {
        assert_eq!(of(&format!("[{}] so", invariant.name())), *invariant);
        assert!(!invariant.says().is_empty());
    }
}
