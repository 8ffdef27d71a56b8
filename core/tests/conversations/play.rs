//! Plays a script, and says where it was not as written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use trunkline_core::call::{Command, Input, ModelEvent};
use trunkline_core::flight::{Words, say};
use trunkline_core::tenant::Mode;
use trunkline_core::time::Micros;
use trunkline_core::turn::playback::mulaw_bytes;

use crate::support::{Plan, World, ms, replay};

use super::condition::check;
use super::script::{Action, Condition, Script, Step, Voice, What};

/// How finely a condition is watched for.
const LOOK: Micros = ms(5);

/// From one key to the next.
const KEY: Micros = ms(300);

/// Lines of the timeline that are shown with a failure.
const SHOWN_LINES: usize = 60;

/// Plays a script; answers the line, what was expected and what was found.
pub fn play(script: &Script, mode: Mode) -> Result<(), String> {
    let mut world = begin(script, mode);
    let ears = script.plan.barge_in.ears;
    for step in &script.steps {
        let done = catch_unwind(AssertUnwindSafe(|| take(step, ears, &mut world)));
        let found = match done {
            Ok(Ok(())) => continue,
            Ok(Err(found)) => found,
            Err(panic) => format!("it panicked: {}", words_of(panic.as_ref())),
        };
        return Err(failure(step, &found, world));
    }
    let kept = [
        (world.phone.skipped() == 0, "the phone left out audio in the middle"),
        (world.model.overlaps == 0, "a response was asked for while another was open"),
        (world.model.wrong_truncations == 0, "the model was told to cut what it did not have"),
    ];
    match (kept.iter().find(|(held, _)| !held), script.steps.last()) {
        (Some((_, broken)), Some(last)) => Err(failure(last, broken, world)),
        _ => Ok(()),
    }
}

fn begin(script: &Script, mode: Mode) -> World {
    let mut world = World::new(&Plan { mode, ..script.plan.clone() });
    world.line_delay = script.line_delay.unwrap_or(world.line_delay);
    world.model.ignores_cancel = script.ignores_cancel;
    world.model.dials.extend(script.dials.iter().cloned());
    world.model.replies.extend(script.replies.iter().cloned());
    for (name, after, effect) in &script.tools {
        world.tools.insert(name, (*after, effect.clone()));
    }
    if script.starts_by_itself {
        world.tell(Input::Started);
    }
    world
}

fn take(step: &Step, ears: bool, world: &mut World) -> Result<(), String> {
    match &step.what {
        What::At(at, _) if *at < world.now => Err(format!("it is {:?} already", world.now)),
        What::At(at, action) => {
            world.run_until(*at);
            act(action, ears, world);
            Ok(())
        }
        What::After(time, action) => {
            world.run_for(*time);
            act(action, ears, world);
            Ok(())
        }
        What::Every { time, times, action } => {
            for _ in 0..*times {
                act(action, ears, world);
                world.run_for(*time);
            }
            Ok(())
        }
        What::Expect { holds, condition } => {
            let (found, how) = check(condition, world);
            if found == *holds { Ok(()) } else { Err(how) }
        }
        What::Within(time, condition) => wait(*time, condition, world),
    }
}

fn wait(time: Micros, condition: &Condition, world: &mut World) -> Result<(), String> {
    let deadline = world.now + time;
    loop {
        let (holds, how) = check(condition, world);
        if holds {
            return Ok(());
        }
        if world.now >= deadline {
            return Err(how);
        }
        world.run_until((world.now + LOOK).min(deadline));
    }
}

fn act(action: &Action, ears: bool, world: &mut World) {
    match action {
        Action::Nothing => {}
        Action::Says { pieces, time, voice } => says(pieces, *time, *voice, ears, world),
        Action::Sounds { time, strong } => world.caller_sounds(*time, *strong),
        Action::Presses(keys) => press(keys, world),
        Action::HangsUp => world.hang_up(),
        Action::StreamStarts => world.tell(Input::Started),
        Action::StreamIsLost => world.tell(Input::StreamLost { reason: "reset".to_owned() }),
        Action::ModelIsLost { retry } => world.lose_model(*retry),
        Action::ModelBegins(reply) => world.model_begins(reply),
        Action::ModelAnswers(reply) => world.model.replies.push_back(reply.clone()),
        Action::ModelExpires(left) => {
            let expires = ModelEvent::Expires { in_ms: left.as_millis() };
            world.model_says_in(Micros::ZERO, expires);
        }
        Action::BreaksOff(service) => {
            assert!(world.break_off(*service), "nothing is under way there");
        }
        Action::ServiceIs(service, which, health) => world.service_is(*service, *which, *health),
        Action::CarrierIsStuck(stuck) => world.carrier_stuck = *stuck,
        Action::ModelSends { response, time } => world.push_audio(*response, mulaw_bytes(*time)),
        Action::MarksAreLost => world.loses_marks = true,
        Action::MarksAreDoubled => world.doubles_marks = true,
        Action::MarksReturn => (world.loses_marks, world.doubles_marks) = (false, false),
        Action::AnsweredBy(who) => world.tell(Input::AnsweredBy(*who)),
        Action::ChildDies(child) => world.kill(*child),
        Action::OperatorHangsUp => world.tell(Input::Command(Command::Hangup)),
        Action::OperatorTransfers(reason) => {
            world.tell(Input::Command(Command::Transfer { reason: reason.clone() }));
        }
        Action::ProcessDrains => world.tell(Input::Command(Command::HandOver)),
        Action::CallExpires => world.tell(Input::Command(Command::Expire)),
    }
}

fn says(pieces: &[String], time: Micros, voice: Voice, ears: bool, world: &mut World) {
    let words = pieces.concat();
    match voice {
        Voice::Near if ears => world.caller_says(time, &words),
        Voice::Near => world.caller_speaks(time, &words),
        Voice::Faint => world.model_hears(time, &words),
        Voice::InPieces => {
            if ears {
                world.caller_sounds(time, true);
            }
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            world.caller_speaks_in_pieces(time, &pieces);
        }
    }
}

/// Keys one after the other, as fingers press them.
fn press(keys: &str, world: &mut World) {
    for (index, key) in keys.chars().enumerate() {
        if index > 0 {
            world.run_for(KEY);
        }
        world.press(key);
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// The line, what was found instead, and what had happened until then.
fn failure(step: &Step, found: &str, mut world: World) -> String {
    let timeline = timeline(&world.recording.finish());
    let skipped = timeline.len().saturating_sub(SHOWN_LINES);
    let shown = timeline[skipped..].join("\n");
    let more = if skipped == 0 { String::new() } else { format!("  … {skipped} lines before\n") };
    format!("{}: {}\n  found at {:?}: {found}\n{more}{shown}", step.line, step.text, world.now)
}

/// What happened and what was decided. What decided nothing is left out.
fn timeline(recording: &[u8]) -> Vec<String> {
    let steps = match replay(recording, Words::Shown) {
        Ok(replayed) => replayed.steps,
        Err(difference) => return vec![format!("  a replay of it differs {difference}")],
    };
    let mut lines = Vec::new();
    for step in steps.iter().filter(|step| !step.decided.is_empty()) {
        lines.push(format!("  {:>12?}  {}", step.at, say(&step.happened)));
        lines.extend(step.decided.iter().map(|decided| format!("{:18}> {}", "", say(decided))));
    }
    lines
}
