//! How a replay is shown: to a person, or as JSON.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};
use trunkline_actors::recorder::End;
use trunkline_core::call::Explanation;
use trunkline_core::flight::{Ending, Preamble, Step, say, say_lines};
use trunkline_core::time::Micros;

use super::replay::{Replayed, Trouble};

/// Writes a replay for a person. What happened without a decision is counted rather
/// than shown, unless `all` of it is asked for.
pub(super) fn write_text(replayed: &Replayed, all: bool, out: &mut dyn Write) -> io::Result<()> {
    write_head(&replayed.preamble, out)?;
    match &replayed.explanation {
        Some(explanation) => write_explanation(explanation, &replayed.steps, out)?,
        None => write_steps(&replayed.steps, all, out)?,
    }
    writeln!(out)?;
    write_end(replayed, out)
}

fn write_head(preamble: &Preamble, out: &mut dyn Write) -> io::Result<()> {
    let settings = &preamble.settings;
    let tenant = &settings.tenant;
    writeln!(
        out,
        "call {}, tenant {}, persona {}",
        settings.call_sid, tenant.id, tenant.persona.name
    )?;
    let (began, build, seed) = (began(preamble), &preamble.build, preamble.seed);
    writeln!(out, "began {began}, build {build}, seed {seed}\n")
}

fn began(preamble: &Preamble) -> String {
    let ms = i64::try_from(preamble.began_unix_ms).unwrap_or(i64::MAX);
    let began = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    began.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn clock(at: Micros) -> String {
    let ms = at.as_millis();
    format!("{:>5}.{:03}", ms / 1_000, ms % 1_000)
}

fn write_steps(steps: &[Step], all: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut quiet = 0;
    for step in steps {
        if step.decided.is_empty() && !all {
            quiet += 1;
            continue;
        }
        write_quiet(quiet, out)?;
        quiet = 0;
        writeln!(out, "{}  {}", clock(step.at), say(&step.happened))?;
        for decided in &step.decided {
            writeln!(out, "             > {}", say(decided))?;
        }
    }
    write_quiet(quiet, out)
}

fn write_quiet(quiet: usize, out: &mut dyn Write) -> io::Result<()> {
    match quiet {
        0 => Ok(()),
        1 => writeln!(out, "        …  1 thing that decided nothing"),
        many => writeln!(out, "        …  {many} things that decided nothing"),
    }
}

fn write_explanation(known: &Explanation, last: &[Step], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "What the call knew at {} s", clock(known.at).trim())?;
    writeln!(out, "  phase  {}", known.phase.as_str())?;
    writeln!(out, "  floor  {}", known.floor)?;
    for item in &known.heard {
        writeln!(
            out,
            "  heard  {} ms of {}; {} ms are with the carrier, {} ms came from the model",
            item.heard_ms, item.item, item.sent_ms, item.received_ms
        )?;
    }
    for due in &known.timers {
        writeln!(out, "  wakes  in {} s: {}", clock(due.after).trim(), due.timer)?;
    }
    writeln!(out, "\nWhat it was told last")?;
    for step in last {
        let decided = match step.decided.len() {
            0 => String::new(),
            1 => "  > 1 decision".to_owned(),
            many => format!("  > {many} decisions"),
        };
        writeln!(out, "{}  {}{decided}", clock(step.at), say(&step.happened))?;
    }
    writeln!(out, "\nEverything it knew")?;
    say_lines(&known.state).iter().try_for_each(|line| writeln!(out, "  {line}"))
}

fn write_end(replayed: &Replayed, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", ending(replayed))?;
    let (inputs, outputs) = (replayed.inputs, replayed.outputs);
    match &replayed.trouble {
        None => {
            let fingerprint = replayed.fingerprint;
            writeln!(out, "The same was decided: {inputs} inputs, {outputs} outputs, {fingerprint}")
        }
        Some(trouble) => writeln!(out, "{}", say_trouble(trouble)),
    }
}

/// How the recording ends, in words.
fn ending(replayed: &Replayed) -> String {
    if replayed.explanation.is_some() || replayed.trouble.is_some() {
        return format!("Replayed up to {} inputs.", replayed.inputs);
    }
    let damage = match replayed.end_of_file {
        End::Whole => String::new(),
        End::Torn => " The file ends within a block, as it does when its writer is killed.".into(),
        End::Damaged(block) => format!(" From block {block} on the file is damaged."),
    };
    let ending = match replayed.ending {
        Some(Ending::Complete) => "The recording is complete.",
        Some(Ending::Died) => "The recording ends with the death of the call's actor.",
        Some(Ending::Full) => "The recording ends where it had become as long as it may.",
        Some(Ending::Lost) => "The recording ends where more could not be written.",
        None => "The recording was cut off: the call went on, or its process was killed.",
    };
    format!("{ending}{damage}")
}

fn say_trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Differs(difference) => format!("Something else is decided {difference}"),
        Trouble::NotUnderstood(error) => format!("{error}; was it made by another build?"),
        Trouble::Panicked => "The next input makes the call panic; see above for where.".to_owned(),
    }
}

/// Writes a replay as one JSON object. Times are in seconds, as texts.
pub(super) fn write_json(replayed: &Replayed, out: &mut dyn Write) -> io::Result<()> {
    let settings = &replayed.preamble.settings;
    let step = |step: &Step| json!({ "at_us": step.at.0, "happened": step.happened, "decided": step.decided });
    let report = json!({
        "call_sid": settings.call_sid,
        "tenant": settings.tenant.id,
        "persona": settings.tenant.persona.name,
        "began_at": began(&replayed.preamble),
        "build": replayed.preamble.build,
        "seed": replayed.preamble.seed,
        "steps": replayed.steps.iter().map(step).collect::<Vec<_>>(),
        "explanation": replayed.explanation,
        "inputs": replayed.inputs,
        "outputs": replayed.outputs,
        "fingerprint": replayed.fingerprint.to_string(),
        "ending": replayed.ending,
        "torn": replayed.end_of_file == End::Torn,
        "damaged": matches!(replayed.end_of_file, End::Damaged(_)),
        "same": replayed.trouble.is_none(),
        "trouble": replayed.trouble.as_ref().map(trouble_json),
    });
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn trouble_json(trouble: &Trouble) -> Value {
    match trouble {
        Trouble::Differs(difference) => json!({
            "kind": "differs",
            "at_us": difference.at.0,
            "happened": difference.happened,
            "output": difference.output,
            "then": difference.then,
            "now": difference.now,
        }),
        Trouble::NotUnderstood(error) => {
            json!({ "kind": "not_understood", "error": error.to_string() })
        }
        Trouble::Panicked => json!({ "kind": "panicked" }),
    }
}
