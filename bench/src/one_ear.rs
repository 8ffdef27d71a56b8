//! The ears of a call, measured: how well they tell an interruption from the
//! rest (`score`), and what a frame costs (`quiet`, `speech`, `echo`), to be run
//! under an instruction counter or timed.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use trunkline_core::audio::FRAME_BYTES;
use trunkline_core::detect::{Ears, EarsSettings, EarsSnapshot};
use trunkline_core::time::Micros;
use trunkline_simulator::barge_in::{Label, Part, SOUNDS, Scene, Sounds, scenes, score};

/// Measures the ears.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    what: What,
    /// The folder of the labelled sounds.
    #[arg(long, default_value = SOUNDS, global = true)]
    sounds: PathBuf,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum What {
    /// Misses, false triggers and latency over the labelled set.
    Score {
        /// The part on which the settings were chosen, instead of the other.
        #[arg(long)]
        tune: bool,
        /// What the scenes are mixed by.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// JSON instead of a table.
        #[arg(long)]
        json: bool,
        /// Names the scenes that went wrong.
        #[arg(long)]
        wrong: bool,
        /// Settings of the ears that differ from the defaults, as JSON, such as
        /// '{"voiced_ms":80}'.
        #[arg(long, value_parser = settings, default_value = "{}")]
        settings: EarsSettings,
    },
    /// Frames of a quiet line while the agent speaks.
    Quiet(Frames),
    /// Frames of a caller who speaks while the agent does.
    Speech(Frames),
    /// Frames of the agent's echo.
    Echo(Frames),
    /// Frames of a caller who speaks while the agent does not.
    Alone(Frames),
}

#[derive(Clone, Copy, Debug, clap::Args)]
struct Frames {
    /// How many.
    frames: usize,
    /// Prints how long one took.
    #[arg(long)]
    time: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell_error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    match options.what {
        What::Score { tune, seed, json, wrong, settings } => {
            let part = if tune { Part::Tune } else { Part::Test };
            let report = score(&options.sounds, part, seed, &settings)?;
            if json {
                tell(&serde_json::to_string_pretty(&report)?);
            } else {
                tell(&report.to_string());
            }
            if wrong {
                tell(&report.wrong.join("\n"));
            }
        }
        What::Quiet(frames) => cost(options, frames, Label::ComfortNoise, true)?,
        What::Speech(frames) => cost(options, frames, Label::Interruption, true)?,
        What::Echo(frames) => cost(options, frames, Label::Echo, true)?,
        What::Alone(frames) => cost(options, frames, Label::Interruption, false)?,
    }
    Ok(())
}

fn settings(text: &str) -> Result<EarsSettings, serde_json::Error> {
    serde_json::from_str(text)
}

/// Plays so many frames of scenes of one kind: of an interruption, those in which
/// the caller speaks.
fn cost(
    options: &Options,
    frames: Frames,
    label: Label,
    agent: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let sounds = Sounds::read(&options.sounds)?;
    let scenes = scenes(&sounds, Part::Test, 1);
    let of_it: Vec<&Scene> = scenes.iter().filter(|s| s.label == label).take(10).collect();
    let mut ears = Ears::new(EarsSettings::default(), EarsSnapshot::default());
    let caller: Vec<&[u8]> =
        of_it.iter().flat_map(|s| interesting(s).chunks(FRAME_BYTES)).collect();
    let ours: Vec<&[u8]> = of_it.iter().flat_map(|s| s.agent.chunks(FRAME_BYTES)).collect();
    let began = Instant::now();
    let mut told = 0_usize;
    let both = caller.iter().cycle().zip(ours.iter().cycle()).zip(0_u64..);
    for ((caller, ours), n) in both.take(frames.frames) {
        let at = Micros::from_millis(n * 20 + 20);
        if agent {
            ears.agent_audio(black_box(ours), at);
        }
        told += usize::from(ears.caller_frame(black_box(caller), at, agent).is_some());
    }
    if frames.time {
        let micros = began.elapsed().as_secs_f64() * 1e6 / frames.frames.max(1) as f64;
        tell(&format!("{micros:.2} us a frame, {told} sounds told"));
    }
    black_box(told);
    Ok(())
}

fn interesting(scene: &Scene) -> &[u8] {
    let from = match scene.label {
        Label::Interruption => scene.onset_ms.unwrap_or(0) as usize * 8 / FRAME_BYTES * FRAME_BYTES,
        Label::Backchannel
        | Label::Cough
        | Label::Noise
        | Label::Tone
        | Label::ComfortNoise
        | Label::Echo => return &scene.caller,
    };
    scene.caller.get(from..from + 50 * FRAME_BYTES).unwrap_or(&scene.caller)
}

#[expect(clippy::print_stdout, reason = "a command line's answer")]
fn tell(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "a command line's complaint")]
fn tell_error(text: &str) {
    eprintln!("one-ear: {text}");
}
