//! Many calls in which everything happens at any time, from a seed: whatever was begun
//! in advance, what the caller hears is an answer to what was said.

use trunkline_core::call::{Command, Input, Output, Speaker};
use trunkline_core::persona::Rng;
use trunkline_core::pii::Personal;
use trunkline_core::pipeline::{Heard, Speculation, Thought};
use trunkline_core::time::Micros;
use trunkline_core::turn::likely::same_words;

use crate::greeted::{REALISTIC, answered, greeted, wants_tool};
use crate::support::{Latencies, Plan, World, ms, secs};

const CALLS: u64 = 400;
const WORDS: [&str; 8] = ["open", "and", "table.", "two", "Sunday?", "the", "water", "please!"];

fn between(rng: &mut Rng, from: u64, to: u64) -> Micros {
    ms(from + rng.below(to - from))
}

/// Words that nobody else says: the first is a number of its own.
fn words(rng: &mut Rng, number: &mut u64) -> String {
    *number += 1;
    let mut words = vec![format!("w{number}x")];
    for _ in 0..1 + rng.below(6) {
        words.push((*rng.pick(&WORDS).unwrap()).to_owned());
    }
    words.join(" ")
}

/// Something happens; answers whether the call goes on.
fn happens(world: &mut World, rng: &mut Rng, number: &mut u64) -> bool {
    match rng.below(16) {
        0..=6 => {
            let said = words(rng, number);
            let end = world.speak(&said);
            let last =
                said.clone() + [".", "", "?", " indeed"][usize::try_from(rng.below(4)).unwrap()];
            world.settle(&last, end);
            // The recogniser hears one run of speech after the other.
            world.run_until(end + ms(700));
        }
        7 | 8 => {
            // A long breath in the middle.
            let said = words(rng, number);
            let end = world.speak(&said);
            world.run_until(end + between(rng, 100, 1_500));
            let more = format!("{said} {}", words(rng, number));
            let interim = Heard::Interim { text: Personal::new(more.clone()) };
            world.hears_in(Micros::ZERO, interim);
            world.settle(&more, world.now + ms(300));
            world.run_for(between(rng, 960, 1_200));
        }
        9 => {
            // What was heard first was wrong.
            let said = words(rng, number);
            let end = world.speak(&said);
            world.settle(&words(rng, number), end);
            world.run_until(end + ms(700));
        }
        10 => {
            // A noise.
            world.hears_in(Micros::ZERO, Heard::SpeechStarted);
            let nothing = Heard::Final { text: Personal::new(""), to_ms: 0, ends: true };
            world.hears_in(ms(200), nothing);
            world.run_for(ms(300));
        }
        11 => {
            let failed = Thought::Failed { reason: "broken".to_owned(), retry: true };
            let said = ["The water runs.", "Help me."][usize::try_from(rng.below(2)).unwrap()];
            let answer = if rng.below(2) == 0 { wants_tool() } else { vec![failed] };
            answered(world, said, answer);
            let end = world.say(said);
            world.run_until(end + ms(700));
        }
        12 => {
            let lost = Heard::Lost { reason: "gone".to_owned(), retry: true };
            world.hears_in(Micros::ZERO, lost);
            world.run_for(ms(200));
        }
        13 if rng.below(6) == 0 => {
            world.tell(Input::Command(Command::Hangup));
            return false;
        }
        14 if rng.below(6) == 0 => {
            world.tell(Input::Command(Command::Transfer { reason: "asked".to_owned() }));
            return false;
        }
        _ => {}
    }
    world.run_for(between(rng, 10, 3_000));
    !world.is_closed()
}

fn call(seed: u64) -> World {
    let mut rng = Rng::new(seed);
    let plan = if rng.below(2) == 0 { Plan::default() } else { Plan::with_ears() };
    let mut world = greeted(&plan, true);
    world.services.takes = Latencies {
        recogniser: between(&mut rng, 10, 400),
        first_token: between(&mut rng, 10, 1_200),
        first_audio: between(&mut rng, 10, 900),
        ..REALISTIC
    };
    let mut number = 0;
    for _ in 0..4 + rng.below(8) {
        if !happens(&mut world, &mut rng, &mut number) {
            break;
        }
    }
    world.run_for(secs(6));
    world.tell(Input::StreamStopped);
    world.run_for(secs(1));
    world
}

/// The caller's words as the call recorded them, run by run.
fn said(world: &World) -> Vec<String> {
    let caller = world.transcript().into_iter().filter(|entry| entry.speaker == Speaker::Caller);
    caller.map(|entry| entry.generated.expose().to_owned()).collect()
}

/// Whether this is what was said in one or more runs of speech, one after the other.
fn was_said(runs: &[String], words: &str) -> bool {
    (0..runs.len())
        .any(|from| (from..runs.len()).any(|to| same_words(&runs[from..=to].join(" "), words)))
}

fn check(seed: u64, world: &World) {
    let runs = said(world);
    for (tag, sent) in &world.sent {
        assert!(*sent <= world.received[tag], "seed {seed}: more of {tag} was sent than given");
    }
    let handed_over = world.services.said.iter().filter(|said| said.bytes > 0);
    for text in handed_over.map(|said| &said.text) {
        if let Some(words) = text.strip_prefix("You said ").and_then(|t| t.strip_suffix(" ok.")) {
            assert!(was_said(&runs, words), "seed {seed}: {words:?} is answered, not {runs:?}");
        }
    }
    let started = world.speculations(Speculation::Started);
    let ended = world.speculations(Speculation::Used) + world.thrown_away().len();
    assert_eq!(
        started, ended,
        "seed {seed}: each comes to something: {:?}",
        world.services.speculated
    );
    assert!(world.services.held.is_empty(), "seed {seed}: nothing stays held");
    let count =
        |kind: &str| world.count(|o| matches!(o, Output::Event { kind: of, .. } if *of == kind));
    let tools = world.count(|o| matches!(o, Output::RunTool { .. }));
    assert!(tools <= count("turn_ended"), "seed {seed}: {tools} tools");
    assert_eq!(world.phone.skipped(), 0, "seed {seed}");
}

#[test]
fn what_the_caller_hears_answers_what_was_said() {
    let mut totals = (0, 0);
    for seed in 0..CALLS {
        let world = call(seed);
        check(seed, &world);
        totals.0 += world.speculations(Speculation::Used);
        totals.1 += world.thrown_away().len();
    }
    eprintln!("{CALLS} calls: {} answers used, {} thrown away", totals.0, totals.1);
    assert!(totals.0 > 300 && totals.1 > 100, "both happen often: {totals:?}");
}

#[test]
fn the_same_seed_is_the_same_call() {
    for seed in [3, 77] {
        let (one, other) = (call(seed), call(seed));
        assert_eq!(one.outputs, other.outputs);
        assert_eq!(one.services.speculated, other.services.speculated);
    }
}
