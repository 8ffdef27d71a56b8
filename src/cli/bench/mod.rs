//! `trunkline bench`: how good the call engine is, measured over real sockets.

mod ground;
mod scenes;

use std::path::{Path, PathBuf};

use trunkline_simulator::barge_in::{
    CallReport, Label, Outcome, Part, SOUNDS, Scene, Sounds, play, scenes,
};

use trunkline_core::detect::EarsSettings;

use super::complain;
use ground::Ground;
use scenes::{Lateness, call_all};

/// The exit code when a figure is not as good as it must be.
const NOT_GOOD: i32 = 1;
/// The exit code when the measuring side was too slow for its figures to be believed.
const TOO_SLOW: i32 = 3;

/// What is measured.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Bench {
    /// How soon the agent falls silent for a caller who speaks, and for what else.
    ///
    /// Places a call for each scene of a labelled set (interruptions, "mm-hm",
    /// coughs, noises, tones, echoes of the agent) through a server and a simulated
    /// model of its own. Exits with 0 when all figures are good, 1 when one is not,
    /// 2 when nothing could be measured, and 3 when this machine was too slow.
    BargeIn(BargeInArgs),
}

/// What `trunkline bench barge-in` is told.
#[derive(Clone, Debug, clap::Args)]
pub struct BargeInArgs {
    /// The folder of the labelled sounds.
    #[arg(long, value_name = "FOLDER", default_value = SOUNDS)]
    sounds: PathBuf,
    /// The part of the set on which the settings were chosen, instead of the other.
    #[arg(long)]
    tune: bool,
    /// What the scenes are mixed by: their levels, noises, echoes and moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only scenes of this kind, such as interruption or cough.
    #[arg(long, value_name = "KIND", value_parser = label)]
    only: Option<Label>,
    /// At most so many scenes of each kind.
    #[arg(long, value_name = "N")]
    most: Option<usize>,
    /// Calls at a time.
    #[arg(long, value_name = "N", default_value_t = 16)]
    at_once: usize,
    /// Leave the database and each call's flight recording in this new folder.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Name the scenes that went wrong.
    #[arg(long)]
    wrong: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs a measurement; answers the process's exit code.
pub async fn run(bench: Bench) -> i32 {
    let Bench::BargeIn(args) = bench;
    match barge_in(&args).await {
        Ok((report, lateness)) => {
            tell(&args, &report);
            if lateness.is_too_much() {
                complain(&format!("{lateness}: do not believe these figures"));
                return TOO_SLOW;
            }
            if report.exceeded.is_empty() { 0 } else { NOT_GOOD }
        }
        Err(error) => {
            complain(&error);
            2
        }
    }
}

async fn barge_in(args: &BargeInArgs) -> Result<(CallReport, Lateness), String> {
    let part = if args.tune { Part::Tune } else { Part::Test };
    let sounds = Sounds::read(&args.sounds).map_err(|error| error.to_string())?;
    let chosen = choose(scenes(&sounds, part, args.seed), args);
    if chosen.is_empty() {
        return Err("there is no such scene".to_owned());
    }
    if !args.json {
        complain(&format!("{} calls, {} at a time", chosen.len(), args.at_once.max(1)));
    }
    let ground = Ground::prepare(&chosen, args.keep.as_deref()).await?;
    let (called, lateness) = call_all(&ground, &chosen, args.at_once.max(1)).await;
    ground.leave().await;
    let heard: Vec<Outcome> = chosen.iter().map(|s| play(s, &EarsSettings::default())).collect();
    Ok((CallReport::new(part, args.seed, &chosen, &heard, &called), lateness))
}

fn choose(all: Vec<Scene>, args: &BargeInArgs) -> Vec<Scene> {
    let most = args.most.unwrap_or(usize::MAX);
    let mut counts = std::collections::BTreeMap::new();
    let mut keep = |scene: &Scene| {
        let count: &mut usize = counts.entry(scene.label).or_default();
        *count += 1;
        *count <= most && args.only.is_none_or(|label| label == scene.label)
    };
    all.into_iter().filter(|scene| keep(scene)).collect()
}

fn label(text: &str) -> Result<Label, String> {
    let known = || Label::ALL.map(Label::name).join(", ");
    Label::ALL
        .into_iter()
        .find(|label| label.name() == text)
        .ok_or_else(|| format!("there is no such kind; there are {}", known()))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn tell(args: &BargeInArgs, report: &CallReport) {
    if args.json {
        // A report is numbers and words, which JSON can always hold.
        println!("{}", serde_json::to_string_pretty(report).unwrap_or_default());
        return;
    }
    println!("{report}");
    if args.wrong {
        report.wrong.iter().for_each(|line| println!("{line}"));
    }
}

/// Makes a path a setting's text.
fn text(path: &Path) -> String {
    path.display().to_string()
}
